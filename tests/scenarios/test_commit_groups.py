"""Queues of two commit groups, of which one is slow: who waits for it, and who does not."""

from collections.abc import Iterable

import pytest
from pamqp import commands

from amqp_server.broker.queue import QueueIdentity
from amqp_server.wire.methods import Method
from queues.memory_log import MemoryLog
from tests.support.commits import FakeDisk, FakeLog
from tests.support.frames import (
    METHOD,
    content_frames,
    frame,
    property_list,
    publish_payload,
)
from tests.support.peer import Client, Node

PERSISTENT = property_list(delivery_mode=2)


class Disks(FakeDisk):
    """The node's disk, and ``slow``, which has the queues whose names begin so."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = FakeDisk()

    def make_log(self, queue: QueueIdentity) -> MemoryLog:
        if queue.name.startswith("slow"):
            return FakeLog(self.slow)
        return super().make_log(queue)


@pytest.fixture
def disks() -> Disks:
    return Disks()


@pytest.fixture
def peer(disks: Disks) -> Client:
    """A client; ``fast`` and ``slow`` are bound to amq.fanout too."""
    node = Node(disk=disks)
    disks.commit_all()
    made = node.open()
    for name in ("fast", "slow"):
        made.send(commands.Queue.Declare, queue=name, durable=True)
        disks.commit_all()
        made.expect(commands.Queue.DeclareOk)
        bind(made, disks, name, "amq.fanout")
    return made


def bind(peer: Client, disks: Disks, name: str, exchange: str, key: str = "") -> None:
    peer.send(commands.Queue.Bind, queue=name, exchange=exchange, routing_key=key)
    disks.commit_all()
    peer.expect(commands.Queue.BindOk)


def confirming(peer: Client) -> None:
    peer.send(commands.Confirm.Select)
    peer.expect(commands.Confirm.SelectOk)


def publish(peer: Client, *keys: str, exchange: str = "") -> None:
    """Publish a persistent message to each of these, in one read."""
    content = content_frames(1, b"x", PERSISTENT)
    frames = [frame(METHOD, 1, publish_payload(exchange, key)) + content for key in keys]
    peer.send_bytes(b"".join(frames))


def said(methods: Iterable[Method]) -> list[tuple[str, int, bool]]:
    """Return acks and nacks as they came."""
    told = []
    for method in methods:
        assert isinstance(method, commands.Basic.Ack | commands.Basic.Nack)
        told.append((method.name, method.delivery_tag, bool(method.multiple)))
    return told


def ack(tag: int, *, multiple: bool = False) -> tuple[str, int, bool]:
    return "Basic.Ack", tag, multiple


def nack(tag: int) -> tuple[str, int, bool]:
    return "Basic.Nack", tag, False


def test_what_the_slow_group_has_keeps_nothing_else_waiting(peer: Client, disks: Disks) -> None:
    confirming(peer)
    for key in ("fast", "slow", "fast", "slow", "fast"):
        publish(peer, key)
    assert said(peer.methods()) == []
    disks.commit_all()
    assert said(peer.methods()) == [ack(1), ack(3), ack(5)]
    disks.slow.commit(1)
    assert said(peer.methods()) == [ack(2)]
    disks.slow.commit_all()
    assert said(peer.methods()) == [ack(4)]


def test_nor_in_a_burst(peer: Client, disks: Disks) -> None:
    confirming(peer)
    publish(peer, "fast", "slow", "slow", "fast", "nowhere", "fast")
    assert said(peer.methods()) == [ack(5)]
    disks.commit_all()
    assert said(peer.methods()) == [ack(1), ack(4), ack(6)]
    disks.slow.commit_all()
    assert said(peer.methods()) == [ack(3, multiple=True)]


@pytest.mark.parametrize("slow_is_last", [True, False])
def test_what_goes_to_both_waits_for_both(peer: Client, disks: Disks, slow_is_last: bool) -> None:
    confirming(peer)
    publish(peer, "", exchange="amq.fanout")
    publish(peer, "", exchange="amq.fanout")
    first, last = (disks, disks.slow) if slow_is_last else (disks.slow, disks)
    first.commit_all()
    assert said(peer.methods()) == []
    last.commit(last.last_lsn - 1)
    assert said(peer.methods()) == [ack(1)]
    last.commit_all()
    assert said(peer.methods()) == [ack(2)]


def test_a_burst_of_which_some_go_to_both(peer: Client, disks: Disks) -> None:
    bind(peer, disks, "fast", "amq.direct", "fast")
    bind(peer, disks, "fast", "amq.direct", "both")
    bind(peer, disks, "slow", "amq.direct", "both")
    confirming(peer)
    publish(peer, "fast", "both", "fast", exchange="amq.direct")
    disks.slow.commit_all()
    assert said(peer.methods()) == []
    disks.commit_all()
    assert said(peer.methods()) == [ack(3, multiple=True)]


def test_a_group_that_fails_nacks_what_waits_for_it_and_nothing_else(
    peer: Client, disks: Disks
) -> None:
    confirming(peer)
    publish(peer, "fast")
    publish(peer, "slow")
    publish(peer, "", exchange="amq.fanout")
    publish(peer, "slow")
    disks.slow.fail()
    assert said(peer.methods()) == [nack(2), nack(3), nack(4)]
    disks.commit_all()
    assert said(peer.methods()) == [ack(1)]
    publish(peer, "slow")
    assert said(peer.methods()) == [nack(5)]
    publish(peer, "fast")
    disks.commit_all()
    assert said(peer.methods()) == [ack(6)]


def test_what_a_group_had_committed_before_it_failed_stays_confirmed(
    peer: Client, disks: Disks
) -> None:
    confirming(peer)
    publish(peer, "slow")
    publish(peer, "slow")
    disks.slow.commit(1)
    disks.slow.fail()
    assert said(peer.methods()) == [ack(1), nack(2)]


@pytest.mark.parametrize("slow_is_last", [True, False])
def test_tx_commit_ok_waits_for_both(peer: Client, disks: Disks, slow_is_last: bool) -> None:
    peer.send(commands.Tx.Select)
    peer.expect(commands.Tx.SelectOk)
    publish(peer, "slow", "fast")
    peer.send(commands.Tx.Commit)
    first, last = (disks, disks.slow) if slow_is_last else (disks.slow, disks)
    first.commit_all()
    assert peer.methods() == []
    last.commit_all()
    peer.expect(commands.Tx.CommitOk)


def test_a_commit_of_which_a_group_fails_is_answered_as_one_that_a_queue_refused(
    peer: Client, disks: Disks
) -> None:
    peer.send(commands.Tx.Select)
    peer.expect(commands.Tx.SelectOk)
    publish(peer, "slow", "fast")
    peer.send(commands.Tx.Commit)
    disks.slow.fail()
    peer.node.end_turns()
    close = peer.closed()
    assert (close.code, close.text) == (406, "PRECONDITION_FAILED - partial tx completion")
    assert close.method == (90, 20)
    disks.commit_all()
    assert peer.methods() == []
    peer.send(commands.Channel.CloseOk)
    assert peer.is_read()


def test_a_connection_that_ends_before_its_commit_fails_harms_nobody(
    peer: Client, disks: Disks
) -> None:
    peer.send(commands.Tx.Select)
    peer.expect(commands.Tx.SelectOk)
    publish(peer, "slow")
    peer.send(commands.Tx.Commit)
    peer.connection.receive_eof(peer.node.now_ms)
    disks.slow.fail()
    peer.node.end_turns()
    other = peer.node.open()
    assert other.get("fast") is None


def test_a_declare_that_will_never_be_safe_ends_the_connection(peer: Client, disks: Disks) -> None:
    peer.send(commands.Queue.Declare, queue="later", durable=True)
    disks.fail()
    peer.node.end_turns()
    close = peer.closed()
    assert (close.channel, close.code) == (0, 541)


def test_a_channel_that_ended_is_told_nothing_of_either(peer: Client, disks: Disks) -> None:
    confirming(peer)
    publish(peer, "", exchange="amq.fanout")
    peer.send(commands.Channel.Close, reply_code=200, reply_text="", class_id=0, method_id=0)
    peer.expect(commands.Channel.CloseOk)
    disks.commit_all()
    disks.slow.fail()
    assert peer.methods() == []
