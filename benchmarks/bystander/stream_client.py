"""The attacking client of the stream protocol, and what it writes."""

import struct
from collections.abc import Iterable, Mapping
from typing import Final

from benchmarks.brokers import STREAM_PORT_OFFSET
from benchmarks.bystander.hasty import Hasty
from load_generator.session import Endpoint
from load_generator.streams import commands
from load_generator.streams.session import StreamSession

STREAM: Final = "bystander.stream"
"""The stream that most attacks need."""

CREDIT_MAX: Final = 0xFFFF
PUBLISHER: Final = 1
_MARKER_ID: Final = 0x7E57_A11E
_LAST_ID: Final = struct.pack(">Q", 0x7E57_C0DE_0000_0001)
_HEAD: Final = struct.pack(">HHI", commands.METADATA | commands.RESPONSE, 1, _MARKER_ID)
_MARKER: Final = commands.frame(
    commands.METADATA, struct.pack(">I", _MARKER_ID) + commands.strings([])
)
_MESSAGE: Final = commands.message(b"x" * 12)


def streams_of(endpoint: Endpoint) -> Endpoint:
    """Return where a broker with this address of AMQP speaks the stream protocol."""
    return endpoint._replace(port=endpoint.port + STREAM_PORT_OFFSET, speaks_streams=True)


class WorstOfStreams(Hasty, StreamSession):
    """A connection that does not wait for answers.

    Attributes:
        crew: other connections of the same client.
    """

    marker = _HEAD

    def __init__(self, endpoint: Endpoint) -> None:
        """Connect; the endpoint is the broker's for AMQP."""
        super().__init__(streams_of(endpoint))
        self.crew: list[WorstOfStreams] = []

    def push(self, octets: bytes) -> None:
        """Write, and return when the broker has carried out all of it; raises as ``write``."""
        self.write(octets + _MARKER)
        self.await_octets(_HEAD)

    def fill(self, frames: Iterable[bytes]) -> None:
        """Write frames of ``PUBLISHER``, and return when all is on disk; raises as ``write``."""
        for octets in frames:
            self.write(octets)
        self.write(publish(PUBLISHER, [_LAST_ID + commands.entry(_MESSAGE)]))
        self.await_octets(_LAST_ID)

    def cut_off(self) -> None:
        """Close all sockets without a word."""
        for one in (self, *self.crew):
            one.socket.close()


def publish(publisher_id: int, items: list[bytes], version: int = 1) -> bytes:
    """Render a Publish of items that begin with their id."""
    head = bytes([publisher_id]) + struct.pack(">I", len(items))
    return commands.frame(commands.PUBLISH, head + b"".join(items), version)


def numbered(count: int) -> list[bytes]:
    """Return so many small items of a Publish."""
    rest = commands.entry(_MESSAGE)
    return [struct.pack(">Q", number) + rest for number in range(count)]


def valued(values: Iterable[str]) -> list[bytes]:
    """Return an item of a Publish of version 2 for each filter value."""
    rest = commands.entry(_MESSAGE)
    return [bytes(8) + commands.string(value) + rest for value in values]


def keyed(count: int, keys_count: int) -> list[bytes]:
    """Return so many items of a Publish whose messages have one of so many keys, ``device``."""
    items = []
    for number in range(count):
        key = b"%06d" % (number % keys_count)
        properties = b"\xa1\x06device\xa1\x06" + key
        section = b"\x00\x53\x74\xc1" + bytes([len(properties) + 1, 2]) + properties
        items.append(struct.pack(">Q", number) + commands.entry(section + _MESSAGE))
    return items


def create(stream: str, arguments: Mapping[str, str] | None = None) -> bytes:
    """Render Create."""
    named = commands.string_map(arguments or {})
    return commands.request(commands.CREATE, commands.string(stream) + named)


def delete(stream: str) -> bytes:
    """Render Delete."""
    return commands.request(commands.DELETE, commands.string(stream))


def declare_publisher(publisher_id: int, stream: str, reference: str = "") -> bytes:
    """Render DeclarePublisher."""
    names = commands.string(reference) + commands.string(stream)
    return commands.request(commands.DECLARE_PUBLISHER, bytes([publisher_id]) + names)


def subscribe(
    subscription_id: int, stream: str, credit: int, properties: Mapping[str, str] | None = None
) -> bytes:
    """Render Subscribe from the first message on."""
    body = bytes([subscription_id]) + commands.string(stream) + commands.offset_spec("first")
    named = commands.string_map(properties or {})
    return commands.request(commands.SUBSCRIBE, body + struct.pack(">H", credit) + named)


def unsubscribe(subscription_id: int) -> bytes:
    """Render Unsubscribe."""
    return commands.request(commands.UNSUBSCRIBE, bytes([subscription_id]))
