"""What no channel counts: what goes through the stream protocol."""

from amqp_server.broker.protocol_counts import STREAM, ProtocolCounters, ProtocolCounts
from amqp_server.stream_protocol.fields import U8, string
from amqp_server.stream_protocol.keys import Code, CommandKey
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer, at_offset, refused


def stream_counts(node: Node) -> ProtocolCounts:
    return node.broker.protocols[STREAM].counts()


def test_errors_are_counted_by_their_code() -> None:
    counters = ProtocolCounters()
    counters.note_error("NO")
    before = counters.counts()
    counters.note_error("NO")
    assert (before.errors, counters.counts().errors) == ({"NO": 1}, {"NO": 2})


def test_messages_of_streams_are_counted_on_both_ways() -> None:
    node = Node()
    peer = StreamPeer.open(node)
    peer.create("s")
    peer.declare_publisher("s")
    peer.publish(1, (1, b"a"), (2, b"b"))
    peer.subscribe("s", spec=at_offset(0))
    assert len(peer.chunks()) == 1
    counts = stream_counts(node)
    assert (counts.received, counts.with_confirm, counts.routed, counts.confirmed) == (2, 2, 2, 2)
    assert (counts.delivered, counts.publishers, counts.consumers) == (2, 1, 1)


def test_publishers_and_consumers_are_those_that_are_there() -> None:
    node = Node()
    peer, other = StreamPeer.open(node), StreamPeer.open(node)
    peer.create("s")
    for each in (peer, other):
        each.receive()
        each.declare_publisher("s")
        each.subscribe("s", spec=at_offset(0))
    assert (stream_counts(node).publishers, stream_counts(node).consumers) == (2, 2)
    peer.request(CommandKey.DELETE_PUBLISHER, U8.pack(1))
    peer.request(CommandKey.UNSUBSCRIBE, U8.pack(1))
    assert (stream_counts(node).publishers, stream_counts(node).consumers) == (1, 1)
    peer.receive()
    peer.declare_publisher("s", 2)
    other.connection.receive_eof(node.now_ms)
    node.end_turns()
    assert (stream_counts(node).publishers, stream_counts(node).consumers) == (1, 0)
    peer.request(CommandKey.DELETE, string("s"))
    node.end_turns()
    assert (stream_counts(node).publishers, stream_counts(node).consumers) == (0, 0)


def test_a_refused_request_is_an_error_of_its_code() -> None:
    node = Node()
    peer = StreamPeer.open(node)
    peer.receive()
    assert peer.ask(CommandKey.DELETE, string("s")) == refused(
        CommandKey.DELETE, Code.STREAM_DOES_NOT_EXIST
    )
    peer.publish(9, (1, b"a"))
    assert stream_counts(node).errors == {
        "STREAM_DOES_NOT_EXIST": 1,
        "PUBLISHER_DOES_NOT_EXIST": 1,
    }
    assert stream_counts(node).received == 0
