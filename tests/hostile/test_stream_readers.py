"""Readers of streams that nothing satisfies, on a disk that refuses: others have their turn."""

import pytest
from pamqp import commands

from amqp_server.stream_protocol.fields import I32, U8, U32, U64, string, string_map
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import CommandKey
from queues.stream.engine import AGAIN_MS
from queues.stream.memory_log import MemoryStreamLog
from tests.support.frames import method_frame
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer, entry

CHUNKS_COUNT = 2_000
READS_MAX = 4
"""Of a stream's log, in the turn of one small event."""


class Reads:
    """Counts the reads of all logs in memory, and lets them fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.error: OSError | None = None
        read = MemoryStreamLog.read

        def counted(log: MemoryStreamLog, *arguments: int, **named: bool) -> object:
            self.count += 1
            if self.error is not None:
                raise self.error
            return read(log, *arguments, **named)

        monkeypatch.setattr(MemoryStreamLog, "read", counted)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def filled(node: Node) -> StreamPeer:
    """Return a client of a stream with many chunks, each of a message with a filter value."""
    peer = StreamPeer.open(node)
    peer.create("s")
    peer.declare_publisher("s")
    valued = U8.pack(1) + I32.pack(1) + U64.pack(0) + string("v") + entry(b"\x00\x53\x75\xa0\x01m")
    for _ in range(CHUNKS_COUNT):
        peer.send(CommandKey.PUBLISH, valued, version=2)
    peer.receive()
    return peer


ACTIONS: dict[str, bytes] = {
    "declare": method_frame(1, commands.Queue.Declare, queue="s", passive=True),
    "cancel": method_frame(1, commands.Basic.Cancel, consumer_tag="me"),
    "consume": method_frame(1, commands.Basic.Consume, queue="s", consumer_tag="new"),
    "close": method_frame(
        1, commands.Channel.Close, reply_code=200, reply_text="", class_id=0, method_id=0
    ),
    "ack": method_frame(1, commands.Basic.Ack, delivery_tag=0, multiple=True),
    "delete": method_frame(1, commands.Queue.Delete, queue="s"),
}
"""What another client of AMQP does, who consumes the stream too."""


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("speaks_streams", [True, False])
def test_nobody_waits_until_a_reader_has_seen_all_of_a_stream(
    node: Node, filled: StreamPeer, reads: Reads, action: str, speaks_streams: bool
) -> None:
    other = node.open()
    other.send(commands.Basic.Qos, prefetch_count=10)
    other.consume("s")
    other.receive()
    if speaks_streams:
        filled.connection.receive_data(wants_none(), node.now_ms)
        filled.write()  # The first chunk is looked at when the answer has left.
    else:
        reader = node.open()
        reader.send(commands.Basic.Qos, prefetch_count=10)
        arguments = {"x-stream-offset": "first", "x-stream-filter": "none"}
        consume = method_frame(
            1, commands.Basic.Consume, queue="s", consumer_tag="none", arguments=arguments
        )
        reader.connection.receive_data(consume, node.now_ms)
    assert node.broker.end_turn(node.now_ms), "it has not seen all"
    reads.count = 0
    other.connection.receive_data(ACTIONS[action], node.now_ms)
    assert reads.count <= READS_MAX
    node.end_turns()
    assert other.works()


def wants_none() -> bytes:
    """Return a Subscribe that no message satisfies."""
    properties = string_map({"filter.0": "none"})
    body = U32.pack(7) + b"\1" + string("s") + b"\0\1\0\1" + properties
    return frame(CommandKey.SUBSCRIBE, body)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("speaks_streams", [True, False])
def test_a_disk_that_refuses_reads_is_asked_again_in_a_while(
    node: Node,
    filled: StreamPeer,
    reads: Reads,
    speaks_streams: bool,
    version: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    filled.connection.session.deliver_version = version
    reads.error = OSError("too many open files")
    if speaks_streams:
        for number in range(10):
            filled.subscribe("s", number)
    reader = node.open()
    reader.send(commands.Basic.Qos, prefetch_count=10)
    if not speaks_streams:
        for number in range(10):
            reader.send(
                commands.Basic.Consume,
                queue="s",
                consumer_tag=str(number),
                arguments={"x-stream-offset": "first"},
            )
        reader.receive()
    filled.receive()
    assert reads.count <= 20
    assert len(caplog.messages) == 1
    reads.count = 0
    node.advance(AGAIN_MS * 3)
    assert 10 <= reads.count <= 40
    assert len(caplog.messages) <= 4
    reads.error = None
    node.advance(AGAIN_MS)
    if speaks_streams:
        assert {chunk.subscription_id for chunk in filled.chunks()} == set(range(10))
    else:
        assert len(reader.bodies()) == 100
