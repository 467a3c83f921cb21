"""Requests to etcd's JSON gateway, and its answers.

Source: etcd's v3 API over grpc-gateway, asked of 3.4.23. Octets are base64, int64 are strings, and
a field that is zero, false or empty is *absent*: ``succeeded`` where a comparison failed, ``TTL``
where a lease is gone, ``type`` of a put. An answer comes from outside: each field is looked at.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from cluster.metadata.errors import AnswerTooLongError, StoreAwayError
from cluster.metadata.port import (
    Absent,
    Change,
    Comparison,
    CreateRevision,
    Delete,
    Done,
    Empty,
    Item,
    ModRevision,
    Operation,
    Page,
    Put,
    Read,
    Refused,
    Transaction,
    Value,
)

NUMBER_MAX: Final = 2**63 - 1
"""Of an int64."""

VALUES_MAX: Final = 200_000
"""Values in one answer, as few octets can make many objects; so many take some 50 ms."""

Fields = Mapping[str, Any]


class AnswerError(StoreAwayError):
    """The answer is not what etcd's API says; whether the request was carried out is not known."""


def range_request(start: bytes, end: bytes, limit: int, revision: int) -> dict[str, object]:
    """Return a linearizable read; ``serializable`` is left out, as a member may be behind."""
    request: dict[str, object] = {"key": _coded(start), "range_end": _coded(end), "limit": limit}
    return request | ({"revision": str(revision)} if revision else {})


def txn_request(transaction: Transaction) -> dict[str, object]:
    """Return a transaction."""
    return {
        "compare": list(map(_compared, transaction.compare)),
        "success": list(map(_operation, transaction.then)),
        "failure": list(map(_operation, transaction.otherwise)),
    }


def watch_request(start: bytes, end: bytes, from_revision: int) -> dict[str, object]:
    """Return what begins a watch."""
    created = {
        "key": _coded(start),
        "range_end": _coded(end),
        "start_revision": str(from_revision),
        "progress_notify": True,
        "fragment": True,
    }
    return {"create_request": created}


def fields_of(octets: bytes) -> Fields:
    """Return an answer as fields.

    Raises:
        AnswerError: it is no JSON object.
        AnswerTooLongError: it has too many values.
    """
    if octets.count(b",") + octets.count(b"[") + octets.count(b"{") > VALUES_MAX:
        raise AnswerTooLongError(f"an answer of over {VALUES_MAX} values")
    try:
        return object_in(orjson.loads(octets))
    except orjson.JSONDecodeError as error:
        raise AnswerError(f"expected JSON, got {octets[:80]!r}") from error


def object_in(value: object) -> Fields:
    """Return a JSON object; absent is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise AnswerError(f"expected an object, got {value!r:.80}")
    return value


def list_in(value: object) -> Sequence[object]:
    """Return a JSON list; absent is an empty one."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise AnswerError(f"expected a list, got {value!r:.80}")
    return value


def number_in(value: object) -> int:
    """Return an int64, which is a string of digits or a number; absent is 0."""
    if value is None:
        return 0
    if isinstance(value, str) and len(value) <= len(str(-NUMBER_MAX)):
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit():
            value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > NUMBER_MAX:
        raise AnswerError(f"expected an int64, got {value!r:.80}")
    return value


def text_in(value: object) -> str:
    """Return a text, cut to what a log line may hold; absent is empty."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise AnswerError(f"expected a text, got {value!r:.80}")
    return value[:400]


def octets_in(value: object) -> bytes:
    """Return octets, which are in base64; absent is none."""
    if value is None:
        return b""
    if not isinstance(value, str):
        raise AnswerError(f"expected base64, got {value!r:.80}")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AnswerError(f"expected base64, got {value[:80]!r}") from error


def revision_in(fields: Fields) -> int:
    """Return ``header.revision``, which every good answer has."""
    revision = number_in(object_in(fields.get("header")).get("revision"))
    if revision <= 0:
        raise AnswerError("expected an answer with its revision, got none")
    return revision


def page_in(fields: Fields) -> Page:
    """Return the answer to a range."""
    items = tuple(_item(object_in(each)) for each in list_in(fields.get("kvs")))
    return Page(revision_in(fields), items, fields.get("more") is True)


def outcome_in(fields: Fields, transaction: Transaction) -> Done | Refused:
    """Return the answer to a transaction."""
    succeeded = fields.get("succeeded") is True
    branch = transaction.then if succeeded else transaction.otherwise
    answers = list_in(fields.get("responses"))
    if len(answers) != len(branch):
        raise AnswerError(f"expected {len(branch)} answers to operations, got {len(answers)}")
    reads = tuple(
        _read(object_in(answer))
        for operation, answer in zip(branch, answers, strict=True)
        if isinstance(operation, Read)
    )
    kind = Done if succeeded else Refused
    return kind(revision_in(fields), reads)


def change_in(event: object) -> tuple[int, Change]:
    """Return an event of a watch, with its revision."""
    fields = object_in(event)
    item = _item(object_in(fields.get("kv")))
    deleted = text_in(fields.get("type")) == "DELETE"
    return item.mod_revision, Change(item.key, None if deleted else item)


def _read(answer: Fields) -> Item | None:
    found = list_in(object_in(answer.get("response_range")).get("kvs"))
    return _item(object_in(found[0])) if found else None


def _item(fields: Fields) -> Item:
    key, revision = octets_in(fields.get("key")), number_in(fields.get("mod_revision"))
    if not key or revision <= 0:
        raise AnswerError("expected a key with its revision, got none")
    return Item(
        key,
        octets_in(fields.get("value")),
        number_in(fields.get("create_revision")),
        revision,
        number_in(fields.get("lease")),
    )


def _compared(comparison: Comparison) -> dict[str, object]:
    compared: dict[str, object] = {"key": _coded(comparison.key), "result": "EQUAL"}
    match comparison:
        case ModRevision(revision=revision):
            return compared | {"target": "MOD", "mod_revision": str(revision)}
        case CreateRevision(revision=revision):
            return compared | {"target": "CREATE", "create_revision": str(revision)}
        case Absent():
            return compared | {"target": "CREATE", "create_revision": "0"}
        case Empty(end=end):
            # Of each key there; none is created at 0, so that it holds where there is none.
            created = {"target": "CREATE", "create_revision": "0"}
            return compared | created | {"range_end": _coded(end)}
        case Value(value=value):
            return compared | {"target": "VALUE", "value": _coded(value)}


def _operation(operation: Operation) -> dict[str, object]:
    key = _coded(operation.key)
    match operation:
        case Put(value=value, lease=lease):
            put = {"key": key, "value": _coded(value)}
            return {"request_put": put | ({"lease": str(lease)} if lease else {})}
        case Delete():
            return {"request_delete_range": {"key": key}}
        case Read():
            return {"request_range": {"key": key}}


def _coded(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
