"""A stream that this node leads no more: its clients are told, and nothing more is confirmed."""

from typing import Any, cast

import pytest

from amqp_server.broker.led_elsewhere import tell_led_elsewhere, tell_led_here
from amqp_server.broker.queue import Queue
from amqp_server.stream_protocol.fields import U16, string
from amqp_server.stream_protocol.keys import Code, CommandKey
from queues.ports import EngineParts
from queues.stream.engine import StreamEngine
from queues.stream.mirror_stream import MirrorStream
from tests.support.peer import Node
from tests.support.stream_peer import Answer, StreamPeer, confirmed, ok, publish_errors, refused

UPDATE = Answer(CommandKey.METADATA_UPDATE, U16.pack(Code.STREAM_NOT_AVAILABLE) + string("s"))


class Led:
    """The engine of a stream that may be led on another node."""

    answers_at_once = gives_at_once = False

    def __init__(self, here: object) -> None:
        self.here = here

    def engine_to_read(self) -> object:
        return self.here


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def peer(node: Node) -> StreamPeer:
    """A client that publishes to a stream and reads from it."""
    peer = StreamPeer.open(node)
    peer.create("s")
    peer.declare_publisher("s")
    peer.subscribe("s", credit=1)
    peer.receive()
    return peer


def stream_of(node: Node) -> Queue:
    queue = node.vhost.queues.find("s")
    assert queue is not None
    return queue


def lead(node: Node, here: object) -> None:
    stream_of(node).asked = cast("Any", Led(here))


def test_publishers_and_subscriptions_end_with_one_word(peer: StreamPeer, node: Node) -> None:
    lead(node, None)
    tell_led_elsewhere(node.broker, "/", "s")
    node.end_turns()
    assert peer.receive() == [UPDATE]
    assert stream_of(node).watchers == {}
    engine: Any = stream_of(node).engine
    assert engine.subscription_count == 0
    peer.publish(1, (1, b"m"))
    assert peer.receive() == [publish_errors(1, Code.PUBLISHER_DOES_NOT_EXIST, 1)]
    tell_led_elsewhere(node.broker, "/", "s")
    node.end_turns()
    assert peer.receive() == []


def test_who_has_not_been_told_yet_publishes_nothing(peer: StreamPeer, node: Node) -> None:
    engine: Any = stream_of(node).engine
    lead(node, None)
    peer.publish(1, (1, b"m"))
    assert peer.receive() == [publish_errors(1, Code.STREAM_NOT_AVAILABLE, 1)]
    # Another engine of the same stream: this node leads it anew.
    lead(node, object())
    peer.publish(1, (2, b"m"))
    assert peer.receive() == [publish_errors(1, Code.STREAM_NOT_AVAILABLE, 2)]
    assert engine.log.next_offset == 0
    lead(node, engine)
    peer.publish(1, (3, b"m"))
    assert confirmed(1, 3) in peer.receive()


def test_a_stream_that_comes_back_is_used_again(peer: StreamPeer, node: Node) -> None:
    engine = stream_of(node).engine
    lead(node, None)
    tell_led_elsewhere(node.broker, "/", "s")
    node.end_turns()
    peer.receive()
    lead(node, engine)
    declare = CommandKey.DECLARE_PUBLISHER
    assert peer.declare_publisher("s") == ok(declare)
    assert len(stream_of(node).watchers) == 1
    peer.publish(1, (1, b"m"))
    assert peer.receive() == [confirmed(1, 1)]


def test_readers_of_a_mirror_go_on_at_the_leader_that_is_here_now(
    peer: StreamPeer, node: Node
) -> None:
    queue = stream_of(node)
    before: Any = queue.stream
    parts = EngineParts("s", before.options, before.log, lambda _: None, lambda: None, 1)
    after = StreamEngine(parts)
    lead(node, after)
    tell_led_here(node.broker, "/", "s")
    node.end_turns()
    assert (before.subscription_count, after.subscription_count) == (0, 1)
    assert peer.receive() == [], "its client need not know"
    lead(node, None)
    tell_led_here(node.broker, "/", "s")
    node.end_turns()
    assert peer.receive() == [UPDATE], "it is led here no more already"


def test_a_mirror_whose_reader_was_refused_is_let_go_of(peer: StreamPeer, node: Node) -> None:
    before: Any = stream_of(node).stream
    parts = EngineParts("s", before.options, before.log, lambda _: None, lambda: None, 1)
    mirror, unread = MirrorStream(parts), list[int]()
    mirror.on_unread = lambda: unread.append(1)
    lead(node, mirror)
    peer.subscribe("s")
    assert peer.receive() == [
        refused(CommandKey.SUBSCRIBE, Code.SUBSCRIPTION_ID_ALREADY_EXISTS),
    ]
    assert unread == [1]
    other = StreamPeer.open(node)
    other.subscribe("s", credit=0)
    assert other.receive() == [ok(CommandKey.SUBSCRIBE)]
    other.subscribe("s", credit=0)
    other.receive()
    assert unread == [1], "it has a reader now"
