"""Messages to ask a broker's streams about: what an AMQP client and what a stream client may send.

AMQP 1.0 values are written by hand here: each case says which constructor it is about.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from conformance import fields
from conformance.fields import Decimal, Typed


class Published(NamedTuple):
    """What an AMQP client publishes: property flags with the list, and body."""

    name: str
    properties: bytes
    body: bytes = b"x"


class Stored(NamedTuple):
    """What a stream client publishes."""

    name: str
    message: bytes


HEADERS: Final = {
    "S": "text",
    "S empty": "",
    "S of 300": "x" * 300,
    "S not UTF-8": Typed("S", b"\xff"),
    "S with a zero": Typed("S", b"a\0b"),
    "I small": Typed("I", -5),
    "I": Typed("I", -70_000),
    "i": Typed("i", 2**32 - 1),
    "s": Typed("s", -3),
    "u": Typed("u", 65_535),
    "b": Typed("b", -3),
    "B": Typed("B", 200),
    "l small": Typed("l", 7),
    "l": Typed("l", -(2**62)),
    "L": Typed("L", -5),
    "f": Typed("f", 1.5),
    "d": Typed("d", 2.25),
    "d not a number": Typed("d", float("nan")),
    "t": True,
    "t false": False,
    "T": Typed("T", 1_700_000_000),
    "T too large": Typed("T", 2**64 - 1),
    "D": Typed("D", Decimal(2, 314)),
    "x": b"\0\xff",
    "V": None,
    "F": {"a": 1},
    "A": ["a", 1],
    "F empty": {},
    "A empty": [],
}
DEATH: Final = {
    "count": Typed("l", 1),
    "queue": "q",
    "reason": "expired",
    "time": Typed("T", 1_700_000_000),
    "exchange": "",
    "routing-keys": ["q"],
}
UUID: Final = "01234567-89ab-cdef-0123-456789abcdef"
SHORTSTRS: Final = (
    "content_type",
    "content_encoding",
    "correlation_id",
    "reply_to",
    "message_id",
    "type",
    "app_id",
    "cluster_id",
)


def published() -> Iterator[Published]:
    """Yield the cases of an AMQP client."""
    properties = fields.properties
    yield Published("no properties", properties())
    yield Published("no body", properties(), b"")
    yield Published("body of 300", properties(), b"y" * 300)
    for mode in range(4):
        yield Published(f"delivery-mode {mode}", properties(delivery_mode=mode))
    for priority in (0, 7, 255):
        yield Published(f"priority {priority}", properties(priority=priority))
    for expiration in ("60000", "0", "007", "100000000000"):
        yield Published(f"expiration {expiration}", properties(expiration=expiration))
    for name in SHORTSTRS:
        yield Published(f"{name} ASCII", properties(**{name: "a/b"}))
        yield Published(f"{name} UTF-8", properties(**{name: "é"}))
        yield Published(f"{name} octets", properties(**{name: b"\xff\xfe"}))
    yield Published("user_id", properties(user_id="guest"))
    yield Published("timestamp", properties(timestamp=1_700_000_000))
    yield Published("timestamp too large", properties(timestamp=2**64 - 1))
    yield Published("message_id uuid", properties(message_id=f"urn:uuid:{UUID}"))
    yield Published("message_id UUID", properties(message_id=f"urn:uuid:{UUID.upper()}"))
    yield Published("correlation_id uuid", properties(correlation_id=f"urn:uuid:{UUID}"))
    every: dict[str, object] = {name: name[0] for name in SHORTSTRS}
    every |= {"delivery_mode": 2, "priority": 3, "expiration": "5000", "user_id": "guest"}
    every |= {"timestamp": 1_700_000_001, "headers": {"k": "v"}}
    yield Published("every property", properties(**every))
    yield from _with_headers()
    for name, body in (
        ("a value", b"\x00\x53\x77\xa1\x02hi"),
        ("a sequence", b"\x00\x53\x76\xc0\x03\x01\xa1\x00"),
        ("data", b"\x00\x53\x75\xa0\x02hi"),
        ("no sections", b"hello"),
    ):
        yield Published(f"type amqp-1.0, {name}", properties(type="amqp-1.0"), body)


def _with_headers() -> Iterator[Published]:
    def headers(table: fields.Table) -> bytes:
        return fields.properties(headers=table)

    yield Published("headers empty", headers({}))
    for name, value in HEADERS.items():
        yield Published(f"header {name}", headers({"k": value}))
        yield Published(f"header x- {name}", headers({"x-k": value}))
    twice = fields.shortstr("k") + fields.field("1") + fields.shortstr("k") + fields.field("2")
    yield Published("headers twice", headers(twice))
    yield Published("headers mixed", headers({"b": 1, "x-a": 2, "c": 3}))
    yield Published("header CC", headers({"CC": ["other"]}))
    yield Published("header BCC", headers({"BCC": ["other"]}))
    yield Published("header x-death", headers({"x-death": [DEATH]}))
    yield Published("header x-stream-filter-value", headers({"x-stream-filter-value": "eu"}))
    yield Published("header x-stream-offset", headers({"x-stream-offset": Typed("l", 9)}))
    yield Published("header x-exchange", headers({"x-exchange": "e", "x-routing-key": "r"}))
    yield Published("header x-basic-type", headers({"x-basic-type": "t"}))
    key = fields.shortstr(b"\xff") + fields.field("1")
    yield Published("header key not UTF-8", headers(key))


def _sized(constructor: int, octets: bytes) -> bytes:
    return bytes([constructor, len(octets)]) + octets


def _string(text: str) -> bytes:
    return _sized(0xA1, text.encode())


def _symbol(text: str) -> bytes:
    return _sized(0xA3, text.encode())


def _compound(constructor: int, items: tuple[bytes, ...]) -> bytes:
    octets = b"".join(items)
    return bytes([constructor]) + struct.pack(">II", len(octets) + 4, len(items)) + octets


def _list(*items: bytes) -> bytes:
    return _compound(0xD0, items)


def _map(*items: bytes) -> bytes:
    return _compound(0xD1, items)


def _section(code: int, value: bytes) -> bytes:
    return bytes([0, 0x53, code]) + value


NULL: Final = b"\x40"
LONG_STRING: Final = b"\xb1" + struct.pack(">I", 300) + b"m" * 300
LONG_BINARY: Final = b"\xb0" + struct.pack(">I", 300) + b"b" * 300
MILLISECONDS: Final = b"\x83" + struct.pack(">q", 1_700_000_000_123)
DATA: Final = _section(0x75, _sized(0xA0, b"hi"))
PROPERTIES: Final = (
    "message-id",
    "user-id",
    "to",
    "subject",
    "reply-to",
    "correlation-id",
    "content-type",
    "content-encoding",
    "absolute-expiry-time",
    "creation-time",
    "group-id",
    "group-sequence",
    "reply-to-group-id",
)
VALUES: Final = {
    "null": NULL,
    "true": b"\x41",
    "false": b"\x42",
    "boolean true": b"\x56\x01",
    "boolean false": b"\x56\x00",
    "ubyte": b"\x50\xc8",
    "ushort": b"\x60\xff\xff",
    "uint": b"\x70\xff\xff\xff\xff",
    "uint small": b"\x52\x05",
    "uint 0": b"\x43",
    "ulong": b"\x80" + b"\xff" * 8,
    "ulong small": b"\x53\x05",
    "ulong 0": b"\x44",
    "byte": b"\x51\xfd",
    "short": b"\x61\xff\xfd",
    "int": b"\x71\xff\xff\xff\xfd",
    "int small": b"\x54\xfd",
    "long": b"\x81" + b"\xff" * 7 + b"\xfd",
    "long small": b"\x55\xfd",
    "float": b"\x72" + struct.pack(">f", 1.5),
    "double": b"\x82" + struct.pack(">d", 1.5),
    "double not a number": b"\x82" + struct.pack(">d", float("nan")),
    "decimal32": b"\x74" + bytes(4),
    "decimal64": b"\x84" + bytes(8),
    "decimal128": b"\x94" + bytes(16),
    "char": b"\x73\x00\x00\x00A",
    "timestamp": MILLISECONDS,
    "uuid": b"\x98" + bytes(range(16)),
    "binary": _sized(0xA0, b"\0\xff"),
    "string": _string("v"),
    "string of 300": LONG_STRING,
    "symbol": _symbol("v"),
    "list empty": b"\x45",
    "list": _list(_string("a"), b"\x54\x05"),
    "map": _map(_string("a"), b"\x54\x05"),
    "array": b"\xe0\x04\x02\x51\x01\x02",
    "described": b"\x00" + _string("d") + _string("v"),
}
IDS: Final = {
    "string": _string("mm"),
    "string of 300": LONG_STRING,
    "ulong": b"\x80" + b"\xff" * 8,
    "ulong small": b"\x53\x07",
    "ulong 0": b"\x44",
    "uuid": b"\x98" + bytes(range(16)),
    "binary": _sized(0xA0, b"\0\xff"),
    "binary of 300": LONG_BINARY,
}


def _properties(name: str, value: bytes) -> bytes:
    return _section(0x73, _list(*[value if one == name else NULL for one in PROPERTIES])) + DATA


def _application(value: bytes, key: bytes = _string("k")) -> bytes:
    return _section(0x74, _map(key, value)) + DATA


def _annotation(key: bytes, value: bytes) -> bytes:
    return _section(0x72, _map(key, value)) + DATA


def stored() -> Iterator[Stored]:
    """Yield the cases of a stream client."""
    yield from _bodies()
    for name in ("message-id", "correlation-id"):
        for kind, value in IDS.items():
            yield Stored(f"{name} {kind}", _properties(name, value))
    for name in ("to", "subject", "reply-to", "group-id", "reply-to-group-id"):
        yield Stored(name, _properties(name, _string(name)))
    yield Stored("user-id", _properties("user-id", _sized(0xA0, b"u")))
    yield Stored("user-id not UTF-8", _properties("user-id", _sized(0xA0, b"\xff")))
    yield Stored("content-type", _properties("content-type", _symbol("a/b")))
    yield Stored("content-type string", _properties("content-type", _string("a/b")))
    yield Stored("content-encoding", _properties("content-encoding", _symbol("gzip")))
    yield Stored("absolute-expiry-time", _properties("absolute-expiry-time", MILLISECONDS))
    yield Stored("creation-time", _properties("creation-time", MILLISECONDS))
    negative = b"\x83" + struct.pack(">q", -1500)
    yield Stored("creation-time negative", _properties("creation-time", negative))
    yield Stored("group-sequence", _properties("group-sequence", b"\x52\x05"))
    yield Stored("reply-to of 300", _properties("reply-to", LONG_STRING))
    for name, value in VALUES.items():
        yield Stored(f"property {name}", _application(value))
        yield Stored(f"annotation {name}", _annotation(_symbol("x-k"), value))
    yield from _keys()


def _bodies() -> Iterator[Stored]:
    value = _section(0x77, _string("v"))
    sequence = _section(0x76, _list(_string("a")))
    every = _list(b"\x56\x01", b"\x50\x05", b"\x70\x00\x00\xea\x60", b"\x41", b"\x43")
    for name, message in {
        "data": DATA,
        "data of a large size": _section(0x75, b"\xb0\x00\x00\x00\x02hi"),
        "data twice": DATA + DATA,
        "value string": value,
        "value binary": _section(0x77, _sized(0xA0, b"v")),
        "value null": _section(0x77, NULL),
        "sequence": sequence,
        "sequence twice": sequence + sequence,
        "no octets": b"",
        "plain octets": b"hello",
        "no body": _section(0x73, _list(_string("m"))),
        "octets behind data": DATA + b"zz",
        "footer": DATA + _section(0x78, _map(_symbol("a"), _string("b"))),
        "delivery annotations": _section(0x71, _map(_symbol("x-a"), _string("b"))) + DATA,
        "delivery annotations last": DATA + _section(0x71, _map(_symbol("x-a"), _string("b"))),
        "header durable": _section(0x70, _list(b"\x41")) + DATA,
        "header not durable": _section(0x70, _list(b"\x42")) + DATA,
        "header every field": _section(0x70, every) + DATA,
        "header empty": _section(0x70, b"\x45") + DATA,
        "header without durable": _section(0x70, _list(NULL, b"\x50\x05")) + DATA,
        "data and value": DATA + value,
        "value and data": value + DATA,
        "value twice": value + value,
        "data string": _section(0x75, _string("hi")),
        "section of no kind": _section(0x79, _map()) + DATA,
        "fourteen properties": _section(0x73, _list(*[NULL] * 14)) + DATA,
    }.items():
        yield Stored(name, message)


def _keys() -> Iterator[Stored]:
    long_key = b"\xb1" + struct.pack(">I", 300) + b"k" * 300
    one = _application(_string("1"), _string("a"))
    other = _application(_string("2"), _string("b"))
    symbolic = b"\0" + _symbol("amqp:application-properties:map") + _map(_string("k"), _string("v"))
    basic = _map(
        *(_symbol("x-basic-priority"), b"\x50\x05", _symbol("x-basic-delivery-mode"), b"\x50\x02"),
        *(_symbol("x-basic-expiration"), _string("500"), _symbol("x-basic-type"), _string("tt")),
    )
    old = _map(_string("x-basic-type"), _string("tt"), _string("x-basic-app-id"), _string("aa"))
    twice = _map(_string("k"), _string("1"), _string("k"), _string("2"))
    route = _map(_symbol("x-exchange"), _string("ex"), _symbol("x-routing-key"), _string("rk"))
    for name, message in {
        "property key symbol": _application(_string("v"), _symbol("k")),
        "property key of 300": _application(_string("v"), long_key),
        "property without value": _section(0x74, _map(_string("k"))) + DATA,
        "properties twice": _section(0x74, twice) + DATA,
        "properties empty": _section(0x74, _map()) + DATA,
        "properties in two sections": one[: -len(DATA)] + other,
        "sections in another order": DATA + one[: -len(DATA)],
        "symbolic descriptor": symbolic + DATA,
        "annotation of another name": _annotation(_symbol("k"), _string("v")),
        "annotation key ulong": _annotation(b"\x53\x05", _string("v")),
        "annotation key string": _annotation(_string("x-k"), _string("v")),
        "annotation x-cc": _annotation(_symbol("x-cc"), _list(_string("a"))),
        "annotation x-stream-offset": _annotation(_symbol("x-stream-offset"), b"\x55\x63"),
        "property x-stream-offset": _application(b"\x55\x63", _string("x-stream-offset")),
        "exchange and routing key": _section(0x72, route) + DATA,
        "basic annotations": _section(0x72, basic) + DATA,
        "basic properties of 3.10": _section(0x74, old) + DATA,
    }.items():
        yield Stored(name, message)
