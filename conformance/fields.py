"""Encodes and decodes field tables and properties, and keeps their type tags.

pamqp turns ``Typed("u", 5)`` and ``Typed("l", 5)`` into the same ``5``, and picks the tag itself
when it encodes. Checks look at what a broker does to tags, so tables are written and read here.

A plain value gets the tag that most clients send: str ``S``, int ``I`` or ``l``, bool ``t``,
float ``d``, dict ``F``, list ``A``, bytes ``x``, None ``V``.

Source: the types that RabbitMQ reads and writes, https://www.rabbitmq.com/amqp-0-9-1-errata.
"""

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

INT32_RANGE = range(-(2**31), 2**31)

_FIXED = {
    "b": ">b",
    "B": ">B",
    "s": ">h",
    "u": ">H",
    "I": ">i",
    "i": ">I",
    "l": ">q",
    "L": ">q",
    "f": ">f",
    "d": ">d",
    "T": ">Q",
}


class Typed(NamedTuple):
    """A field value with the tag it has on the wire."""

    tag: str
    value: Any


class Decimal(NamedTuple):
    """The value of tag ``D``: ``unscaled / 10 ** scale``."""

    scale: int
    unscaled: int


Table = Mapping[str, Any] | bytes
"""A table to encode; bytes are its encoded elements without the length, sent unchanged."""


def shortstr(text: str | bytes) -> bytes:
    """Encode a short string; bytes need not be UTF-8."""
    raw = text.encode() if isinstance(text, str) else text
    assert len(raw) <= 255, "a short string has at most 255 bytes"
    return bytes([len(raw)]) + raw


def longstr(text: str | bytes) -> bytes:
    """Encode a long string."""
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack(">I", len(raw)) + raw


def _tag_of(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return "I" if value in INT32_RANGE else "l"
    tags = {str: "S", bool: "t", float: "d", dict: "F", list: "A", bytes: "x", type(None): "V"}
    return tags[type(value)]


def field(value: object) -> bytes:
    """Encode a value, its tag first."""
    typed = value if isinstance(value, Typed) else Typed(_tag_of(value), value)
    return typed.tag.encode() + _untagged(typed)


def _untagged(typed: Typed) -> bytes:
    tag, value = typed
    if tag in _FIXED:
        return struct.pack(_FIXED[tag], value)
    if tag == "t":
        return bytes([bool(value)])
    if tag == "D":
        return struct.pack(">Bi", value.scale, value.unscaled)
    if tag in {"S", "x"}:
        return longstr(value)
    if tag == "F":
        return table(value)
    if tag == "A":
        return longstr(b"".join(field(item) for item in value))
    assert tag == "V", f"no such field type: {tag}"
    return b""


def elements(fields: Table) -> bytes:
    """Encode the elements of a table, without its length."""
    if isinstance(fields, bytes):
        return fields
    return b"".join(shortstr(key) + field(value) for key, value in fields.items())


def table(fields: Table) -> bytes:
    """Encode a table, its length first."""
    return longstr(elements(fields))


class Reader:
    """Reads values from the front of some bytes, with their tags."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._position = 0

    @property
    def at_end(self) -> bool:
        return self._position >= len(self._raw)

    def take(self, count: int) -> bytes:
        piece = self._raw[self._position : self._position + count]
        assert len(piece) == count, "the peer's field ends too early"
        self._position += count
        return piece

    def unpack(self, form: str) -> Any:  # noqa: ANN401 - what comes out depends on the format
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def shortstr(self) -> str:
        return self.take(self.take(1)[0]).decode()

    def longstr(self) -> bytes:
        return self.take(self.unpack(">I"))

    def table(self) -> dict[str, Typed]:
        inner = Reader(self.longstr())
        fields: dict[str, Typed] = {}
        while not inner.at_end:
            key = inner.shortstr()
            fields[key] = inner.field()
        return fields

    def field(self) -> Typed:
        tag = self.take(1).decode("latin-1")
        if tag in _FIXED:
            return Typed(tag, self.unpack(_FIXED[tag]))
        if tag == "t":
            return Typed(tag, bool(self.take(1)[0]))
        if tag == "D":
            return Typed(tag, Decimal(self.unpack(">B"), self.unpack(">i")))
        if tag in {"S", "x"}:
            raw = self.longstr()
            return Typed(tag, raw.decode("utf-8", "backslashreplace") if tag == "S" else raw)
        if tag == "F":
            return Typed(tag, self.table())
        if tag == "A":
            inner = Reader(self.longstr())
            items = []
            while not inner.at_end:
                items.append(inner.field())
            return Typed(tag, items)
        assert tag == "V", f"the peer sent a field of an unknown type: {tag!r}"
        return Typed(tag, None)


def plain(value: object) -> Any:  # noqa: ANN401 - the shape is the peer's
    """Remove the tags from a decoded value and from all values in it."""
    if isinstance(value, Typed):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


PROPERTIES: Mapping[str, tuple[int, str]] = {
    "content_type": (15, "shortstr"),
    "content_encoding": (14, "shortstr"),
    "headers": (13, "table"),
    "delivery_mode": (12, ">B"),
    "priority": (11, ">B"),
    "correlation_id": (10, "shortstr"),
    "reply_to": (9, "shortstr"),
    "expiration": (8, "shortstr"),
    "message_id": (7, "shortstr"),
    "timestamp": (6, ">Q"),
    "type": (5, "shortstr"),
    "user_id": (4, "shortstr"),
    "app_id": (3, "shortstr"),
    "cluster_id": (2, "shortstr"),
}
"""Property name -> bit of its flag, and its form on the wire, in wire order."""


def properties(**given: Any) -> bytes:  # noqa: ANN401 - one of the fourteen forms
    """Encode a property list: flags, then the values in wire order."""
    flags, values = 0, b""
    for name, (bit, form) in PROPERTIES.items():
        if name not in given:
            continue
        value = given.pop(name)
        flags |= 1 << bit
        if form == "table":
            values += table(value)
        elif form == "shortstr":
            values += shortstr(value)
        else:
            values += struct.pack(form, value)
    assert not given, f"no such properties: {sorted(given)}"
    return struct.pack(">H", flags) + values


def read_properties(raw: bytes) -> dict[str, Any]:
    """Decode a property list; ``headers`` keep their tags."""
    reader = Reader(raw)
    flags = reader.unpack(">H")
    found: dict[str, Any] = {}
    for name, (bit, form) in PROPERTIES.items():
        if not flags & (1 << bit):
            continue
        if form == "table":
            found[name] = reader.table()
        elif form == "shortstr":
            found[name] = reader.shortstr()
        else:
            found[name] = reader.unpack(form)
    return found
