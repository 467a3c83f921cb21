"""AMQP 1.0 values as fields of an AMQP 0-9-1 table: type octet and value.

    boolean t    ubyte B   ushort u   uint i   ulong l   byte b   short s   int I   long l
    float f      double d  timestamp T (seconds)         string, symbol S   binary x   null V
    list, array A          map F                         uuid, char S

A decimal has no field: 0-9-1 has decimals of another kind. It is left out; in a list a void stands
in its place. Of a described value the value is told.

Source: RabbitMQ 3.13 (``mc_amqpl``), which fails at a uuid, char, array or described value.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from queues.stream.amqp10 import (
    DEPTH_MAX,
    OCTET_MAX,
    WIDTHS,
    MalformedMessageError,
    content_of,
    value_end,
)

TEXTS: Final = frozenset(b"\xa1\xb1\xa3\xb3")
BINARIES: Final = frozenset(b"\xa0\xb0")

_AS_IT_STANDS: Final = {
    0x50: b"B",
    0x51: b"b",
    0x60: b"u",
    0x61: b"s",
    0x70: b"i",
    0x71: b"I",
    0x72: b"f",
    0x80: b"l",
    0x81: b"l",
    0x82: b"d",
}
_WHOLE: Final = {
    0x40: b"V",
    0x41: b"t\x01",
    0x42: b"t\x00",
    0x43: b"i" + bytes(4),
    0x44: b"l" + bytes(8),
    0x45: b"A" + bytes(4),
}
_SHORT: Final = {
    0x52: (b"i", 4, False),
    0x53: (b"l", 8, False),
    0x54: (b"I", 4, True),
    0x55: (b"l", 8, True),
}
_COMPOUND_HEADS: Final = {0xC0: 1, 0xC1: 1, 0xE0: 1, 0xD0: 4, 0xD1: 4, 0xF0: 4}
_VOID: Final = b"V"


def field_of(octets: bytes, position: int, end: int, depth: int = 0) -> tuple[bytes | None, int]:
    """Return the value at ``position`` as a field value, None where it has none, and its end.

    Raises:
        MalformedMessageError: it is no value that ends before ``end``, or nested too deep.
    """
    while position < end and octets[position] == 0:
        position = value_end(octets, position + 1, end)
    if position >= end:
        raise MalformedMessageError("a value is cut short")
    return _field(octets, octets[position], position + 1, end, depth)


def _field(
    octets: bytes, constructor: int, position: int, end: int, depth: int
) -> tuple[bytes | None, int]:
    start, stop = content_of(octets, constructor, position, end)
    if constructor in _COMPOUND_HEADS:
        return _compound(octets, constructor, start, stop, depth), stop
    return _simple(constructor, octets[start:stop]), stop


def _simple(constructor: int, content: bytes) -> bytes | None:
    """Return a value without others in it as a field value; None if it has none."""
    if (kind := _AS_IT_STANDS.get(constructor)) is not None:
        return kind + content
    if (short := _SHORT.get(constructor)) is not None:
        kind, size, is_signed = short
        return kind + int.from_bytes(content, signed=is_signed).to_bytes(size, signed=is_signed)
    convert = _CONVERSIONS.get(constructor)
    return _WHOLE.get(constructor) if convert is None else convert(content)


def _compound(octets: bytes, constructor: int, start: int, stop: int, depth: int) -> bytes | None:
    if depth == DEPTH_MAX:
        raise MalformedMessageError(f"values are nested deeper than {DEPTH_MAX}")
    count, position = count_of(octets, constructor, start, stop)
    if constructor in {0xE0, 0xF0}:
        return _array(octets, count, position, stop, depth)
    is_map = constructor in {0xC1, 0xD1}
    parts = []
    for _ in range(count // 2 if is_map else count):
        key: bytes | None = b""
        if is_map:
            key, position = key_of(octets, position, stop)
        value, position = field_of(octets, position, stop, depth + 1)
        if not is_map:
            parts.append(_VOID if value is None else value)
        elif key is not None and value is not None:
            parts += (bytes((len(key),)), key, value)
    if position != stop or (is_map and count % 2):
        raise MalformedMessageError("a list or map has another count")
    return longstr(b"F" if is_map else b"A", b"".join(parts))


def _array(octets: bytes, count: int, position: int, stop: int, depth: int) -> bytes | None:
    while position < stop and octets[position] == 0:
        position = value_end(octets, position + 1, stop)
    if position >= stop:
        raise MalformedMessageError("an array has no constructor")
    constructor = octets[position]
    position += 1
    if WIDTHS[constructor] == 0:
        # Its count would be believed: no octets stand for its items.
        return None
    parts = []
    for _ in range(count):
        value, position = _field(octets, constructor, position, stop, depth + 1)
        parts.append(_VOID if value is None else value)
    if position != stop:
        raise MalformedMessageError("an array has another count")
    return longstr(b"A", b"".join(parts))


def count_of(octets: bytes, constructor: int, start: int, stop: int) -> tuple[int, int]:
    """Return the count of a list, map or array, and where its items start.

    Raises:
        MalformedMessageError: its content has no room for the count.
    """
    items_at = start + _COMPOUND_HEADS[constructor]
    if items_at > stop:
        raise MalformedMessageError("a list, map or array has no count")
    return int.from_bytes(octets[start:items_at]), items_at


def key_of(octets: bytes, position: int, end: int) -> tuple[bytes | None, int]:
    """Return the key of a pair, None if it is no text that a 0-9-1 key can be, and its end.

    Raises:
        MalformedMessageError: it is no value that ends before ``end``.
    """
    stop = value_end(octets, position, end)
    constructor = octets[position]
    if constructor not in TEXTS:
        return None, stop
    start, _ = content_of(octets, constructor, position + 1, stop)
    return octets[start:stop] if stop - start <= OCTET_MAX else None, stop


def longstr(kind: bytes, content: bytes) -> bytes:
    """Return a field of a kind whose value begins with its size."""
    return kind + len(content).to_bytes(4) + content


def seconds_of(milliseconds: bytes) -> bytes:
    """Return a timestamp of 0-9-1; one before 1970 becomes a huge one, as in RabbitMQ."""
    value = int.from_bytes(milliseconds, signed=True)
    seconds = value // 1000 if value >= 0 else -(-value // 1000)
    return seconds.to_bytes(8, signed=True)


def urn_of(uuid: bytes) -> bytes:
    """Return the sixteen octets of a uuid as a URN."""
    digits = uuid.hex()
    parts = digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]
    return f"urn:uuid:{'-'.join(parts)}".encode()


def _char(content: bytes) -> bytes | None:
    try:
        return longstr(b"S", chr(int.from_bytes(content)).encode())
    except (ValueError, OverflowError):
        return None


_CONVERSIONS: Final[Mapping[int, Callable[[bytes], bytes | None]]] = {
    0x56: lambda content: b"t\x01" if content[0] else b"t\x00",
    0x73: _char,
    0x83: lambda content: b"T" + seconds_of(content),
    0x98: lambda content: longstr(b"S", urn_of(content)),
    **dict.fromkeys(TEXTS, partial(longstr, b"S")),
    **dict.fromkeys(BINARIES, partial(longstr, b"x")),
}
