"""Bytes as a client would send them, right or wrong: nothing here checks what it is given."""

import struct
from collections.abc import Mapping

from amqp_server.wire.methods import Method
from amqp_server.wire.tables import Field, encode_table

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
FRAME_END = b"\xce"
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
_INTEGERS = {"octet": ">B", "short": ">H", "long": ">I", "longlong": ">Q"}
# An int without a type of its own goes as the widest signed one.
_KIND_OF: Mapping[type, str] = {bool: "t", int: "l", float: "d", bytes: "x", type(None): "V"}


def frame(kind: int, channel: int, payload: bytes, end: bytes = FRAME_END) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + end


def shortstr(text: str | bytes) -> bytes:
    octets = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return bytes((len(octets),)) + octets


def typed(value: object) -> Field:
    """Return a value as a table holds it; a ``Field`` stays as it is."""
    match value:
        case Field():
            return value
        case str():
            return Field("S", value.encode("utf-8", "surrogateescape"))
        case list():
            return Field("A", [typed(inner) for inner in value])
        case dict():
            return Field("F", table(value))
        case bool() | int() | float() | bytes() | None:
            return Field(_KIND_OF[type(value)], value)
        case _:
            raise AssertionError(f"no table holds {value!r}")


def table(values: Mapping[str, object]) -> dict[str, Field]:
    return {key: typed(value) for key, value in values.items()}


def method_payload(kind: type[Method], **given: object) -> bytes:
    """Encode a method; what is left out is empty, zero or false. Tables may be raw bytes, too."""
    payload = struct.pack(">I", kind.index)
    bits = bit_count = 0
    for name in kind.__slots__:
        form = str(getattr(kind, f"_{name}"))
        value = given.pop(name, None)
        if form == "bit":
            bits |= bool(value) << bit_count
            bit_count += 1
            continue
        if bit_count:
            payload += bytes((bits,))
            bits = bit_count = 0
        payload += _argument(form, value)
    assert not given, f"{kind.name} has no arguments {sorted(given)}"
    return payload + (bytes((bits,)) if bit_count else b"")


def _argument(form: str, value: object) -> bytes:
    match value:
        case bytes() if form == "longstr":
            return struct.pack(">I", len(value)) + value
        case bytes() if form == "table":
            return value
        case str() | bytes() if form == "shortstr":
            return shortstr(value)
        case dict() if form == "table":
            return encode_table(table(value))
        case int() if form in _INTEGERS:
            return struct.pack(_INTEGERS[form], value)
        case None:
            empty: dict[str, bytes] = {"shortstr": b"\0", "longstr": bytes(4), "table": bytes(4)}
            return empty.get(form) or struct.pack(_INTEGERS[form], 0)
        case _:
            raise AssertionError(f"{form} does not hold {value!r}")


def method_frame(channel: int, kind: type[Method], **given: object) -> bytes:
    return frame(METHOD, channel, method_payload(kind, **given))


def content_header(
    body_size_bytes: int, properties: bytes = b"\x00\x00", class_id: int = 60, weight: int = 0
) -> bytes:
    """Encode a content header payload; ``properties`` are flags and list."""
    return struct.pack(">HHQ", class_id, weight, body_size_bytes) + properties


def property_list(**given: object) -> bytes:
    """Encode property flags and list: ``delivery_mode=2, headers={"a": 1}, expiration="10"``."""
    flags = 0
    octets = b""
    for bit, name in enumerate(PROPERTY_NAMES):
        value = given.pop(name, None)
        if value is None:
            continue
        flags |= 1 << (15 - bit)
        if name == "headers":
            octets += _argument("table", value)
        elif name in {"delivery_mode", "priority"}:
            octets += _argument("octet", value)
        elif name == "timestamp":
            octets += _argument("longlong", value)
        else:
            octets += _argument("shortstr", value)
    assert not given, f"no properties {sorted(given)}"
    return struct.pack(">H", flags) + octets


PROPERTY_NAMES = (
    "content_type",
    "content_encoding",
    "headers",
    "delivery_mode",
    "priority",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "timestamp",
    "type",
    "user_id",
    "app_id",
    "cluster_id",
)


def publish_payload(exchange: str = "", routing_key: str = "jobs", bits: int = 0) -> bytes:
    """Encode basic.publish; bit 0 is mandatory, bit 1 immediate."""
    route = shortstr(exchange) + shortstr(routing_key)
    return b"\x00\x3c\x00\x28\x00\x00" + route + bytes((bits,))


def content_frames(
    channel: int, body: bytes, properties: bytes = b"\x00\x00", piece_bytes: int = 4088
) -> bytes:
    """Encode a content header and the body in pieces."""
    frames = [frame(HEADER, channel, content_header(len(body), properties))]
    frames += [
        frame(BODY, channel, body[start : start + piece_bytes])
        for start in range(0, len(body), piece_bytes)
    ]
    return b"".join(frames)


def ack_frame(channel: int, delivery_tag: int, *, multiple: bool = False) -> bytes:
    return frame(METHOD, channel, b"\x00\x3c\x00\x50" + struct.pack(">QB", delivery_tag, multiple))


def publish_frames(
    exchange: str, key: str, body: bytes, channel: int = 1, *, mandatory: bool = False
) -> bytes:
    """Return a publish without properties."""
    method = frame(METHOD, channel, publish_payload(exchange, key, int(mandatory)))
    return method + content_frames(channel, body, property_list())
