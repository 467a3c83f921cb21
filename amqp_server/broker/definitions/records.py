"""Definitions as they are stored: under a key of names, as JSON in ASCII.

    ("queue", "/", "jobs")   {"v": 1, "id": 7, "auto_delete": false, "arguments": "AAAA..."}

A key has the kind and the names, so a value holds only the rest. Each row of ``definitions.table``
says what that is. Arguments keep their AMQP types: they are a field table in base64. Octets that
are no text stay lone surrogates, which JSON writes escaped. ``v`` is the version of a value: one
that is not known is left alone.

    queue ids   no names; {"v": 1, "end": 1025}
"""

import json
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from amqp_server.broker.definitions.fields import Fields, whole
from amqp_server.wire.errors import MethodSyntaxError

Key: TypeAlias = tuple[str, ...]

VERSION: Final = 1
QUEUE_IDS_KEY: Final[Key] = ("queue ids",)

_encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_Value = TypeVar("_Value")


class RecordError(Exception):
    """A stored value that this version cannot read."""


def value_with(fields: Fields) -> bytes:
    """Return the value that holds these fields."""
    return _encode({"v": VERSION, **fields}).encode("ascii")


def read_value(value: bytes, reader: Callable[[Fields], _Value]) -> _Value:
    """Return what a reader makes of the fields of a value.

    Raises:
        RecordError: this version cannot read it; the text says why.
    """
    try:
        fields = json.loads(value.decode())
        if not isinstance(fields, dict):
            raise RecordError("it is no JSON object")
        if fields.get("v") != VERSION:
            raise RecordError(f"it is of version {fields.get('v')}, and not {VERSION}")
        return reader(fields)
    except KeyError as error:
        raise RecordError(f"{error} is missing") from error
    except (ValueError, TypeError, RecursionError, MethodSyntaxError) as error:
        raise RecordError(f"it cannot be read: {error}") from error


def queue_ids_value(end: int) -> bytes:
    """Return what is stored when all ids of queues below ``end`` may have been given."""
    return value_with({"end": end})


def read_queue_ids_end(value: bytes) -> int:
    """Return the first id that was never given.

    Raises:
        RecordError: this version cannot read it.
    """
    return read_value(value, lambda fields: whole(fields["end"]))
