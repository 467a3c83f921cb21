"""What an AMQP 0-9-1 client publishes, as AMQP 1.0 messages: the form in which a stream keeps them.

    delivery-mode, priority, expiration        header: durable, priority, ttl
    message-id, user-id, reply-to, ...         properties of the same name; app-id is group-id
    timestamp                                  properties: creation-time, in milliseconds
    header of a name ``x-...``, CC             message annotations (CC is ``x-cc``)
    every other header                         application properties
    exchange, routing key, type                annotations x-exchange, x-routing-key, x-basic-type
    body                                       one data section

What AMQP 1.0 has no value for, or none that gives the same back, stays as it was: a property in an
annotation ``x-basic-<name>``, and headers as fields of a 0-9-1 table in ``x-amqp-0.9.1-headers``.
These are its headers first whose names stand among the annotations, then those among the
application properties, in their order there, then all others; the way back relies on that. A table
has no two fields of a name.

This is the interpreted twin, and the specification of ``queues.stream._to_amqp10``.

Source: what RabbitMQ 3.13 stores (``mc_amqpl``), and what 3.10 answered
(``tests/queues/stream/known_answers.json``).
"""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from persistence.kernels import COMPILED
from persistence.record import BODY_SIZE_STOP, Run
from queues.stream import amqp10
from queues.stream.amqp10 import (
    AMQP10_TYPE,
    APPLICATION_PROPERTIES,
    DATA,
    DEATHS,
    FILTER_VALUE,
    HEADER,
    KEPT_HEADERS,
    MESSAGE_ANNOTATIONS,
    OCTET_MAX,
    OFFSET_HEADER,
    PROPERTIES,
    PUBLISHER,
    PUBLISHING_ID,
    binary,
    is_plain_text,
    is_utf8,
    list_of,
    map_of,
    section,
    symbol,
    text,
    uint,
    utf8,
)
from queues.stream.property_list import PropertyList

_NULL: Final = b"\x40"
_U32: Final = struct.Struct(">I")
_TIMESTAMP_S_MAX: Final = (2**63 - 1) // 1000
_U32_MAX: Final = 2**32 - 1
_U32_DIGITS: Final = 10
_INT8: Final = range(-128, 128)
_UUID: Final = re.compile(rb"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.DOTALL)
_DURABLE: Final = {b"\x01": b"\x42", b"\x02": b"\x41"}
_BASIC: Final = b"x-basic-"
_OUR_NAMES: Final = {b"x-exchange", b"x-routing-key", b"x-cc", KEPT_HEADERS}

_AS_IT_STANDS: Final = {
    ord(kind): constructor
    for kind, constructor in {
        "b": b"\x51",
        "B": b"\x50",
        "s": b"\x61",
        "u": b"\x60",
        "f": b"\x72",
        "d": b"\x82",
        "L": b"\x81",
    }.items()
}
"""Type octet of a field -> the constructor whose value has the same octets."""


class _Headers:
    """The fields of a headers table, sorted by where they go."""

    def __init__(self) -> None:
        self.annotations: list[bytes] = []
        self.application_properties: list[bytes] = []
        self.kept_of_annotations: list[bytes] = []
        self.kept_of_application_properties: list[bytes] = []
        self.kept_alone: list[bytes] = []
        self.filter_value = b""
        self.publisher = b""
        self.publishing_id = b""
        self.is_dead = False

    @property
    def kept(self) -> bytes:
        return b"".join(
            self.kept_of_annotations + self.kept_of_application_properties + self.kept_alone
        )

    def add(self, field: bytes, key: bytes, value_at: int) -> None:
        """Add one field; its value begins with the type octet at ``value_at``."""
        if key == OFFSET_HEADER:
            # Of the stream that a message came from; this one gives it an offset of its own.
            return
        kind = field[value_at]
        if key == b"CC" and kind == ord("A"):
            self._add_pair(b"x-cc", field, value_at, is_annotation=True)
        elif key.startswith(b"x-"):
            if not key.isascii() or key.startswith(_BASIC) or key in _OUR_NAMES:
                self.kept_alone.append(field)
                return
            if key == FILTER_VALUE and kind == ord("S"):
                self.filter_value = field[value_at + 5 :]
            elif key == PUBLISHER and kind == ord("S"):
                self.publisher = field[value_at + 5 :]
            elif key == PUBLISHING_ID:
                self.publishing_id = field[value_at:]
            elif key == DEATHS:
                self.is_dead = True
            self._add_pair(key, field, value_at, is_annotation=True)
        elif kind in b"FA" or not is_utf8(key):
            self.kept_alone.append(field)
        else:
            self._add_pair(key, field, value_at, is_annotation=False)

    def _add_pair(self, key: bytes, field: bytes, value_at: int, *, is_annotation: bool) -> None:
        value, is_same = _value(field, value_at, len(field))
        if value == _NULL and not is_same:
            self.kept_alone.append(field)
        elif is_annotation:
            self.annotations += (symbol(key), value)
            if not is_same:
                self.kept_of_annotations.append(field)
        else:
            self.application_properties += (utf8(key), value)
            if not is_same:
                self.kept_of_application_properties.append(field)


def to_amqp10(exchange: bytes, routing_key: bytes, properties: bytes, body: bytes) -> bytes:
    """Return one AMQP 0-9-1 message as AMQP 1.0.

    Args:
        exchange: published to, at most 255 octets.
        routing_key: published with, at most 255 octets.
        properties: property flags and property list, as in a content header behind the body size.
        body: of any size below 2 GiB.
    """
    route = bytes((len(exchange),)) + exchange + bytes((len(routing_key),)) + routing_key
    return _message(route, properties, body)[0]


def append_messages(data: bytearray, run: Run) -> tuple[set[bytes], list[tuple[int, bytes, bytes]]]:
    """Append a run of records to the data section of a chunk: ``u32 length | message`` for each.

    Returns:
        The values of the header ``x-stream-filter-value`` among them; an empty one stands for
        those without. And of each message that names a publisher and a publishing id, and is no
        dead letter: its index, the headers ``x-stream-publisher``, and ``x-stream-publishing-id``
        as a field value with its type.
    """
    filter_values = set()
    numbered = []
    for index, (route, header, body, _, _, _) in enumerate(run):
        message, headers = _message(route, header[BODY_SIZE_STOP:], bytes(body))
        filter_values.add(headers.filter_value)
        if headers.publisher and headers.publishing_id and not headers.is_dead:
            numbered.append((index, headers.publisher, headers.publishing_id))
        data += _U32.pack(len(message))
        data += message
    return filter_values, numbered


def _message(route: bytes, octets: bytes, body: bytes) -> tuple[bytes, _Headers]:
    """Return the message and its headers."""
    given = PropertyList(octets)
    headers = _Headers()
    for field, key, value_at in _fields(given.headers or b""):
        headers.add(field, key, value_at)
    is_amqp10 = given.type == AMQP10_TYPE and amqp10.is_body(body)
    message = (
        _header_section(given)
        + _annotations_section(route, given, headers, is_amqp10=is_amqp10)
        + _properties_section(given)
        + (
            section(APPLICATION_PROPERTIES, map_of(headers.application_properties))
            if headers.application_properties
            else b""
        )
        + (body if is_amqp10 else section(DATA, binary(body)))
    )
    return message, headers


def _fields(table: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield field, key and where in the field its value begins, up to the first that is none."""
    position = 0
    while position < len(table):
        value_at = position + 1 + table[position]
        stop = amqp10.field_end(table, value_at, len(table))
        if stop < 0:
            return
        yield table[position:stop], table[position + 1 : value_at], value_at - position
        position = stop


def _header_section(given: PropertyList) -> bytes:
    durable = _DURABLE.get(given.delivery_mode or b"", _NULL)
    priority = _NULL if given.priority is None else b"\x50" + given.priority
    ttl = _NULL if given.expiration is None else _ttl(given.expiration)
    fields = [durable, priority, ttl]
    while fields and fields[-1] == _NULL:
        del fields[-1]
    return section(HEADER, list_of(fields)) if fields else b""


def _annotations_section(
    route: bytes, given: PropertyList, headers: _Headers, *, is_amqp10: bool
) -> bytes:
    exchange_stop = 1 + route[0]
    pairs = [
        symbol(b"x-exchange"),
        text(route[1:exchange_stop]),
        symbol(b"x-routing-key"),
        text(route[exchange_stop + 1 :]),
        *headers.annotations,
    ]

    pairs += _basic_annotations(given, is_amqp10=is_amqp10)
    if kept := headers.kept:
        pairs += (symbol(KEPT_HEADERS), binary(kept))
    return section(MESSAGE_ANNOTATIONS, map_of(pairs))


def _basic_annotations(given: PropertyList, *, is_amqp10: bool) -> Iterator[bytes]:
    """Yield key and value of each property that no section gives back as it is."""
    is_timed = given.timestamp is None or _creation_time(given.timestamp) != _NULL
    is_ttl = given.expiration is None or _ttl(given.expiration) != _NULL
    for name, value, is_elsewhere, encode in (
        (b"content-type", given.content_type, _fits(given.content_type, bytes.isascii), binary),
        (
            b"content-encoding",
            given.content_encoding,
            _fits(given.content_encoding, bytes.isascii),
            binary,
        ),
        (b"delivery-mode", given.delivery_mode, given.delivery_mode in _DURABLE, _ubyte),
        (b"correlation-id", given.correlation_id, _fits(given.correlation_id), binary),
        (b"reply-to", given.reply_to, _fits(given.reply_to), binary),
        (b"expiration", given.expiration, is_ttl, text),
        (b"message-id", given.message_id, _fits(given.message_id), binary),
        (b"timestamp", given.timestamp, is_timed, _ulong),
        (b"type", given.type, is_amqp10, text),
        (b"user-id", given.user_id, _fits(given.user_id, is_plain_text), binary),
        (b"app-id", given.app_id, _fits(given.app_id), binary),
        (b"cluster-id", given.cluster_id, False, text),
    ):
        if value is not None and not is_elsewhere:
            yield from (symbol(_BASIC + name), encode(value))


def _fits(octets: bytes | None, is_fit: Callable[[bytes], bool] = is_utf8) -> bool:
    return octets is not None and is_fit(octets)


def _ubyte(octets: bytes) -> bytes:
    return b"\x50" + octets


def _ulong(octets: bytes) -> bytes:
    return b"\x80" + octets


def _properties_section(given: PropertyList) -> bytes:
    fields = [
        _message_id(given.message_id),
        _null_or(binary, given.user_id, is_plain_text),
        _NULL,
        _NULL,
        _null_or(utf8, given.reply_to, is_utf8),
        _message_id(given.correlation_id),
        _null_or(symbol, given.content_type, bytes.isascii),
        _null_or(symbol, given.content_encoding, bytes.isascii),
        _NULL,
        _creation_time(given.timestamp),
        _null_or(utf8, given.app_id, is_utf8),
    ]
    while fields and fields[-1] == _NULL:
        del fields[-1]
    return section(PROPERTIES, list_of(fields)) if fields else b""


def _message_id(octets: bytes | None) -> bytes:
    if octets is None or not is_utf8(octets):
        return _NULL
    if _UUID.fullmatch(octets):
        return b"\x98" + bytes.fromhex(octets[9:].replace(b"-", b"").decode())
    return utf8(octets)


def _null_or(
    encode: Callable[[bytes], bytes], octets: bytes | None, fits: Callable[[bytes], bool]
) -> bytes:
    return encode(octets) if octets is not None and fits(octets) else _NULL


def _creation_time(timestamp: bytes | None) -> bytes:
    seconds = _TIMESTAMP_S_MAX + 1 if timestamp is None else int.from_bytes(timestamp)
    return _NULL if seconds > _TIMESTAMP_S_MAX else b"\x83" + (1000 * seconds).to_bytes(8)


def _ttl(expiration: bytes) -> bytes:
    """Return the TTL; null if it would not give the same digits back."""
    if not 0 < len(expiration) <= _U32_DIGITS or not expiration.isdigit():
        return _NULL
    ttl_ms = int(expiration)
    if ttl_ms > _U32_MAX or (expiration[0] == ord("0") and len(expiration) > 1):
        return _NULL
    return uint(ttl_ms)


def _value(octets: bytes, position: int, end: int) -> tuple[bytes, bool]:
    """Return a 0-9-1 field value as AMQP 1.0, and whether it comes back as it is.

    A null that does not come back as it is stands for a value that AMQP 1.0 does not have.
    """
    kind = octets[position]
    if kind in b"FA":
        return _nested(octets, position, end)
    content = octets[position + 1 : end]
    if (constructor := _AS_IT_STANDS.get(kind)) is not None:
        return constructor + content, kind != ord("L")
    convert = _CONVERSIONS.get(kind)
    return (_NULL, kind == ord("V")) if convert is None else convert(content)


def _string(content: bytes) -> tuple[bytes, bool]:
    octets = content[4:]
    if len(octets) <= OCTET_MAX and is_plain_text(octets):
        return utf8(octets), True
    return binary(octets), False


def _signed(constructors: bytes, content: bytes) -> tuple[bytes, bool]:
    is_small = int.from_bytes(content, signed=True) in _INT8
    return (constructors[:1] + content[-1:] if is_small else constructors[1:] + content), True


def _timestamp(content: bytes) -> tuple[bytes, bool]:
    value = _creation_time(content)
    return value, value != _NULL


def _nested(octets: bytes, position: int, end: int) -> tuple[bytes, bool]:
    """Return a table as a map or an array as a list; ``field_end`` has walked it."""
    is_table = octets[position] == ord("F")
    position += 5
    items: list[bytes] = []
    is_same = True
    while position < end:
        if is_table:
            value_at = position + 1 + octets[position]
            key = octets[position + 1 : value_at]
        else:
            value_at, key = position, b""
        position = amqp10.inner_end(octets, value_at)
        value, is_value_same = _value(octets, value_at, position)
        is_same = is_same and is_value_same and key.isascii()
        if is_table and not key.isascii():
            continue
        if is_table:
            items.append(symbol(key))
        items.append(value)
    return (map_of if is_table else list_of)(items), is_same


_CONVERSIONS: Final[Mapping[int, Callable[[bytes], tuple[bytes, bool]]]] = {
    ord("S"): _string,
    ord("x"): lambda content: (binary(content[4:]), True),
    ord("I"): partial(_signed, b"\x54\x71"),
    ord("l"): partial(_signed, b"\x55\x81"),
    ord("i"): lambda content: (uint(int.from_bytes(content)), True),
    ord("t"): lambda content: (b"\x41" if content[0] else b"\x42", True),
    ord("T"): _timestamp,
}


if COMPILED:
    from queues.stream import _to_amqp10  # type: ignore[attr-defined]

    to_amqp10 = _to_amqp10.to_amqp10
    append_messages = _to_amqp10.append_messages
