"""A client of the stream protocol in memory: its frames, and what it is answered.

node = Node()
peer = StreamPeer.open(node)               # handshake done
peer.request(CommandKey.CREATE, string("s"), string_map({}))
assert peer.receive() == [...]             # the client reads
"""

import struct
from collections.abc import Mapping
from typing import NamedTuple

from amqp_server.broker.groups.single_active import ConsumerGroups, Groups
from amqp_server.connections.peer import Peer
from amqp_server.stream_protocol.connection import OUTPUT_MAX_BYTES, Connection
from amqp_server.stream_protocol.fields import I32, U8, U16, U32, U64, string, string_map
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import RESPONSE, Code, CommandKey
from amqp_server.stream_protocol.settings import StreamProtocolSettings
from persistence.streams.chunk import CHUNK_HEADER, ChunkHeader, decode_chunk_header
from tests.support.peer import Node

LOCAL = Peer("127.0.0.1", 50_000, "127.0.0.1", 5552, is_loopback=True)
CORRELATION_ID = 7


_LISTS = (CommandKey.ROUTE, CommandKey.PARTITIONS, CommandKey.STREAM_STATS)


class Answer(NamedTuple):
    """One frame of the server."""

    key: int
    body: bytes
    version: int = 1


class Chunk(NamedTuple):
    """What a Deliver brought."""

    subscription_id: int
    header: ChunkHeader
    messages: list[bytes]
    committed_chunk_id: int | None = None


def ok(key: int, body: bytes = b"", code: Code = Code.OK) -> Answer:
    """Return the answer to a request."""
    return Answer(key | RESPONSE, U32.pack(CORRELATION_ID) + U16.pack(code) + body)


def refused(key: int, code: Code, body: bytes = b"") -> Answer:
    """Return the answer to a request that is refused; that of a list has an empty one."""
    return ok(key, U32.pack(0) if key in _LISTS else body, code)


def entry(message: bytes) -> bytes:
    """Return a message as an entry."""
    return len(message).to_bytes(4, "big") + message


def publish_body(publisher_id: int, *messages: tuple[int, bytes]) -> bytes:
    """Return the body of a Publish of simple entries: publishing id and message each."""
    items = [U64.pack(number) + entry(message) for number, message in messages]
    return U8.pack(publisher_id) + I32.pack(len(items)) + b"".join(items)


def confirmed(publisher_id: int, *ids: int) -> Answer:
    """Return a PublishConfirm."""
    body = U8.pack(publisher_id) + I32.pack(len(ids)) + b"".join(map(U64.pack, ids))
    return Answer(CommandKey.PUBLISH_CONFIRM, body)


def publish_errors(publisher_id: int, code: Code, *ids: int) -> Answer:
    """Return a PublishError."""
    items = [U64.pack(number) + U16.pack(code) for number in ids]
    body = U8.pack(publisher_id) + I32.pack(len(ids)) + b"".join(items)
    return Answer(CommandKey.PUBLISH_ERROR, body)


class StreamPeer:
    """A client's end of one connection."""

    def __init__(
        self,
        node: Node,
        settings: StreamProtocolSettings | None = None,
        groups: ConsumerGroups | None = None,
        output_max_bytes: int = OUTPUT_MAX_BYTES,
        peer: Peer = LOCAL,
    ) -> None:
        self.node = node
        self.outputs_count = 0
        self.connection = Connection(
            node.broker,
            settings or StreamProtocolSettings(),
            peer,
            self._on_output,
            node.now_ms,
            groups=groups or Groups(),
            output_max_bytes=output_max_bytes,
        )

    @classmethod
    def open(
        cls,
        node: Node,
        user: str = "guest",
        settings: StreamProtocolSettings | None = None,
        groups: ConsumerGroups | None = None,
        output_max_bytes: int = OUTPUT_MAX_BYTES,
    ) -> "StreamPeer":
        """Return a client that has logged in and entered the vhost."""
        peer = cls(node, settings, groups, output_max_bytes)
        peer.shake_hands(user)
        return peer

    def _on_output(self) -> None:
        self.outputs_count += 1

    def send_bytes(self, data: bytes) -> None:
        """Send bytes in one read; then the turn ends."""
        self.connection.receive_data(data, self.node.now_ms)
        self.node.end_turns()

    def send(self, key: int, *parts: bytes, version: int = 1) -> None:
        """Send a frame."""
        self.send_bytes(frame(key, b"".join(parts), version))

    def request(self, key: int, *parts: bytes) -> None:
        """Send a request."""
        self.send(key, U32.pack(CORRELATION_ID), *parts)

    def ask(self, key: int, *parts: bytes) -> Answer:
        """Send a request; return the only answer."""
        self.request(key, *parts)
        (answer,) = self.receive()
        return answer

    def log_in(self, user: str = "guest") -> None:
        """Send what comes before Tune."""
        self.request(CommandKey.PEER_PROPERTIES, string_map({"connection_name": "test"}))
        self.request(CommandKey.SASL_HANDSHAKE)
        response = f"\0{user}\0{user}".encode()
        self.request(
            CommandKey.SASL_AUTHENTICATE, string("PLAIN"), I32.pack(len(response)), response
        )

    def shake_hands(self, user: str = "guest", vhost: str = "/") -> None:
        """Log in, and enter the vhost."""
        self.log_in(user)
        self.send(CommandKey.TUNE, U32.pack(1 << 20), U32.pack(0))
        self.request(CommandKey.OPEN, string(vhost))
        self.receive()
        assert self.connection.life.is_open

    def create(self, name: str, **arguments: str) -> None:
        """Create a stream."""
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        answer = self.ask(CommandKey.CREATE, string(name), string_map(named))
        assert answer == ok(CommandKey.CREATE)

    def declare_publisher(self, name: str, publisher_id: int = 1, reference: str = "") -> Answer:
        """Declare a publisher."""
        return self.ask(
            CommandKey.DECLARE_PUBLISHER, U8.pack(publisher_id), string(reference), string(name)
        )

    def publish(self, publisher_id: int, *messages: tuple[int, bytes]) -> None:
        """Publish simple entries."""
        self.send(CommandKey.PUBLISH, publish_body(publisher_id, *messages))

    def subscribe(
        self,
        stream: str,
        subscription_id: int = 1,
        spec: bytes = b"\0\1",
        credit: int = 10,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        """Subscribe; ``spec`` is written as in a frame."""
        self.request(
            CommandKey.SUBSCRIBE,
            U8.pack(subscription_id),
            string(stream),
            spec,
            U16.pack(credit),
            string_map(properties or {}),
        )

    def receive(self) -> list[Answer]:
        """Read everything that was sent, and what the room that came lets it send."""
        octets, written = b"", self.write()
        while written:
            octets += written
            written = self.write()
        found = []
        while octets:
            (size_bytes,) = struct.unpack_from(">I", octets)
            key, version = struct.unpack_from(">HH", octets, 4)
            found.append(Answer(key, octets[8 : 4 + size_bytes], version))
            octets = octets[4 + size_bytes :]
        return found

    def write(self) -> bytes:
        """Return what one write of the server brings."""
        self.node.end_turns()
        return b"".join(self.connection.data_to_send())

    def chunks(self) -> list[Chunk]:
        """Read, and return what was delivered."""
        return [chunk_of(each) for each in self.receive() if each.key == CommandKey.DELIVER]


def chunk_of(answer: Answer) -> Chunk:
    """Return what a Deliver brought; it has simple entries only."""
    at, committed = 1, None
    if answer.version == 2:
        (committed,) = U64.unpack_from(answer.body, 1)
        at = 9
    header = decode_chunk_header(answer.body, at)
    data = answer.body[at + CHUNK_HEADER.size :]
    assert len(data) == header.data_bytes
    messages = []
    while data:
        size_bytes = int.from_bytes(data[:4], "big")
        messages.append(data[4 : 4 + size_bytes])
        data = data[4 + size_bytes :]
    return Chunk(answer.body[0], header, messages, committed)


def at_offset(offset: int) -> bytes:
    """Return an offset specification."""
    return U16.pack(4) + U64.pack(offset)


def publish_each(peer: StreamPeer, *messages: bytes) -> None:
    """Publish each as a chunk of its own; the log in memory makes one for each append."""
    for message in messages:
        peer.publish(1, (0, message))
    peer.receive()
