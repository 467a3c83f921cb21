"""AMQP 1.0 as a format: how values, sections and messages stand in octets.

    value      constructor | octets             0x00 stands before a descriptor and another value
    message    section ...                      a section is a described value, in any order here
    section    0x00 | 0x53 | code | value       the code is also read as ulong or as a symbol

The high half of a constructor says how long a value is: nothing, 1, 2, 4, 8 or 16 octets, or as
many as a size of 1 or 4 octets says. So a value is skipped without a look inside.

The fields of an AMQP 0-9-1 table are walked here as well, since both conversions do it.

Source: AMQP 1.0 part 1 (types) and §3.2 (message format); AMQP 0-9-1 §4.2.5.5.
"""

from typing import Final

HEADER: Final = 0x70
DELIVERY_ANNOTATIONS: Final = 0x71
MESSAGE_ANNOTATIONS: Final = 0x72
PROPERTIES: Final = 0x73
APPLICATION_PROPERTIES: Final = 0x74
DATA: Final = 0x75
SEQUENCE: Final = 0x76
VALUE: Final = 0x77
FOOTER: Final = 0x78

SECTION_CODES: Final = {
    b"amqp:header:list": HEADER,
    b"amqp:delivery-annotations:map": DELIVERY_ANNOTATIONS,
    b"amqp:message-annotations:map": MESSAGE_ANNOTATIONS,
    b"amqp:properties:list": PROPERTIES,
    b"amqp:application-properties:map": APPLICATION_PROPERTIES,
    b"amqp:data:binary": DATA,
    b"amqp:amqp-sequence:list": SEQUENCE,
    b"amqp:amqp-value:*": VALUE,
    b"amqp:footer:map": FOOTER,
}
"""The symbolic descriptors of the sections; nearly every writer uses the numbers."""

DEPTH_MAX: Final = 64
"""Tables, arrays, maps and lists inside each other; as ``wire.tables``."""

SIZED_BY_ONE: Final = 0xF1
SIZED_BY_FOUR: Final = 0xF4
NO_SUCH_TYPE: Final = 0xFF

OCTET_MAX: Final = 255
"""Largest size, count or number that one octet holds; the longest shortstr of 0-9-1 too."""

_VALUE_HEAD: Final = bytes((0, 0x53, VALUE))
_SEQUENCE_HEAD: Final = bytes((0, 0x53, SEQUENCE))
_LISTS: Final = {b"\x45", b"\xc0", b"\xd0"}

KEPT_HEADERS: Final = b"x-amqp-0.9.1-headers"
"""The annotation with the 0-9-1 fields that no AMQP 1.0 value gives back as they were."""

FILTER_VALUE: Final = b"x-stream-filter-value"
OFFSET_HEADER: Final = b"x-stream-offset"
PUBLISHER: Final = b"x-stream-publisher"
PUBLISHING_ID: Final = b"x-stream-publishing-id"
DEATHS: Final = b"x-death"
AMQP10_TYPE: Final = b"amqp-1.0"
"""The ``type`` property of a 0-9-1 message whose body is sections of AMQP 1.0."""


class MalformedMessageError(ValueError):
    """Octets are no AMQP 1.0 message, or no entry of a chunk."""


def _widths() -> bytes:
    widths = bytearray([NO_SUCH_TYPE]) * 256
    for width, constructors in (
        (0, "40 41 42 43 44 45"),
        (1, "50 51 52 53 54 55 56"),
        (2, "60 61"),
        (4, "70 71 72 73 74"),
        (8, "80 81 82 83 84"),
        (16, "94 98"),
        (SIZED_BY_ONE, "a0 a1 a3 c0 c1 e0"),
        (SIZED_BY_FOUR, "b0 b1 b3 d0 d1 f0"),
    ):
        for constructor in bytes.fromhex(constructors):
            widths[constructor] = width
    return bytes(widths)


WIDTHS: Final = _widths()
"""By constructor: octets of its values, or one of the three marks above."""

_FIELD_WIDTHS: Final = {
    ord(kind): width
    for kind, width in zip(
        "VtbBsuIiflLdTD", (0, 1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 5), strict=True
    )
}


def content_of(octets: bytes, constructor: int, position: int, end: int) -> tuple[int, int]:
    """Return where the content of a value starts and stops; ``position`` is past its constructor.

    Raises:
        MalformedMessageError: no such type, or it does not end before ``end``.
    """
    width = WIDTHS[constructor]
    if width == SIZED_BY_ONE:
        start = position + 1
        width = octets[position] if start <= end else NO_SUCH_TYPE
    elif width == SIZED_BY_FOUR:
        start = position + 4
        width = int.from_bytes(octets[position:start]) if start <= end else NO_SUCH_TYPE
    else:
        start = position
        if width == NO_SUCH_TYPE:
            raise MalformedMessageError(f"no AMQP 1.0 type has the constructor {constructor:#04x}")
    if start + width > end:
        raise MalformedMessageError("a value is cut short")
    return start, start + width


def is_utf8(octets: bytes) -> bool:
    """Return whether octets are UTF-8."""
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_plain_text(octets: bytes) -> bool:
    """Return whether octets are UTF-8 without a zero, as RabbitMQ wants a text."""
    return 0 not in octets and is_utf8(octets)


def utf8(octets: bytes) -> bytes:
    """Return octets as a value of type string."""
    return _sized(0xA1, 0xB1, octets)


def binary(octets: bytes) -> bytes:
    """Return octets as a value of type binary."""
    return _sized(0xA0, 0xB0, octets)


def symbol(octets: bytes) -> bytes:
    """Return octets as a value of type symbol."""
    return _sized(0xA3, 0xB3, octets)


def text(octets: bytes) -> bytes:
    """Return octets as a string if they are UTF-8, else as binary."""
    return utf8(octets) if is_utf8(octets) else binary(octets)


def uint(value: int) -> bytes:
    """Return a number below 2**32 as a value of type uint."""
    if value == 0:
        return b"\x43"
    return b"\x52" + bytes((value,)) if value <= OCTET_MAX else b"\x70" + value.to_bytes(4)


def list_of(items: list[bytes]) -> bytes:
    """Return values as a list."""
    return _compound(0xC0, 0xD0, items)


def map_of(items: list[bytes]) -> bytes:
    """Return values, of which each key stands before its value, as a map."""
    return _compound(0xC1, 0xD1, items)


def section(code: int, value: bytes) -> bytes:
    """Return a value as a section."""
    return bytes((0, 0x53, code)) + value


def _sized(short: int, long: int, octets: bytes) -> bytes:
    size = len(octets)
    if size <= OCTET_MAX:
        return bytes((short, size)) + octets
    return bytes((long,)) + size.to_bytes(4) + octets


def _compound(short: int, long: int, items: list[bytes]) -> bytes:
    octets = b"".join(items)
    if len(octets) < OCTET_MAX and len(items) <= OCTET_MAX:
        return bytes((short, len(octets) + 1, len(items))) + octets
    return bytes((long,)) + (len(octets) + 4).to_bytes(4) + len(items).to_bytes(4) + octets


def value_end(octets: bytes, position: int, end: int) -> int:
    """Return where the value at ``position`` ends, its descriptors included.

    Raises:
        MalformedMessageError: there is none before ``end``.
    """
    awaited = 1
    while awaited:
        if position >= end:
            raise MalformedMessageError("a value is cut short")
        constructor = octets[position]
        if constructor == 0:
            # A descriptor and a value are due in place of one value.
            awaited += 1
            position += 1
        else:
            position = content_of(octets, constructor, position + 1, end)[1]
            awaited -= 1
    return position


def is_body(octets: bytes) -> bool:
    """Return whether octets are sections that make a body, and no data: one value, or sequences."""
    head = octets[:3]
    position = count = 0
    try:
        while position < len(octets):
            value_at = position + len(head)
            if octets[position:value_at] != head or (
                head == _SEQUENCE_HEAD and octets[value_at : value_at + 1] not in _LISTS
            ):
                return False
            position = value_end(octets, value_at, len(octets))
            count += 1
    except MalformedMessageError:
        return False
    return (head == _VALUE_HEAD and count == 1) or (head == _SEQUENCE_HEAD and count > 0)


def field_end(octets: bytes, position: int, end: int, depth: int = 0) -> int:
    """Return where the 0-9-1 field value at ``position`` (its type octet) ends; -1 if it is none.

    What is inside tables and arrays is walked too, to ``DEPTH_MAX``. So a value that has been found
    good needs no second walk of its inner values: ``inner_end``.
    """
    if position >= end:
        return -1
    kind = octets[position]
    position += 1
    width = _FIELD_WIDTHS.get(kind)
    if width is not None:
        return position + width if position + width <= end else -1
    if kind not in b"SxFA" or position + 4 > end:
        return -1
    start = position + 4
    stop = start + int.from_bytes(octets[position:start])
    if stop > end or (kind in b"FA" and depth == DEPTH_MAX):
        return -1
    if kind in b"FA":
        position = start
        while position < stop:
            if kind == ord("F"):
                position += 1 + octets[position]
            position = field_end(octets, position, stop, depth + 1)
            if position < 0:
                return -1
    return stop


def inner_end(octets: bytes, position: int) -> int:
    """Return where a 0-9-1 field value ends that is part of one that ``field_end`` has walked."""
    width = _FIELD_WIDTHS.get(octets[position])
    if width is not None:
        return position + 1 + width
    return position + 5 + int.from_bytes(octets[position + 1 : position + 5])
