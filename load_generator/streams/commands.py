"""Renders the commands of the stream protocol that a load needs, and reads the broker's.

    byte 0      4     6         8
         | size | key | version | body          all numbers big-endian
           u32    u16   u16

A request begins its body with a correlation id (u32). The answer has the top bit in its key, the
same id, and a code (u16). A message is the data section of AMQP 1.0, as stream clients send it, so
that clients of AMQP can read it too.

Source: RabbitMQ, stream protocol.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from load_generator.load import Streaming
from load_generator.wire import BrokerRefusalError, LoadError

HEAD: Final = struct.Struct(">IHH")
SIZE_BYTES: Final = 4
RESPONSE: Final = 0x8000
CORRELATION_ID: Final = 1
OK: Final = 1
STREAM_MISSING: Final = 2
FRAME_MAX_BYTES: Final = 1 << 20
"""The value that we ask for, which is RabbitMQ's own default."""

DECLARE_PUBLISHER: Final = 0x01
PUBLISH: Final = 0x02
PUBLISH_CONFIRM: Final = 0x03
PUBLISH_ERROR: Final = 0x04
SUBSCRIBE: Final = 0x07
DELIVER: Final = 0x08
CREDIT: Final = 0x09
STORE_OFFSET: Final = 0x0A
UNSUBSCRIBE: Final = 0x0C
CREATE: Final = 0x0D
DELETE: Final = 0x0E
METADATA: Final = 0x0F
METADATA_UPDATE: Final = 0x10
PEER_PROPERTIES: Final = 0x11
SASL_HANDSHAKE: Final = 0x12
SASL_AUTHENTICATE: Final = 0x13
TUNE: Final = 0x14
OPEN: Final = 0x15
CLOSE: Final = 0x16
HEARTBEAT: Final = 0x17
CREATE_SUPER_STREAM: Final = 0x1D
DELETE_SUPER_STREAM: Final = 0x1E

_U16: Final = struct.Struct(">H")
_U32: Final = struct.Struct(">I")
_U64: Final = struct.Struct(">Q")
_ANSWER: Final = struct.Struct(">IH")
_SUB_ENTRY: Final = struct.Struct(">BHII")
_STRING_BYTES_MAX: Final = 0x7FFF
_UNCOMPRESSED: Final = 0x80
_SHORT_DATA_BYTES_MAX: Final = 255


class Frame(NamedTuple):
    """One frame of the broker; ``body`` is what follows key and version."""

    key: int
    body: bytes


def string(text: str) -> bytes:
    """Render a string.

    Raises:
        LoadError: it is too long.
    """
    octets = text.encode()
    if len(octets) > _STRING_BYTES_MAX:
        raise LoadError(f"{text[:32]!r}… has more than 32767 octets")
    return _U16.pack(len(octets)) + octets


def strings(texts: Sequence[str]) -> bytes:
    """Render an array of strings."""
    return _U32.pack(len(texts)) + b"".join(map(string, texts))


def string_map(entries: Mapping[str, str]) -> bytes:
    """Render a map of strings."""
    pairs = (string(name) + string(value) for name, value in entries.items())
    return _U32.pack(len(entries)) + b"".join(pairs)


def octet_string(octets: bytes) -> bytes:
    """Render bytes."""
    return _U32.pack(len(octets)) + octets


def frame(key: int, body: bytes, version: int = 1) -> bytes:
    """Render a frame."""
    return HEAD.pack(len(body) + SIZE_BYTES, key, version) + body


def request(key: int, body: bytes = b"") -> bytes:
    """Render a request."""
    return frame(key, _U32.pack(CORRELATION_ID) + body)


def refusal(received: Frame) -> BrokerRefusalError:
    """Return the error that says what came instead of what was expected."""
    if received.key == CLOSE:
        code, size = struct.unpack_from(">HH", received.body, 4)
        return BrokerRefusalError(f"{code} {received.body[8 : 8 + size].decode(errors='replace')}")
    if received.key == METADATA_UPDATE:
        return BrokerRefusalError("the stream is gone")
    if received.key & RESPONSE and received.key != CREDIT | RESPONSE:
        return BrokerRefusalError(f"command {received.key & 0xFF:#04x}: code {code_of(received)}")
    return BrokerRefusalError(f"command {received.key:#06x} was not expected")


def code_of(received: Frame) -> int:
    """Return the code of an answer; a short one is 0, which is no code."""
    if len(received.body) < _ANSWER.size:
        return 0
    _, code = _ANSWER.unpack_from(received.body)
    return int(code)


def message(body: bytes) -> bytes:
    """Return a body as an AMQP 1.0 message: one data section."""
    if len(body) <= _SHORT_DATA_BYTES_MAX:
        return b"\x00\x53\x75\xa0" + bytes([len(body)]) + body
    return b"\x00\x53\x75\xb0" + _U32.pack(len(body)) + body


def entry(octets: bytes) -> bytes:
    """Return a message as an entry."""
    return _U32.pack(len(octets)) + octets


def sub_entry(octets: bytes, count: int) -> bytes:
    """Return so many equal messages as one uncompressed sub-entry."""
    inside = entry(octets) * count
    return _SUB_ENTRY.pack(_UNCOMPRESSED, count, len(inside), len(inside)) + inside


def publish(publisher_id: int, body: bytes, count: int, how: Streaming, first_number: int) -> bytes:
    """Render the Publish of so many messages; their publishing ids are those from 0.

    Without a reference the broker never compares ids, so a frame may be sent again and again.

    Args:
        publisher_id: declared before.
        body: of each message.
        count: of the messages; a multiple of the size of sub-entries.
        how: their form.
        first_number: of the first message in its stream, for filter values in turn.
    """
    octets = message(body)
    if how.sub_entry_count > 1:
        size = how.sub_entry_count
        items: Iterable[bytes] = [sub_entry(octets, size)] * (count // size)
        version, item_count = 1, count // size
    else:
        values = how.filter_values
        named = [string(value) for value in values] or [b""]
        numbers = range(first_number, first_number + count)
        items = [named[number % len(named)] + entry(octets) for number in numbers]
        version, item_count = 2 if values else 1, count
    numbered = (_U64.pack(number) + item for number, item in enumerate(items))
    head = bytes([publisher_id]) + _U32.pack(item_count)
    return frame(PUBLISH, head + b"".join(numbered), version)


def offset_spec(offset: str) -> bytes:
    """Render an offset: first, last, next, a number, or @ and a time in seconds.

    Raises:
        LoadError: it is none of these.
    """
    named = {"first": 1, "last": 2, "next": 3}
    if offset in named:
        return _U16.pack(named[offset])
    if offset.isdecimal() and int(offset) < 1 << 63:
        return _U16.pack(4) + _U64.pack(int(offset))
    if offset.startswith("@"):
        try:
            return _U16.pack(5) + struct.pack(">q", round(float(offset[1:]) * 1_000))
        except (ValueError, OverflowError, struct.error):
            pass
    raise LoadError(f"--offset {offset}: first, last, next, a number, or @ and seconds since 1970")


def subscribe(stream: str, offset: str, credit: int, filters: Sequence[str]) -> bytes:
    """Render Subscribe, with id 0."""
    properties = {f"filter.{number}": value for number, value in enumerate(filters)}
    body = b"\x00" + string(stream) + offset_spec(offset) + _U16.pack(credit)
    return request(SUBSCRIBE, body + (string_map(properties) if properties else b""))


def credit(count: int) -> bytes:
    """Render Credit for subscription 0."""
    return frame(CREDIT, b"\x00" + _U16.pack(count))
