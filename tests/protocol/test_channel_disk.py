"""Nobody is told that something is safe before the disk has it (ADR 12)."""

import pytest
from pamqp import commands

from tests.support.commits import FakeDisk
from tests.support.frames import (
    METHOD,
    content_frames,
    frame,
    method_frame,
    property_list,
    publish_payload,
)
from tests.support.peer import Client, Node


@pytest.fixture
def disk() -> FakeDisk:
    return FakeDisk()


@pytest.fixture
def node(disk: FakeDisk) -> Node:
    made = Node(disk=disk)
    disk.commit_all()
    return made


@pytest.fixture
def peer(node: Node) -> Client:
    return node.open()


def names(peer: Client) -> list[str]:
    return [method.name for method in peer.methods()]


def declare_q(peer: Client, disk: FakeDisk) -> None:
    peer.send(commands.Queue.Declare, queue="q", durable=True)
    disk.commit_all()
    peer.expect(commands.Queue.DeclareOk)


def test_a_durable_declare_is_answered_when_it_is_on_disk(peer: Client, disk: FakeDisk) -> None:
    peer.send(commands.Queue.Declare, queue="q", durable=True)
    assert names(peer) == []
    assert not peer.is_read()
    disk.commit_all()
    assert names(peer) == ["Queue.DeclareOk"]
    assert peer.is_read()


def test_what_is_sent_behind_it_is_carried_out_and_answered_behind_it(
    peer: Client, disk: FakeDisk
) -> None:
    peer.send_bytes(
        method_frame(1, commands.Queue.Declare, queue="q", durable=True)
        + method_frame(1, commands.Queue.Bind, queue="q", exchange="amq.direct", routing_key="k")
        + method_frame(1, commands.Queue.Declare, queue="t")
    )
    assert names(peer) == []
    disk.commit_all()
    assert names(peer) == ["Queue.DeclareOk"]
    disk.commit_all()
    assert names(peer) == ["Queue.BindOk", "Queue.DeclareOk"]


def test_a_second_client_is_not_told_before_the_disk_has_the_firsts(
    node: Node, peer: Client, disk: FakeDisk
) -> None:
    other = node.open()
    peer.send(commands.Queue.Declare, queue="q", durable=True)
    other.send(commands.Queue.Declare, queue="q", durable=True)
    assert names(other) == []
    disk.commit_all()
    assert names(other) == ["Queue.DeclareOk"]


def test_a_transient_declare_waits_for_nothing(peer: Client) -> None:
    peer.send(commands.Queue.Declare, queue="t")
    assert names(peer) == ["Queue.DeclareOk"]


def test_a_purge_is_answered_when_nothing_brings_the_messages_back(
    peer: Client, disk: FakeDisk
) -> None:
    declare_q(peer, disk)
    peer.publish(b"1", b"2", routing_key="q", delivery_mode=2)
    disk.commit_all()
    peer.send(commands.Queue.Purge, queue="q")
    assert names(peer) == []
    disk.commit_all()
    assert peer.expect(commands.Queue.PurgeOk).message_count == 2


def test_a_purge_of_nothing_waits_for_nothing(peer: Client, disk: FakeDisk) -> None:
    declare_q(peer, disk)
    peer.send(commands.Queue.Purge, queue="q")
    assert names(peer) == ["Queue.PurgeOk"]


def test_a_persistent_publish_is_confirmed_when_it_is_on_disk(peer: Client, disk: FakeDisk) -> None:
    declare_q(peer, disk)
    peer.send(commands.Confirm.Select)
    peer.expect(commands.Confirm.SelectOk)
    peer.publish(b"1", b"2", routing_key="q", delivery_mode=2)
    assert names(peer) == []
    disk.commit_all()
    ack = peer.expect(commands.Basic.Ack)
    assert (ack.delivery_tag, ack.multiple) == (2, True)


def test_a_transient_publish_behind_it_is_confirmed_at_once_and_alone(
    peer: Client, disk: FakeDisk
) -> None:
    declare_q(peer, disk)
    peer.send(commands.Confirm.Select)
    peer.expect(commands.Confirm.SelectOk)
    peer.publish(b"1", routing_key="q", delivery_mode=2)
    peer.publish(b"2", routing_key="q", delivery_mode=1)
    ack = peer.expect(commands.Basic.Ack)
    assert (ack.delivery_tag, ack.multiple) == (2, False)
    disk.commit_all()
    ack = peer.expect(commands.Basic.Ack)
    assert (ack.delivery_tag, ack.multiple) == (1, False)


def test_in_a_burst_too_only_the_persistent_ones_of_durable_queues_wait(
    peer: Client, disk: FakeDisk
) -> None:
    declare_q(peer, disk)
    peer.declare("t")
    peer.send(commands.Confirm.Select)
    peer.expect(commands.Confirm.SelectOk)
    modes = {"persistent": 2, "transient": 1}
    letters = [("q", "persistent"), ("q", "persistent"), ("t", "persistent"), ("q", "transient")]
    letters += [("t", "transient"), ("q", "persistent"), ("nowhere", "persistent")]
    peer.send_bytes(
        b"".join(
            frame(METHOD, 1, publish_payload("", key))
            + content_frames(1, b"x", property_list(delivery_mode=modes[mode]))
            for key, mode in letters
        )
    )
    told = acked(peer)
    assert told == {3, 4, 5, 7}
    disk.commit_all()
    assert acked(peer) - told == {1, 2, 6}


def acked(peer: Client) -> set[int]:
    """Return the tags that the acks that have come cover."""
    tags: set[int] = set()
    for method in peer.methods():
        assert isinstance(method, commands.Basic.Ack)
        first = 1 if method.multiple else method.delivery_tag
        tags.update(range(first, method.delivery_tag + 1))
    return tags


def test_a_commit_of_a_transaction_waits_for_what_it_published(
    peer: Client, disk: FakeDisk
) -> None:
    declare_q(peer, disk)
    peer.send(commands.Tx.Select)
    peer.expect(commands.Tx.SelectOk)
    peer.publish(b"1", routing_key="q", delivery_mode=2)
    peer.send(commands.Tx.Commit)
    assert names(peer) == []
    disk.commit_all()
    assert names(peer) == ["Tx.CommitOk"]


def test_a_channel_that_ends_meanwhile_is_told_nothing(peer: Client, disk: FakeDisk) -> None:
    declare_q(peer, disk)
    peer.send(commands.Confirm.Select)
    peer.expect(commands.Confirm.SelectOk)
    peer.publish(b"1", routing_key="q", delivery_mode=2)
    peer.send(commands.Channel.Close, reply_code=200, reply_text="", class_id=0, method_id=0)
    disk.commit_all()
    assert names(peer) == ["Channel.CloseOk"]


def test_a_connection_that_ends_meanwhile_harms_nobody(
    node: Node, peer: Client, disk: FakeDisk
) -> None:
    other = node.open()
    peer.send(commands.Queue.Declare, queue="q", durable=True)
    peer.connection.receive_eof(node.now_ms)
    disk.commit_all()
    other.send(commands.Queue.Declare, queue="q", passive=True)
    assert names(other) == ["Queue.DeclareOk"]
