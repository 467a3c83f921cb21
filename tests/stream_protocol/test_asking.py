"""What clients ask of a stream that another node leads, and what they store there."""

from typing import Any, cast

import pytest

from amqp_server.broker.stream_numbers import CHUNKS, PUBLISHING_ID, STORED_OFFSET
from amqp_server.stream_protocol.fields import I32, I64, U8, U64, string
from amqp_server.stream_protocol.keys import Code, CommandKey
from tests.support.fake_cluster import FakeCluster
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer, ok, refused

OFFSET, SEQUENCE = CommandKey.QUERY_OFFSET, CommandKey.QUERY_PUBLISHER_SEQUENCE
STATS = CommandKey.STREAM_STATS
ZERO = U64.pack(0)


class Elsewhere:
    """The engine of a stream that another node leads."""

    here = None
    answers_at_once = gives_at_once = False

    def engine_to_read(self) -> None:
        """No mirror is on this node."""


@pytest.fixture
def cluster() -> FakeCluster:
    cluster = FakeCluster("a", "b")
    cluster.put("s", "b", "a", kind="stream")
    return cluster


@pytest.fixture
def peer(cluster: FakeCluster) -> StreamPeer:
    """A client of node a; b leads the stream."""
    node = Node()
    peer = StreamPeer.open(node)
    peer.create("s")
    node.broker.cluster = cluster
    queue = node.vhost.queues.find("s")
    assert queue is not None
    queue.asked = cast("Any", Elsewhere())
    return peer


def figures(first: int, last: int) -> bytes:
    values = {"first_chunk_id": first, "committed_chunk_id": last, "last_chunk_id": last}
    return I32.pack(3) + b"".join(string(key) + I64.pack(value) for key, value in values.items())


def test_the_leader_is_asked(peer: StreamPeer, cluster: FakeCluster) -> None:
    cluster.numbers["/", "s", STORED_OFFSET, b"me"] = (41,)
    cluster.numbers["/", "s", PUBLISHING_ID, b"p"] = (7,)
    cluster.numbers["/", "s", CHUNKS, b""] = (0, 12)
    assert peer.ask(OFFSET, string("me"), string("s")) == ok(OFFSET, U64.pack(41))
    assert peer.ask(SEQUENCE, string("p"), string("s")) == ok(SEQUENCE, U64.pack(7))
    assert peer.ask(STATS, string("s")) == ok(STATS, figures(0, 12))


def test_what_the_leader_does_not_have(peer: StreamPeer, cluster: FakeCluster) -> None:
    cluster.numbers["/", "s", STORED_OFFSET, b"me"] = (None,)
    cluster.numbers["/", "s", PUBLISHING_ID, b"p"] = (None,)
    cluster.numbers["/", "s", CHUNKS, b""] = (None, None)
    none = refused(OFFSET, Code.NO_OFFSET, ZERO)
    assert peer.ask(OFFSET, string("me"), string("s")) == none
    assert peer.ask(SEQUENCE, string("p"), string("s")) == ok(SEQUENCE, ZERO)
    assert peer.ask(STATS, string("s")) == ok(STATS, figures(-1, -1))


def test_a_leader_that_does_not_answer(peer: StreamPeer, cluster: FakeCluster) -> None:
    cluster.is_away = True
    away = Code.STREAM_NOT_AVAILABLE
    assert peer.ask(OFFSET, string("me"), string("s")) == refused(OFFSET, away, ZERO)
    assert peer.ask(SEQUENCE, string("p"), string("s")) == refused(SEQUENCE, away, ZERO)
    assert peer.ask(STATS, string("s")) == refused(STATS, away)


def test_requests_behind_a_question_wait_for_its_answer(
    peer: StreamPeer, cluster: FakeCluster
) -> None:
    cluster.is_slow = True
    cluster.numbers["/", "s", STORED_OFFSET, b"me"] = (41,)
    peer.request(OFFSET, string("me"), string("s"))
    peer.request(CommandKey.DELETE_PUBLISHER, U8.pack(1))
    assert peer.receive() == []
    cluster.answer_all()
    gone = refused(CommandKey.DELETE_PUBLISHER, Code.PUBLISHER_DOES_NOT_EXIST)
    assert peer.receive() == [ok(OFFSET, U64.pack(41)), gone]


def test_an_offset_is_stored_at_the_leader(peer: StreamPeer, cluster: FakeCluster) -> None:
    peer.send(CommandKey.STORE_OFFSET, string("me"), string("s"), U64.pack(41))
    assert cluster.numbers == {("/", "s", STORED_OFFSET, b"me"): (41,)}


def test_publishers_and_subscriptions_are_for_the_leaders_node(peer: StreamPeer) -> None:
    away = Code.STREAM_NOT_AVAILABLE
    declare, subscribe = CommandKey.DECLARE_PUBLISHER, CommandKey.SUBSCRIBE
    assert peer.declare_publisher("s") == refused(declare, away)
    peer.subscribe("s")
    assert peer.receive() == [refused(subscribe, away)]
    resolve = CommandKey.RESOLVE_OFFSET_SPEC
    assert peer.ask(resolve, string("s"), b"\0\1") == refused(resolve, away)


def test_a_stream_that_this_node_is_about_to_lead_is_waited_for(
    peer: StreamPeer, cluster: FakeCluster
) -> None:
    cluster.is_slow = True
    peer.request(CommandKey.DECLARE_PUBLISHER, U8.pack(1), string(""), string("s"))
    assert peer.receive() == []
    queue = peer.node.vhost.queues.find("s")
    assert queue is not None
    queue.asked = None
    cluster.answer_all()
    assert peer.receive() == [ok(CommandKey.DECLARE_PUBLISHER)]
