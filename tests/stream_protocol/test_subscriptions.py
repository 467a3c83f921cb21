"""Subscriptions: chunks, credit, filters, and the end of a stream."""

import pytest
from pamqp import commands

from amqp_server.stream_protocol.fields import U8, U16, U32, U64, string
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import RESPONSE, Code, CommandKey
from tests.support.peer import Node
from tests.support.stream_peer import Answer, StreamPeer, at_offset, ok, publish_each, refused

SUBSCRIBE = CommandKey.SUBSCRIBE
FIRST, LAST, NEXT = (U16.pack(number) for number in (1, 2, 3))


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def peer(node: Node) -> StreamPeer:
    peer = StreamPeer.open(node)
    peer.create("s")
    peer.declare_publisher("s")
    return peer


def test_the_answer_comes_before_the_first_chunk(peer: StreamPeer) -> None:
    publish_each(peer, b"one")
    peer.subscribe("s")
    written = peer.write()
    assert written == frame(*ok(SUBSCRIBE)), "a write without the chunk"
    (deliver,) = peer.receive()
    assert deliver.key == CommandKey.DELIVER


def test_a_credit_is_a_chunk(peer: StreamPeer) -> None:
    publish_each(peer, b"0", b"1", b"2", b"3")
    peer.subscribe("s", credit=2)
    assert [chunk.messages for chunk in peer.chunks()] == [[b"0"], [b"1"]]
    peer.send(CommandKey.CREDIT, U8.pack(1), U16.pack(1))
    assert [chunk.messages for chunk in peer.chunks()] == [[b"2"]]
    peer.send(CommandKey.CREDIT, U8.pack(1), U16.pack(5))
    publish_more = peer.chunks()
    assert [chunk.messages for chunk in publish_more] == [[b"3"]]
    peer.publish(1, (0, b"4"))
    assert [chunk.messages for chunk in peer.chunks()] == [[b"4"]]


@pytest.mark.parametrize(
    ("spec", "messages"),
    [
        (FIRST, [b"0", b"1", b"2"]),
        (LAST, [b"2"]),
        (NEXT, []),
        (at_offset(1), [b"1", b"2"]),
        (at_offset(99), []),
        (U16.pack(5) + U64.pack(0), [b"0", b"1", b"2"]),
    ],
)
def test_where_it_begins(peer: StreamPeer, spec: bytes, messages: list[bytes]) -> None:
    publish_each(peer, b"0", b"1", b"2")
    peer.subscribe("s", spec=spec)
    assert [message for chunk in peer.chunks() for message in chunk.messages] == messages


def test_refusals(peer: StreamPeer, node: Node) -> None:
    peer.subscribe("none")
    assert peer.receive() == [refused(SUBSCRIBE, Code.STREAM_DOES_NOT_EXIST)]
    peer.subscribe("s")
    peer.subscribe("s")
    assert peer.receive() == [
        ok(SUBSCRIBE),
        refused(SUBSCRIBE, Code.SUBSCRIPTION_ID_ALREADY_EXISTS),
    ]
    node.add_user("writer", "^$", ".*", "^$")
    other = StreamPeer.open(node, "writer")
    other.subscribe("s")
    assert other.receive() == [refused(SUBSCRIBE, Code.ACCESS_REFUSED)]


def test_a_subscription_of_no_place_is_no_command(peer: StreamPeer) -> None:
    peer.subscribe("s", spec=U16.pack(0))
    (answer,) = peer.receive()
    assert answer.key == CommandKey.CLOSE


def test_unsubscribe(peer: StreamPeer) -> None:
    peer.subscribe("s", spec=NEXT)
    peer.receive()
    key = CommandKey.UNSUBSCRIBE
    assert peer.ask(key, U8.pack(1)) == ok(key)
    assert peer.ask(key, U8.pack(1)) == refused(key, Code.SUBSCRIPTION_ID_DOES_NOT_EXIST)
    peer.publish(1, (0, b"0"))
    assert peer.chunks() == []


def test_credit_for_nobody_is_answered_with_an_error(peer: StreamPeer) -> None:
    peer.send(CommandKey.CREDIT, U8.pack(7), U16.pack(1))
    body = U16.pack(Code.SUBSCRIPTION_ID_DOES_NOT_EXIST) + U8.pack(7)
    assert peer.receive() == [Answer(CommandKey.CREDIT | RESPONSE, body)]


def test_the_end_of_a_stream_is_told_once_and_ends_what_it_had(
    peer: StreamPeer, node: Node
) -> None:
    peer.subscribe("s", 1)
    peer.subscribe("s", 2)
    peer.receive()
    other = StreamPeer.open(node)
    assert other.ask(CommandKey.DELETE, string("s")) == ok(CommandKey.DELETE)
    told = Answer(CommandKey.METADATA_UPDATE, U16.pack(Code.STREAM_NOT_AVAILABLE) + string("s"))
    assert peer.receive() == [told]
    key = CommandKey.UNSUBSCRIBE
    assert peer.ask(key, U8.pack(1)) == refused(key, Code.SUBSCRIPTION_ID_DOES_NOT_EXIST)


def test_a_connection_that_ends_leaves_nothing_behind(peer: StreamPeer, node: Node) -> None:
    peer.subscribe("s")
    queue = node.vhost.queues.find("s")
    assert queue is not None
    assert len(queue.watchers) == 1
    peer.connection.lose(node.now_ms)
    node.end_turns()
    assert queue.watchers == {}
    amqp = node.open()
    amqp.publish(b"later", routing_key="s")
    assert peer.connection.data_to_send() == []


def test_an_amqp_publisher_is_read_by_a_stream_client(peer: StreamPeer, node: Node) -> None:
    amqp = node.open()
    amqp.publish(b"hello", routing_key="s")
    peer.subscribe("s")
    (chunk,) = peer.chunks()
    assert chunk.messages[0].endswith(b"\x00\x53\x75\xa0\x05hello")


def test_an_amqp_reader_reads_what_a_stream_client_publishes(peer: StreamPeer, node: Node) -> None:
    publish_each(peer, b"\x00\x53\x75\xa0\x05hello")
    amqp = node.open()
    amqp.send(commands.Basic.Qos, prefetch_count=10)
    amqp.receive()
    amqp.send(
        commands.Basic.Consume, queue="s", consumer_tag="c", arguments={"x-stream-offset": "first"}
    )
    assert [each.body for each in amqp.receive()][-1] == b"hello"


def test_frames_of_one_read_are_all_carried_out(peer: StreamPeer) -> None:
    publish_each(peer, b"0", b"1", b"2")
    body = U32.pack(7) + U8.pack(1) + string("s") + FIRST + U16.pack(1)
    credit = frame(CommandKey.CREDIT, U8.pack(1) + U16.pack(1))
    peer.send_bytes(frame(SUBSCRIBE, body) + credit * 2)
    assert len(peer.chunks()) == 3
