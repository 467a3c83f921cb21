"""Single active consumers: who is told to read, and what follows the answer."""

from typing import Any, cast

import pytest

from amqp_server.broker.groups import single_active
from amqp_server.broker.groups.single_active import Groups
from amqp_server.broker.stream_numbers import BEGIN
from amqp_server.stream_protocol.fields import U8, U16, U32, U64, string, string_map, strings
from amqp_server.stream_protocol.keys import RESPONSE, Code, CommandKey
from tests.support.fake_cluster import FakeCluster
from tests.support.peer import Node
from tests.support.stream_peer import Answer, StreamPeer, ok, refused

UPDATE = CommandKey.CONSUMER_UPDATE
NONE, FIRST = U16.pack(0), U16.pack(1)
SAC = {"single-active-consumer": "true", "name": "app"}


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def groups() -> Groups:
    return Groups()


@pytest.fixture
def publisher(node: Node) -> StreamPeer:
    peer = StreamPeer.open(node)
    peer.create("s")
    peer.declare_publisher("s")
    peer.publish(1, (0, b"0"))
    peer.publish(1, (0, b"1"))
    peer.receive()
    return peer


def updates(peer: StreamPeer) -> list[tuple[int, int, bool]]:
    """Return correlation id, subscription and whether it is active, of each ConsumerUpdate."""
    return [
        (int.from_bytes(each.body[:4], "big"), each.body[4], bool(each.body[5]))
        for each in peer.receive()
        if each.key == UPDATE
    ]


def answer(peer: StreamPeer, correlation_id: int, spec: bytes = NONE) -> None:
    peer.send(UPDATE | RESPONSE, U32.pack(correlation_id), U16.pack(Code.OK), spec)


def join(
    peer: StreamPeer, stream: str = "s", number: int = 1, super_stream: str | None = None
) -> None:
    more = {} if super_stream is None else {"super-stream": super_stream}
    peer.subscribe(stream, number, properties={**SAC, **more})


def test_the_first_is_active_and_the_next_waits(
    publisher: StreamPeer, node: Node, groups: Groups
) -> None:
    one, two = (StreamPeer.open(node, groups=groups) for _ in range(2))
    join(one)
    assert [one.receive()[0]] == [ok(CommandKey.SUBSCRIBE)]
    join(two)
    assert [(number, active) for _, number, active in updates(two)] == [(1, False)]


def test_nothing_is_sent_before_the_answer_and_its_place_counts(
    publisher: StreamPeer, node: Node, groups: Groups
) -> None:
    one = StreamPeer.open(node, groups=groups)
    join(one)
    ((correlation_id, _, active),) = updates(one)
    assert active
    assert one.chunks() == []
    answer(one, correlation_id, U16.pack(4) + U64.pack(1))
    assert [chunk.messages for chunk in one.chunks()] == [[b"1"]]


def test_octets_behind_the_answer_are_ignored(
    publisher: StreamPeer, node: Node, groups: Groups
) -> None:
    one = StreamPeer.open(node, groups=groups)
    join(one)
    ((correlation_id, _, _),) = updates(one)
    answer(one, correlation_id, FIRST + U64.pack(0))
    assert len(one.chunks()) == 2


def test_the_next_takes_over_when_the_active_one_leaves(
    publisher: StreamPeer, node: Node, groups: Groups
) -> None:
    one, two = (StreamPeer.open(node, groups=groups) for _ in range(2))
    join(one)
    ((first, _, _),) = updates(one)
    answer(one, first)
    join(two)
    ((waiting, _, _),) = updates(two)
    answer(two, waiting)
    one.connection.lose(node.now_ms)
    node.end_turns()
    ((second, _, active),) = updates(two)
    assert active
    answer(two, second)
    assert len(two.chunks()) == 2


def test_credit_for_one_that_waits_is_kept_and_answered_with_an_error(
    publisher: StreamPeer, node: Node, groups: Groups
) -> None:
    one, two = (StreamPeer.open(node, groups=groups) for _ in range(2))
    join(one)
    join(two)
    two.receive()
    two.send(CommandKey.CREDIT, U8.pack(1), U16.pack(5))
    body = U16.pack(Code.PRECONDITION_FAILED) + U8.pack(1)
    assert two.receive() == [Answer(CommandKey.CREDIT | RESPONSE, body)]


def test_a_group_needs_a_name(publisher: StreamPeer, node: Node) -> None:
    for name in ("", "x" * 256):
        publisher.subscribe("s", properties={**SAC, "name": name})
        key = CommandKey.SUBSCRIBE
        assert publisher.receive() == [refused(key, Code.PRECONDITION_FAILED)]


def test_partitions_are_shared_out(publisher: StreamPeer, node: Node, groups: Groups) -> None:
    names = ["o-0", "o-1"]
    publisher.request(
        CommandKey.CREATE_SUPER_STREAM,
        string("o"),
        strings(names),
        strings(["0", "1"]),
        string_map({}),
    )
    one, two = (StreamPeer.open(node, groups=groups) for _ in range(2))
    for number, name in enumerate(names):
        join(one, name, number, super_stream="o")
    told = updates(one)
    assert [(number, active) for _, number, active in told] == [(0, True), (1, True)]
    for correlation_id, _, _ in told:
        answer(one, correlation_id)
    for number, name in enumerate(names):
        join(two, name, number, super_stream="o")
    assert [(number, active) for _, number, active in updates(two)] == [(0, False), (1, False)]
    ((correlation_id, number, active),) = updates(one)
    assert (number, active) == (1, False), "partition 1 goes to the second of two"
    assert updates(two) == [], "not before the first has answered"
    answer(one, correlation_id)
    assert [(number, active) for _, number, active in updates(two)] == [(1, True)]


def test_who_has_to_stop_gets_nothing_more_when_its_client_reads_on(
    publisher: StreamPeer, node: Node, groups: Groups
) -> None:
    names, keys = strings(["o-0", "o-1"]), strings(["0", "1"])
    publisher.request(CommandKey.CREATE_SUPER_STREAM, string("o"), names, keys, string_map({}))
    publisher.receive()
    publisher.declare_publisher("o-1", 2)
    for _ in range(9):
        publisher.publish(2, (0, bytes(1_000)))
    one = StreamPeer.open(node, groups=groups, output_max_bytes=1_500)
    two = StreamPeer.open(node, groups=groups)
    join(one, "o-1", super_stream="o")
    ((correlation_id, _, _),) = updates(one)
    answer(one, correlation_id, FIRST)
    join(two, "o-1", super_stream="o")
    got = [each.key for each in one.receive()]
    assert 0 < got.index(UPDATE) < 9, "the output was full"
    assert got[-1] == UPDATE


def test_an_answer_that_does_not_come_ends_the_connection(
    publisher: StreamPeer, node: Node, groups: Groups
) -> None:
    one = StreamPeer.open(node, groups=groups)
    join(one)
    due_ms = one.connection.next_deadline_ms()
    assert due_ms == node.now_ms + 60_000
    one.connection.on_deadline(due_ms)
    assert one.connection.life.is_closed


# ── at a mirror ──


class Mirror:
    """The engine of a stream that another node leads, and that is read here."""

    answers_at_once = gives_at_once = False
    here = None

    def __init__(self, engine: object) -> None:
        self._engine = engine

    def engine_to_read(self) -> object:
        return self._engine


@pytest.fixture
def cluster(publisher: StreamPeer, node: Node) -> FakeCluster:
    """A cluster in which another node leads ``s``; two messages are here by now."""
    cluster = FakeCluster(node.broker.settings.node_name, "b")
    queue = node.vhost.queues.find("s")
    assert queue is not None
    queue.asked = cast("Any", Mirror(queue.stream))
    node.broker.cluster = cluster
    return cluster


def test_who_becomes_active_at_a_mirror_begins_where_it_would_at_the_leader(
    cluster: FakeCluster, node: Node, groups: Groups
) -> None:
    one = StreamPeer.open(node, groups=groups)
    join(one)
    ((correlation_id, _, _),) = updates(one)
    cluster.numbers["/", "s", BEGIN, b"NEXT 0"] = (1,)
    cluster.is_slow = True
    answer(one, correlation_id, U16.pack(3))
    assert one.chunks() == [], "the leader has not said where it begins"
    cluster.answer_all()
    assert [chunk.messages for chunk in one.chunks()] == [[b"1"]]


def test_what_is_known_at_a_mirror_is_not_asked_for(
    cluster: FakeCluster, node: Node, groups: Groups
) -> None:
    cluster.is_away = True
    one = StreamPeer.open(node, groups=groups)
    join(one)
    ((correlation_id, _, _),) = updates(one)
    answer(one, correlation_id, U16.pack(4) + U64.pack(1))
    assert [chunk.messages for chunk in one.chunks()] == [[b"1"]]


def test_who_has_to_stop_while_the_leader_is_asked_does_not_begin(
    cluster: FakeCluster, node: Node, groups: Groups
) -> None:
    one, two = (StreamPeer.open(node, groups=groups) for _ in range(2))
    join(one)
    ((correlation_id, _, _),) = updates(one)
    cluster.numbers["/", "s", BEGIN, b"NEXT 0"] = (0,)
    cluster.is_slow = True
    answer(one, correlation_id, U16.pack(3))
    join(two)
    one.connection.lose(node.now_ms)
    node.end_turns()
    cluster.answer_all()
    node.end_turns()
    told = updates(two)
    assert [active for _, _, active in told] == [False, True]
    # Its answer to what it was told first does not make it begin.
    answer(two, told[0][0], FIRST)
    assert two.chunks() == []
    answer(two, told[1][0], FIRST)
    assert len(two.chunks()) == 2


def test_one_more_than_a_group_takes_is_refused(
    publisher: StreamPeer, node: Node, groups: Groups, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_active, "GROUP_MEMBERS_MAX", 1)
    one, two = (StreamPeer.open(node, groups=groups) for _ in range(2))
    join(one)
    join(two)
    assert two.receive() == [refused(CommandKey.SUBSCRIBE, Code.PRECONDITION_FAILED)]
    one.connection.lose(node.now_ms)
    node.end_turns()
    join(two)
    assert two.receive()[0] == ok(CommandKey.SUBSCRIBE)
