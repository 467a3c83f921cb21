"""The fields of a stored definition, read back: what is not as it was written is an error.

Never a default: what a later version means by a field is not known here.
"""

import binascii
from collections.abc import Mapping
from typing import TypeAlias

from amqp_server.wire.tables import Table, decode_table, encode_table

Fields: TypeAlias = Mapping[str, object]
"""What is stored of a definition beside its key, as JSON has it. A field that is missing raises
``KeyError``; one that is of another type ``TypeError``, and one of a value that nobody writes
``ValueError`` or ``MethodSyntaxError``: ``definitions.table`` makes an error of all of them."""


def text(value: object) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {value!r:.40}")
    return value


def flag(value: object) -> bool:
    """Return a boolean."""
    if not isinstance(value, bool):
        raise TypeError(f"expected true or false, got {value!r:.40}")
    return value


def whole(value: object) -> int:
    """Return an integer."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"expected an integer, got {value!r:.40}")
    return value


def texts(value: object) -> tuple[str, ...]:
    """Return a list of strings."""
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {value!r:.40}")
    return tuple([text(each) for each in value])


def mapping(value: object) -> dict[str, object]:
    """Return an object."""
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {value!r:.40}")
    return value


def limits(value: object) -> dict[str, int]:
    """Return an object of integers."""
    return {key: whole(limit) for key, limit in mapping(value).items()}


def table_text(arguments: Table) -> str:
    """Return a field table as it is stored, its AMQP types kept, in base64; empty if it is."""
    if not arguments:
        return ""
    return binascii.b2a_base64(encode_table(arguments), newline=False).decode("ascii")


def table_of(value: object) -> Table:
    """Return the field table from the text of ``table_text``."""
    return decode_table(binascii.a2b_base64(text(value), strict_mode=True))[0] if value else {}
