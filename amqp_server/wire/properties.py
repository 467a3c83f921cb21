"""The property list of a message: skipped on the fast path, decoded on the slow path.

    content header payload (2.3.5.2, 4.2.6.1)
    byte 0      2        4            12               14
         | class | weight | body size  | property flags | property list ...
            u16     u16        u64            u16

A property is present when its flag is set. Properties follow each other from bit 15 (content-type)
down to bit 2 (cluster-id). Bit 0 would announce another flags word. No message has one, so it is
refused. Properties that do not change are passed on byte for byte.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from amqp_server.wire.errors import MethodSyntaxError
from amqp_server.wire.tables import (
    Field,
    Table,
    decode_matched_table,
    decode_table,
    encode_shortstr,
    encode_table,
)
from persistence.record import HAS_HEADERS, HAS_PRIORITY, NEEDS_LOOK, NO_TTL, PERSISTENT

HEADER_FIXED_BYTES: Final = 14
DELIVERY_MODE_PERSISTENT: Final = b"\x02"
DIRECT_REPLY_TO: Final = b"\x15amq.rabbitmq.reply-to"
EXPIRATION_DIGITS_MAX: Final = 11
"""A value of more digits may exceed RabbitMQ's ten years, so it is decoded and compared."""

_CONTINUATION: Final = 1
_HEAD: Final = struct.Struct(">HHQH")
_U32: Final = struct.Struct(">I")

PROPERTIES: Final[tuple[tuple[str, int, str], ...]] = (
    ("content_type", 15, "shortstr"),
    ("content_encoding", 14, "shortstr"),
    ("headers", 13, "table"),
    ("delivery_mode", 12, "octet"),
    ("priority", 11, "octet"),
    ("correlation_id", 10, "shortstr"),
    ("reply_to", 9, "shortstr"),
    ("expiration", 8, "shortstr"),
    ("message_id", 7, "shortstr"),
    ("timestamp", 6, "timestamp"),
    ("type", 5, "shortstr"),
    ("user_id", 4, "shortstr"),
    ("app_id", 3, "shortstr"),
    ("cluster_id", 2, "shortstr"),
)
_BITS: Final[Mapping[str, int]] = {name: bit for name, bit, _ in PROPERTIES}
_DATA_TYPES: Final[Mapping[str, str]] = {name: data_type for name, _, data_type in PROPERTIES}
_PRIORITY_BIT: Final = _BITS["priority"]
_BEFORE_HEADERS: Final = (_BITS["content_type"], _BITS["content_encoding"])
_FIXED_BYTES: Final[Mapping[str, int]] = {"octet": 1, "timestamp": 8}


class Traits(NamedTuple):
    """The properties of a message that a queue needs; see ``persistence.record``."""

    flags: int
    priority: int
    ttl_ms: int


PLAIN: Final = Traits(0, 0, NO_TTL)


@dataclass(slots=True)
class Properties:
    """A property list: the octets of each present property, as they stood on the wire.

    Attributes:
        body_size_bytes: from the content header.
        raw: property name to its encoded octets (length octet or table size included).
    """

    body_size_bytes: int
    raw: dict[str, bytes]

    def text(self, name: str) -> str | None:
        """Return a shortstr property, None when absent.

        Octets that are not UTF-8 become lone surrogates. No rule demands UTF-8 in a property, and
        RabbitMQ passes such octets on.
        """
        octets = self.raw.get(name)
        return None if octets is None else octets[1:].decode("utf-8", "surrogateescape")

    def set_text(self, name: str, value: str) -> None:
        """Set a shortstr property."""
        self.raw[name] = encode_shortstr(value)

    def headers(self) -> dict[str, Field]:
        """Return the headers table; empty when absent.

        Raises:
            MethodSyntaxError: the table cannot be decoded (502).
        """
        octets = self.raw.get("headers")
        return {} if octets is None else decode_table(octets)[0]

    def set_headers(self, table: Table) -> None:
        """Replace the headers table."""
        self.raw["headers"] = encode_table(table)

    def encode(self) -> bytes:
        """Return the content header payload again."""
        flags = 0
        parts = [b""]
        for name, bit, _ in PROPERTIES:
            octets = self.raw.get(name)
            if octets is not None:
                flags |= 1 << bit
                parts.append(octets)
        parts[0] = _HEAD.pack(60, 0, self.body_size_bytes, flags)
        return b"".join(parts)


def traits_of(header: bytes) -> Traits:
    """Skip through a content header payload and return what a queue needs of it.

    Raises:
        MethodSyntaxError: the property list does not fit its flags (502).
    """
    if len(header) < HEADER_FIXED_BYTES:
        raise MethodSyntaxError("content header is cut short")
    flags = header[12] << 8 | header[13]
    if flags == 0 and len(header) == HEADER_FIXED_BYTES:
        return PLAIN
    raw = split(header).raw
    priority = raw.get("priority")
    expiration = raw.get("expiration", b"")[1:]
    is_plain = len(expiration) <= EXPIRATION_DIGITS_MAX and expiration.isdigit()
    flags &= ~(PERSISTENT | NEEDS_LOOK)
    if raw.get("delivery_mode") == DELIVERY_MODE_PERSISTENT:
        flags |= PERSISTENT
    if (
        "user_id" in raw
        or b"CC" in raw.get("headers", b"")
        or raw.get("reply_to") == DIRECT_REPLY_TO
        or ("expiration" in raw and not is_plain)
    ):
        flags |= NEEDS_LOOK
    return Traits(flags, priority[0] if priority else 0, int(expiration) if is_plain else NO_TTL)


def split(header: bytes) -> Properties:
    """Split a content header payload into its properties.

    Raises:
        MethodSyntaxError: cut short, bytes left over, or the continuation flag is set (502).
    """
    _, _, body_size_bytes, flags = _HEAD.unpack_from(header)
    if flags & _CONTINUATION:
        raise MethodSyntaxError("property flags are continued: no property has such a flag")
    raw: dict[str, bytes] = {}
    position = HEADER_FIXED_BYTES
    for name, bit, data_type in PROPERTIES:
        if not flags >> bit & 1:
            continue
        end = _end_of(header, position, data_type)
        if end > len(header):
            raise MethodSyntaxError(f"property {name} is cut short")
        raw[name] = header[position:end]
        position = end
    if position != len(header):
        raise MethodSyntaxError("bytes follow the last property")
    return Properties(body_size_bytes, raw)


def _end_of(header: bytes, position: int, data_type: str) -> int:
    fixed = _FIXED_BYTES.get(data_type)
    if fixed is not None:
        return position + fixed
    if data_type == "shortstr":
        size = header[position] if position < len(header) else 0
        return position + 1 + size
    if position + _U32.size > len(header):
        return len(header) + 1
    return position + _U32.size + int(_U32.unpack_from(header, position)[0])


def plain_headers(header: bytes) -> dict[str, object] | None:
    """Return the headers table of a content header payload as plain values; None when absent.

    Raises:
        MethodSyntaxError: the table cannot be decoded (502).
    """
    flags = header[12] << 8 | header[13]
    if not flags & HAS_HEADERS:
        return None
    position = HEADER_FIXED_BYTES
    for bit in _BEFORE_HEADERS:
        if flags >> bit & 1:
            position += 1 + header[position]
    return decode_matched_table(header, position)


def priority_of(header: bytes) -> int:
    """Return the priority in a content header payload whose properties fit; 0 when absent."""
    flags = header[12] << 8 | header[13]
    if not flags & HAS_PRIORITY:
        return 0
    position = HEADER_FIXED_BYTES
    for _, bit, data_type in PROPERTIES:
        if bit == _PRIORITY_BIT:
            break
        if flags >> bit & 1:
            position = _end_of(header, position, data_type)
    return header[position]


def plain_properties(header: bytes) -> dict[str, object]:
    """Return the properties that are there, but the headers: text, or integers; times in seconds.

    Raises:
        MethodSyntaxError: the property list does not fit its flags (502).
    """
    found: dict[str, object] = {}
    for name, octets in split(header).raw.items():
        data_type = _DATA_TYPES[name]
        if data_type == "shortstr":
            found[name] = octets[1:].decode("utf-8", "surrogateescape")
        elif data_type != "table":
            found[name] = int.from_bytes(octets, "big")
    return found
