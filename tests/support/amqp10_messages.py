"""AMQP 1.0 messages decoded the plain way: a model of the octets, for tests.

A value is its type's name and what it holds: ``("int", 5)``, ``("list", [...])``, ``("map", [(key,
value), ...])``. Nothing here is shared with ``queues.stream``.
"""

import struct
from typing import NamedTuple, TypeAlias

Value: TypeAlias = tuple[str, object]

SECTIONS = {
    0x70: "header",
    0x71: "delivery annotations",
    0x72: "annotations",
    0x73: "properties",
    0x74: "application properties",
    0x75: "data",
    0x76: "sequence",
    0x77: "value",
    0x78: "footer",
}
PROPERTIES = (
    "message_id",
    "user_id",
    "to",
    "subject",
    "reply_to",
    "correlation_id",
    "content_type",
    "content_encoding",
    "absolute_expiry_time",
    "creation_time",
    "group_id",
    "group_sequence",
    "reply_to_group_id",
)
FIXED = {
    0x50: ("ubyte", ">B"),
    0x51: ("byte", ">b"),
    0x52: ("uint", ">B"),
    0x53: ("ulong", ">B"),
    0x54: ("int", ">b"),
    0x55: ("long", ">b"),
    0x56: ("boolean", ">?"),
    0x60: ("ushort", ">H"),
    0x61: ("short", ">h"),
    0x70: ("uint", ">I"),
    0x71: ("int", ">i"),
    0x72: ("float", ">f"),
    0x80: ("ulong", ">Q"),
    0x81: ("long", ">q"),
    0x82: ("double", ">d"),
    0x83: ("timestamp", ">q"),
    0x98: ("uuid", "16s"),
}
WHOLE: dict[int, Value] = {
    0x40: ("null", None),
    0x41: ("boolean", True),
    0x42: ("boolean", False),
    0x43: ("uint", 0),
    0x44: ("ulong", 0),
    0x45: ("list", []),
}
STRINGS = {0xA0: "binary", 0xA1: "string", 0xA3: "symbol"}


class Section(NamedTuple):
    """A section of a message, by its name."""

    name: str
    value: Value


def decode(octets: bytes) -> list[Section]:
    """Return the sections of a message; any exception says that it is none."""
    sections = []
    position = 0
    while position < len(octets):
        assert octets[position : position + 2] == b"\x00\x53", "a section begins with its code"
        name = SECTIONS[octets[position + 2]]
        value, position = read(octets, position + 3)
        sections.append(Section(name, value))
    return sections


def read(octets: bytes, position: int) -> tuple[Value, int]:
    """Return the value at ``position``, and where it ends."""
    constructor = octets[position]
    position += 1
    if constructor in WHOLE:
        return WHOLE[constructor], position
    if constructor in FIXED:
        name, layout = FIXED[constructor]
        (number,) = struct.unpack_from(layout, octets, position)
        return (name, number), position + struct.calcsize(layout)
    size_layout = ">B" if constructor in {0xA0, 0xA1, 0xA3, 0xC0, 0xC1} else ">I"
    (size,) = struct.unpack_from(size_layout, octets, position)
    position += struct.calcsize(size_layout)
    content = octets[position : position + size]
    assert len(content) == size, "a value is as long as it says"
    if constructor & ~0x10 in STRINGS:
        name = STRINGS[constructor & ~0x10]
        text: object = content.decode() if name == "string" else content
        return (name, content.decode("ascii") if name == "symbol" else text), position + size
    (count,) = struct.unpack_from(size_layout, content)
    items, inner = [], struct.calcsize(size_layout)
    for _ in range(count):
        item, inner = read(content, inner)
        items.append(item)
    assert inner == size, "there are as many items as it says"
    if constructor in {0xC0, 0xD0}:
        return ("list", items), position + size
    assert constructor in {0xC1, 0xD1}, f"{constructor:#x} is not written here"
    return ("map", list(zip(items[::2], items[1::2], strict=True))), position + size


def mapping(sections: list[Section], name: str) -> dict[str, Value]:
    """Return a map section by its keys, which are texts; empty without that section."""
    for section in sections:
        if section.name == name:
            assert section.value[0] == "map"
            assert isinstance(section.value[1], list)
            return {key[1]: value for key, value in section.value[1]}
    return {}


def listed(sections: list[Section], name: str, fields: tuple[str, ...]) -> dict[str, Value]:
    """Return the fields of a list section that are not null; empty without that section."""
    for section in sections:
        if section.name == name:
            assert isinstance(section.value[1], list)
            pairs = zip(fields, section.value[1], strict=False)
            return {field: value for field, value in pairs if value != ("null", None)}
    return {}
