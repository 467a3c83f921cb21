"""Tags, windows, counts, and memory that a client would like to make us spend."""

import gc
import logging
import tracemalloc

import pytest
from pamqp import commands

from amqp_server.protocol.settings import MIB, ProtocolSettings
from tests.support.frames import METHOD, ack_frame, frame, method_frame, method_payload
from tests.support.peer import Client, Node

WATERMARK_BYTES = 50_000


@pytest.mark.parametrize(
    "data",
    [
        ack_frame(1, 2),
        ack_frame(1, 1) + ack_frame(1, 1),
        ack_frame(1, 0),
        ack_frame(1, 2**64 - 1),
        ack_frame(1, 2**64 - 1, multiple=True),
        ack_frame(1, 1, multiple=True) * 2,
    ],
    ids=["unknown", "twice", "zero", "last", "last multiple", "multiple twice"],
)
def test_a_tag_that_is_not_outstanding(peer: Client, data: bytes) -> None:
    peer.publish(b"x", b"y")
    peer.send(commands.Basic.Get, queue="jobs")
    peer.receive()
    peer.send_bytes(data)
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (1, 406, (60, 80))


def test_zero_with_multiple_is_everything(peer: Client) -> None:
    peer.send_bytes(ack_frame(1, 0, multiple=True) * 3)
    assert peer.receive() == []


def test_windows(peer: Client) -> None:
    for count in (65_535, 0):
        for is_global in (False, True):
            peer.send(commands.Basic.Qos, prefetch_count=count, global_=is_global)
    assert [method.name for method in peer.methods()] == ["Basic.QosOk"] * 4
    peer.send(commands.Basic.Qos, prefetch_size=2**32 - 1)
    assert peer.closed().code == 540


def test_consumers_channels_and_tags_are_counted() -> None:
    node = Node(ProtocolSettings(consumers_per_channel_max=10, channel_max=3))
    crowded = node.open()
    crowded.declare()
    for number in range(11):
        crowded.send(commands.Basic.Consume, queue="jobs", consumer_tag=str(number))
    assert crowded.closed().code == 530

    wide = node.open()
    wide.open_channel(2)
    wide.open_channel(3)
    wide.send(commands.Channel.Open, 4)
    assert wide.closed().code == 530

    double = node.open()
    double.consume()
    double.consume()
    assert double.closed().code == 530


@pytest.mark.parametrize(
    ("first", "second"),
    [(commands.Tx.Select, commands.Confirm.Select), (commands.Confirm.Select, commands.Tx.Select)],
)
def test_transactions_and_confirms_do_not_mix(
    peer: Client,
    first: type[commands.Tx.Select | commands.Confirm.Select],
    second: type[commands.Tx.Select | commands.Confirm.Select],
) -> None:
    peer.send(first)
    peer.send(second)
    close = peer.closed()
    assert (close.channel, close.code) == (1, 406)


@pytest.mark.parametrize("size_bytes", [200, 10_000])
def test_a_consumer_that_never_reads_is_sent_no_more(node: Node, size_bytes: int) -> None:
    peer = node.open(output_max_bytes=WATERMARK_BYTES)
    peer.declare()
    other = node.open()
    bodies = [bytes(size_bytes)] * (400_000 // size_bytes // 10)
    peer.consume(no_ack=True)
    for _ in range(10):
        other.publish(*bodies)
    waiting = peer.connection._outbox.size_bytes
    assert waiting < WATERMARK_BYTES + 262_144 + size_bytes + 20_000
    assert len(peer.bodies()) == 10 * len(bodies)


def test_gets_in_one_read_are_answered_as_far_as_there_is_room(node: Node) -> None:
    """A get of 18 octets may be answered by 128 MiB: the rest has to wait for room."""
    peer = node.open(output_max_bytes=WATERMARK_BYTES)
    peer.declare()
    other = node.open()
    for _ in range(20):
        other.publish(bytes(100_000))
    peer.send_bytes(method_frame(1, commands.Basic.Get, queue="jobs", no_ack=True) * 20)
    waiting = peer.connection._outbox.size_bytes
    assert len(peer.bodies()) == 20
    assert waiting < WATERMARK_BYTES + 262_144


def test_channels_that_come_and_go_leave_nothing(
    peer: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "amqp_server")  # what pytest keeps of the log grows
    open_one = frame(METHOD, 2, method_payload(commands.Channel.Open))
    work = (
        method_frame(2, commands.Confirm.Select)
        + method_frame(2, commands.Basic.Consume, queue="jobs", consumer_tag="c")
        + method_frame(2, commands.Tx.Select)
        + method_frame(2, commands.Channel.CloseOk)
    )

    def churn(count: int) -> None:
        for _ in range(count):
            peer.send_bytes(open_one + work)
            peer.receive()
        gc.collect()  # a channel and its publishing know each other

    tracemalloc.start()
    try:
        churn(20)
        before, _ = tracemalloc.get_traced_memory()
        churn(50)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000
    assert len(peer.connection._channels) == 1


def test_connections_that_come_and_go_leave_nothing(node: Node) -> None:
    for number in range(30):
        peer = node.open()
        peer.declare("mine", exclusive=True)
        peer.consume("mine")
        peer.receive()
        if number % 2:
            peer.send(commands.Connection.Close, 0)
        else:
            peer.connection.receive_eof(node.now_ms)
    node.end_turns()
    assert list(node.broker.connections()) == []
    assert list(node.vhost.queues) == []
    assert node.broker.next_deadline_ms() is None


def test_a_transaction_holds_no_more_than_its_limit() -> None:
    node = Node(ProtocolSettings(tx_bytes_max=MIB))
    peer = node.open()
    peer.declare()
    peer.send(commands.Tx.Select)
    for _ in range(12):
        peer.publish(*[b""] * 1_000)
    assert [(close.channel, close.code) for close in peer.closes()] == [(1, 406)]
    assert node.open().get() is None


def test_acks_in_a_transaction_hold_no_more_than_what_is_outstanding(peer: Client) -> None:
    peer.publish(b"x")
    peer.send(commands.Tx.Select)
    peer.send(commands.Basic.Get, queue="jobs")
    peer.receive()
    peer.send_bytes(ack_frame(1, 0, multiple=True) * 1_000)
    assert peer.closes() == []
    channel = peer.connection._channels._channels[1]
    assert channel.publishing.transaction is not None
    assert len(channel.publishing.transaction.settlements) == 1
