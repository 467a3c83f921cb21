"""Publishers: declared, publishing, confirmed; and what is stored once."""

from collections.abc import Callable
from typing import Any

import pytest

from amqp_server.broker.alarms import Resource
from amqp_server.stream_protocol.fields import I32, U8, U16, U64, string
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import Code, CommandKey
from amqp_server.stream_protocol.settings import StreamProtocolSettings
from queues.commits import CommitGroup
from queues.stream.memory_log import MemoryStreamLog
from tests.support.commits import FakeCommits
from tests.support.peer import Node
from tests.support.stream_logs import all_messages
from tests.support.stream_peer import (
    Answer,
    StreamPeer,
    confirmed,
    ok,
    publish_body,
    publish_errors,
    refused,
)

DECLARE = CommandKey.DECLARE_PUBLISHER
GONE = U16.pack(Code.STREAM_NOT_AVAILABLE) + string("s")


class LaterLog(MemoryStreamLog):
    """A log whose appends are committed when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = FakeCommits()
        self.commit_group: CommitGroup = self.commits

    def append(self, appended: object, now_ms: int) -> int:
        super().append(appended, now_ms)  # type: ignore[arg-type]
        self.appended_lsn += 1
        return self.appended_lsn


class _Failed:
    """The group of what was refused."""

    committed_lsn = 0

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        del lsn
        call()


class RefusingLog(MemoryStreamLog):
    """A log that appends nothing while the stream is handed over (R22)."""

    def __init__(self) -> None:
        super().__init__()
        self.is_moving = False
        self._committed: Any = self.commit_group

    def append(self, appended: object, now_ms: int) -> int:
        self.commit_group: Any = _Failed() if self.is_moving else self._committed
        if self.is_moving:
            return 1
        return super().append(appended, now_ms)  # type: ignore[arg-type]


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def peer(node: Node) -> StreamPeer:
    peer = StreamPeer.open(node)
    peer.create("s")
    return peer


def stored(node: Node, name: str = "s") -> list[bytes]:
    queue = node.vhost.queues.find(name)
    assert queue is not None
    assert queue.stream is not None
    return [message for _, message in all_messages(queue.stream.log)]


def test_what_is_published_is_stored_in_order_and_confirmed(peer: StreamPeer) -> None:
    assert peer.declare_publisher("s") == ok(DECLARE)
    peer.publish(1, (5, b"one"), (6, b"two"))
    peer.publish(1, (3, b"three"))
    assert peer.receive() == [confirmed(1, 5, 6), confirmed(1, 3)]
    assert stored(peer.node) == [b"one", b"two", b"three"]


def test_an_unknown_publisher_is_an_error_for_each_message(peer: StreamPeer) -> None:
    peer.publish(9, (1, b"a"), (2, b"b"))
    assert peer.receive() == [publish_errors(9, Code.PUBLISHER_DOES_NOT_EXIST, 1, 2)]


def test_a_publisher_needs_a_stream_an_id_of_its_own_and_one_reference_a_stream(
    peer: StreamPeer,
) -> None:
    missing = refused(DECLARE, Code.STREAM_DOES_NOT_EXIST)
    taken = refused(DECLARE, Code.PRECONDITION_FAILED)
    assert peer.declare_publisher("none") == missing
    assert peer.declare_publisher("s", 1, "me") == ok(DECLARE)
    assert peer.declare_publisher("s", 1) == taken
    assert peer.declare_publisher("s", 2, "me") == taken
    assert peer.declare_publisher("s", 2) == ok(DECLARE)
    assert peer.declare_publisher("s", 3) == ok(DECLARE)
    assert peer.declare_publisher("s", 4, "x" * 256) == taken


def test_a_classic_queue_is_no_stream(peer: StreamPeer, node: Node) -> None:
    amqp = node.open()
    from pamqp import commands  # noqa: PLC0415

    amqp.send(commands.Queue.Declare, queue="jobs")
    assert peer.declare_publisher("jobs") == refused(DECLARE, Code.STREAM_DOES_NOT_EXIST)


def test_no_publisher_is_declared_while_a_resource_runs_low(peer: StreamPeer, node: Node) -> None:
    node.broker.alarms.set(Resource.DISK, is_low=True, now_ms=node.now_ms)
    assert peer.declare_publisher("s") == refused(DECLARE, Code.PRECONDITION_FAILED)


def test_a_publish_while_a_resource_runs_low_is_the_last_that_is_read(
    peer: StreamPeer, node: Node
) -> None:
    peer.declare_publisher("s")
    node.broker.alarms.set(Resource.DISK, is_low=True, now_ms=node.now_ms)
    peer.publish(1, (1, b"a"))
    assert not peer.connection.reading.is_wanted
    node.broker.alarms.set(Resource.DISK, is_low=False, now_ms=node.now_ms)
    assert peer.connection.reading.is_wanted


def test_with_a_reference_each_id_is_stored_once(peer: StreamPeer) -> None:
    peer.declare_publisher("s", 1, "me")
    peer.publish(1, (1, b"a"), (2, b"b"))
    peer.publish(1, (2, b"b"), (3, b"c"), (3, b"c"), (1, b"a"), (7, b"d"))
    assert peer.receive() == [confirmed(1, 1, 2), confirmed(1, 2, 3, 3, 1, 7)]
    assert stored(peer.node) == [b"a", b"b", b"c", b"d"]
    answer = peer.ask(CommandKey.QUERY_PUBLISHER_SEQUENCE, string("me"), string("s"))
    assert answer == ok(CommandKey.QUERY_PUBLISHER_SEQUENCE, U64.pack(7))
    answer = peer.ask(CommandKey.QUERY_PUBLISHER_SEQUENCE, string("you"), string("s"))
    assert answer == ok(CommandKey.QUERY_PUBLISHER_SEQUENCE, U64.pack(0))


def test_the_first_frame_of_a_reference_may_hold_an_id_twice(peer: StreamPeer) -> None:
    peer.declare_publisher("s", 1, "me")
    peer.publish(1, (1, b"a"), (1, b"a"))
    assert stored(peer.node) == [b"a"]


def test_without_a_reference_nothing_is_left_out(peer: StreamPeer) -> None:
    peer.declare_publisher("s")
    peer.publish(1, (1, b"a"), (1, b"a"))
    assert stored(peer.node) == [b"a", b"a"]


def test_a_confirm_comes_with_the_commit_and_that_of_a_duplicate_too(
    peer: StreamPeer, node: Node
) -> None:
    queue = node.vhost.queues.find("s")
    assert queue is not None
    assert queue.stream is not None
    log = LaterLog()
    queue.engine.log = log  # type: ignore[attr-defined]
    peer.declare_publisher("s", 1, "me")
    peer.declare_publisher("s", 2)
    peer.publish(1, (1, b"a"))
    peer.publish(1, (1, b"a"))
    peer.publish(2, (8, b"b"))
    assert peer.receive() == []
    log.commits.commit(1)
    assert peer.receive() == [confirmed(1, 1, 1)]
    log.commits.commit(2)
    assert peer.receive() == [confirmed(2, 8)]


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_sequence_is_told_once_what_it_stands_for_is_safe(
    peer: StreamPeer, node: Node, *, is_lost: bool
) -> None:
    """A client goes on behind it, and publishes nothing below it again."""
    queue = node.vhost.queues.find("s")
    assert queue is not None
    log = LaterLog()
    queue.engine.log = log  # type: ignore[attr-defined]
    peer.declare_publisher("s", 1, "me")
    peer.publish(1, (7, b"a"))
    key = CommandKey.QUERY_PUBLISHER_SEQUENCE
    peer.request(key, string("me"), string("s"))
    assert peer.receive() == []
    if is_lost:
        log.commits.fail()
        wanted = refused(key, Code.STREAM_NOT_AVAILABLE, U64.pack(0))
    else:
        log.commits.commit(1)
        wanted = ok(key, U64.pack(7))
    node.end_turns()
    assert wanted in peer.receive()


def refusing(node: Node) -> RefusingLog:
    queue = node.vhost.queues.find("s")
    assert queue is not None
    log = RefusingLog()
    queue.engine.log = log  # type: ignore[attr-defined]
    return log


def test_behind_a_refused_id_nothing_more_of_its_reference_is_taken(
    peer: StreamPeer, node: Node
) -> None:
    log = refusing(node)
    peer.declare_publisher("s", 1, "me")
    peer.publish(1, (5, b"a"))
    assert peer.receive() == [confirmed(1, 5)]
    log.is_moving = True
    peer.publish(1, (6, b"b"))
    log.is_moving = False
    peer.publish(1, (7, b"c"))
    node.end_turns()
    assert Answer(CommandKey.METADATA_UPDATE, GONE) in peer.receive(), "it is to look again"
    assert stored(node) == [b"a"]
    assert peer.declare_publisher("s", 1, "me") == ok(DECLARE)
    peer.publish(1, (6, b"b"), (7, b"c"))
    assert peer.receive() == [confirmed(1, 6, 7)]
    assert stored(node) == [b"a", b"b", b"c"], "else 6 would count as published before"


def test_without_a_reference_a_refused_publish_is_an_error(peer: StreamPeer, node: Node) -> None:
    log = refusing(node)
    peer.declare_publisher("s")
    log.is_moving = True
    peer.publish(1, (1, b"a"))
    log.is_moving = False
    peer.publish(1, (2, b"b"))
    node.end_turns()
    assert sorted(peer.receive()) == sorted(
        [publish_errors(1, Code.STREAM_NOT_AVAILABLE, 1), confirmed(1, 2)]
    )


def test_too_many_unconfirmed_publishes_are_read_no_further(node: Node) -> None:
    peer = StreamPeer.open(node, settings=StreamProtocolSettings(unconfirmed_max=4))
    peer.create("s")
    queue = node.vhost.queues.find("s")
    assert queue is not None
    log = LaterLog()
    queue.engine.log = log  # type: ignore[attr-defined]
    peer.declare_publisher("s")
    peer.publish(1, *[(number, b"a") for number in range(5)])
    peer.publish(1, (9, b"late"))
    assert not peer.connection.reading.is_wanted
    assert log.appended_lsn == 1
    log.commits.commit(1)
    node.end_turns()
    assert log.appended_lsn == 2
    assert peer.connection.reading.is_wanted


def test_a_sub_batch_is_one_entry_with_many_offsets(peer: StreamPeer, node: Node) -> None:
    peer.declare_publisher("s")
    inner = b"\0\0\0\1a\0\0\0\1b"
    batch = b"\x80" + U16.pack(2) + I32.pack(len(inner)) + I32.pack(len(inner)) + inner
    body = U8.pack(1) + I32.pack(1) + U64.pack(4) + batch
    peer.send_bytes(frame(CommandKey.PUBLISH, body))
    assert peer.receive() == [confirmed(1, 4)]
    queue = node.vhost.queues.find("s")
    assert queue is not None
    assert queue.engine.ready_count == 2


@pytest.mark.parametrize(
    "batch",
    [
        b"\x80\0\0\0\0\0\4\0\0\0\0",
        b"\xd0\0\1\0\0\0\4\0\0\0\1x",
        b"\x80\0\2\0\0\0\4\0\0\0\4\0\0\0\0",
        b"\x90\0\1\0\0\0\4\0\0\0\0",
        b"\x80\0\1\x7f\0\0\0\0\0\0\4\0\0\0\0",
    ],
)
def test_a_sub_batch_that_no_chunk_may_have_is_refused_with_all_behind_it(
    peer: StreamPeer, batch: bytes
) -> None:
    peer.declare_publisher("s")
    first, last = publish_body(1, (1, b"a"))[5:], publish_body(1, (3, b"c"))[5:]
    body = U8.pack(1) + I32.pack(3) + first + U64.pack(2) + batch + last
    peer.send_bytes(frame(CommandKey.PUBLISH, body))
    errors = publish_errors(1, Code.PRECONDITION_FAILED, 2, 3)
    assert peer.receive() == [confirmed(1, 1), errors]
    assert stored(peer.node) == [b"a"]


def test_a_publisher_that_is_deleted_is_unknown(peer: StreamPeer) -> None:
    peer.declare_publisher("s")
    assert peer.ask(CommandKey.DELETE_PUBLISHER, U8.pack(1)) == ok(CommandKey.DELETE_PUBLISHER)
    assert peer.ask(CommandKey.DELETE_PUBLISHER, U8.pack(1)) == refused(
        CommandKey.DELETE_PUBLISHER, Code.PUBLISHER_DOES_NOT_EXIST
    )
    peer.publish(1, (1, b"a"))
    assert peer.receive() == [publish_errors(1, Code.PUBLISHER_DOES_NOT_EXIST, 1)]


def test_rights_are_asked_at_declare_and_at_each_publish(node: Node, peer: StreamPeer) -> None:
    node.add_user("reader", "^$", "^$", ".*")
    other = StreamPeer.open(node, "reader")
    assert other.declare_publisher("s") == refused(DECLARE, Code.ACCESS_REFUSED)
    peer.declare_publisher("s")
    node.broker.users.set_permissions("guest", "/", ".*", "^$", ".*")
    peer.publish(1, (1, b"a"))
    assert peer.receive() == [publish_errors(1, Code.ACCESS_REFUSED, 1)]


def test_a_large_frame_becomes_several_appends(peer: StreamPeer, node: Node) -> None:
    peer.declare_publisher("s")
    count = 70_000
    octets = publish_body(1, *[(number, b"") for number in range(count)])
    peer.send_bytes(frame(CommandKey.PUBLISH, octets))
    queue = node.vhost.queues.find("s")
    assert queue is not None
    assert queue.engine.ready_count == count
