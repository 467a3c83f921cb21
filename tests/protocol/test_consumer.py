"""One consumer: its credit in messages and bytes, its batches, and how it waits for room."""

import pytest
from pamqp import commands

from amqp_server.protocol.settings import ProtocolSettings
from amqp_server.wire.properties import split
from amqp_server.wire.tables import Field
from persistence.record import LARGE_BODY_BYTES
from queues.batch import BATCH_BYTES_MAX
from tests.support.peer import Client, Node, Received

WATERMARK_BYTES = 10_000
LARGE = LARGE_BODY_BYTES


def delivered(received: list[Received]) -> list[tuple[int | None, bool, bytes]]:
    """Return tag, redelivered and body of each delivery."""
    return [
        (one.method.delivery_tag, one.method.redelivered, one.body)
        for one in received
        if isinstance(one.method, commands.Basic.Deliver)
    ]


def numbered(count: int, size_bytes: int = 1) -> list[bytes]:
    return [str(number).encode().ljust(size_bytes) for number in range(count)]


# -- windows -----------------------------------------------------------------------------------


def test_a_window_is_filled_and_filled_again_by_acks(peer: Client) -> None:
    peer.send(commands.Basic.Qos, prefetch_count=2)
    peer.consume()
    peer.publish(b"a", b"b", b"c", b"d")
    assert delivered(peer.receive()) == [(1, False, b"a"), (2, False, b"b")]
    peer.send(commands.Basic.Ack, delivery_tag=1)
    assert delivered(peer.receive()) == [(3, False, b"c")]
    peer.send(commands.Basic.Ack, delivery_tag=3, multiple=True)
    assert delivered(peer.receive()) == [(4, False, b"d")]


def test_a_window_is_of_the_consumers_that_start_after_it(peer: Client) -> None:
    peer.consume()
    peer.send(commands.Basic.Qos, prefetch_count=1)
    peer.publish(b"a", b"b", b"c")
    assert len(peer.bodies()) == 3


def test_two_windows_hold_at_once(peer: Client) -> None:
    peer.send(commands.Basic.Qos, prefetch_count=3)
    peer.send(commands.Basic.Qos, prefetch_count=4, global_=True)
    for tag in ("one", "two"):
        peer.send(commands.Basic.Consume, queue="jobs", consumer_tag=tag)
    peer.publish(*numbered(9))
    received = [one.method for one in peer.receive()]
    tags = [one.consumer_tag for one in received if isinstance(one, commands.Basic.Deliver)]
    assert len(tags) == 4
    assert max(tags.count("one"), tags.count("two")) <= 3


def test_a_shared_window_set_late_counts_what_is_out(peer: Client) -> None:
    peer.consume()
    peer.publish(b"a", b"b")
    peer.receive()
    peer.send(commands.Basic.Qos, prefetch_count=2, global_=True)
    peer.publish(b"c")
    assert peer.bodies() == []
    peer.send(commands.Basic.Qos, prefetch_count=0, global_=True)
    assert peer.bodies() == [b"c"]


def test_auto_ack_knows_no_window_but_uses_up_tags(peer: Client) -> None:
    peer.send(commands.Basic.Qos, prefetch_count=1)
    peer.consume(no_ack=True)
    peer.publish(b"a", b"b")
    assert delivered(peer.receive()) == [(1, False, b"a"), (2, False, b"b")]
    peer.send(commands.Basic.Cancel, consumer_tag="me")
    peer.publish(b"c")
    peer.receive()
    peer.send(commands.Basic.Get, queue="jobs")
    assert peer.expect(commands.Basic.GetOk).delivery_tag == 3


def test_a_cancelled_consumer_keeps_its_window_used_until_acks_come(peer: Client) -> None:
    peer.send(commands.Basic.Qos, prefetch_count=1, global_=True)
    peer.publish(b"a", b"b")
    peer.consume()
    peer.send(commands.Basic.Cancel, consumer_tag="me")
    peer.receive()
    peer.consume()
    assert delivered(peer.receive()) == []
    peer.send(commands.Basic.Ack, delivery_tag=1)
    assert delivered(peer.receive()) == [(2, False, b"b")]


def test_outstanding_deliveries_of_a_channel_are_bounded() -> None:
    peer = Node(ProtocolSettings(unacked_per_channel_max=5)).open()
    peer.declare()
    peer.publish(*numbered(12))
    peer.consume()
    assert len(peer.bodies()) == 5
    peer.send(commands.Basic.Ack, delivery_tag=2, multiple=True)
    assert len(peer.bodies()) == 2
    peer.send(commands.Basic.Ack, delivery_tag=0, multiple=True)
    assert len(peer.bodies()) == 5


def test_acks_of_one_consumer_make_room_for_the_others_of_its_channel() -> None:
    """The bound is the channel's, so another queue's consumer may have waited for it."""
    peer = Node(ProtocolSettings(unacked_per_channel_max=2)).open()
    for queue in ("one", "two"):
        peer.declare(queue)
    for queue in ("one", "two"):
        peer.publish(queue.encode(), queue.encode(), routing_key=queue)
        peer.send(commands.Basic.Consume, queue=queue, consumer_tag=queue)
    assert peer.bodies() == [b"one", b"one"]
    peer.send(commands.Basic.Ack, delivery_tag=0, multiple=True)
    assert peer.bodies() == [b"two", b"two"]


# -- room in the output ------------------------------------------------------------------------


def slow_consumer(node: Node, count: int, size_bytes: int, *, no_ack: bool = True) -> Client:
    """Return a client whose queue holds messages, with a consumer, and that has read nothing."""
    peer = node.open(output_max_bytes=WATERMARK_BYTES)
    peer.declare()
    node.open().publish(*numbered(count, size_bytes))
    peer.consume(no_ack=no_ack)
    return peer


@pytest.mark.parametrize("size_bytes", [10, 700, 4_000, 100_000])
@pytest.mark.parametrize("no_ack", [True, False])
def test_who_never_reads_is_sent_little_more_than_the_watermark(
    size_bytes: int, no_ack: bool
) -> None:
    """At most one batch more, whatever the size of the messages."""
    node = Node()
    peer = slow_consumer(node, 50 if size_bytes == 100_000 else 500, size_bytes, no_ack=no_ack)
    waiting_bytes = peer.connection._outbox.size_bytes
    assert 4_000 < waiting_bytes <= WATERMARK_BYTES + BATCH_BYTES_MAX + size_bytes + 1_000


def test_small_messages_do_not_let_large_ones_through() -> None:
    """Credit is in messages of the size seen last: the batch must be bounded in bytes, too."""
    node = Node()
    peer = slow_consumer(node, 200, 10)
    peer.receive()
    peer.connection.pause_deliveries()
    node.open().publish(*[b"x" * 100_000] * 100)
    peer.connection.resume_deliveries()
    node.end_turns()
    assert peer.connection._outbox.size_bytes <= WATERMARK_BYTES + BATCH_BYTES_MAX + 101_000
    assert len(peer.bodies()) == 100


def test_what_waits_for_room_comes_as_room_comes() -> None:
    peer = slow_consumer(Node(), 500, 1_000)
    bodies = []
    while octets := peer.read_bytes():
        assert len(octets) < 2 * WATERMARK_BYTES + 2_000
        bodies.append(octets.count(b"\x02\x00\x01"))
    assert sum(bodies) == 500
    assert len(bodies) > 10


def test_a_full_transport_stops_deliveries_and_nothing_else() -> None:
    node = Node()
    peer = node.open()
    peer.declare()
    peer.consume()
    peer.receive()
    peer.connection.pause_deliveries()
    node.open().publish(b"a")
    peer.send(commands.Basic.Qos)
    assert [method.name for method in peer.methods()] == ["Basic.QosOk"]
    before = peer.outputs_count
    peer.connection.resume_deliveries()
    assert peer.outputs_count > before
    node.end_turns()
    assert peer.bodies() == [b"a"]


def test_a_queue_that_waits_for_one_serves_the_others() -> None:
    node = Node()
    slow = slow_consumer(node, 200, 1_000)
    fast = node.open()
    fast.consume(no_ack=True)
    assert len(fast.bodies()) > 100
    assert slow.connection._outbox.is_full


def test_a_queue_deleted_meanwhile_is_not_woken() -> None:
    node = Node()
    peer = slow_consumer(node, 200, 1_000)
    other = node.open()
    other.send(commands.Queue.Delete, queue="jobs")
    other.receive()
    sent = [one for one in peer.receive() if isinstance(one.method, commands.Basic.Deliver)]
    assert 0 < len(sent) < 50


# -- batches -----------------------------------------------------------------------------------


def test_a_redelivery_says_so(peer: Client) -> None:
    peer.publish(b"a")
    peer.consume()
    peer.receive()
    peer.send(commands.Basic.Nack, delivery_tag=1, requeue=True)
    assert delivered(peer.receive()) == [(2, True, b"a")]


def test_a_quorum_queue_counts_returns_in_a_header(peer: Client) -> None:
    peer.declare("q", durable=True, arguments={"x-queue-type": "quorum"})
    peer.publish(b"a", routing_key="q")
    peer.consume("q")
    counts = []
    for tag in (1, 2, 3):
        (one,) = [one for one in peer.receive() if isinstance(one.method, commands.Basic.Deliver)]
        counts.append(split(one.header).headers().get("x-delivery-count"))
        peer.send(commands.Basic.Reject, delivery_tag=tag, requeue=True)
    assert counts == [None, Field("l", 1), Field("l", 2)]


# -- large bodies ------------------------------------------------------------------------------


def pieces(peer: Client) -> list[memoryview]:
    """Read all there is; return the output that shows memory of a message."""
    chunks = peer.connection.data_to_send()
    return [chunk for chunk in chunks if isinstance(chunk, memoryview)]


def test_large_messages_come_whole_before_and_after_small_ones(peer: Client) -> None:
    sizes = [1, LARGE, LARGE + 1, 0, 5 * LARGE, 3, 3 * LARGE, LARGE - 1, LARGE]
    bodies = numbered(len(sizes), LARGE)
    bodies = [body[:size].ljust(size) for body, size in zip(bodies, sizes, strict=True)]
    peer.consume(no_ack=True)
    for body in bodies:
        peer.publish(body)
    peer.publish(*bodies)
    assert peer.bodies() == bodies + bodies


def test_consumers_of_copies_share_the_memory_of_a_large_one() -> None:
    node = Node()
    consumers = [node.open(), node.open()]
    for number, consumer in enumerate(consumers):
        consumer.declare(f"copy-{number}")
        consumer.send(
            commands.Queue.Bind, queue=f"copy-{number}", exchange="amq.fanout", routing_key=""
        )
        consumer.consume(f"copy-{number}", no_ack=True)
    publisher = node.open()
    publisher.publish(b"x" * LARGE, exchange="amq.fanout")
    for consumer in consumers:
        assert consumer.bodies() == [b"x" * LARGE]
    publisher.publish(b"y" * LARGE, exchange="amq.fanout")
    one, other = [pieces(consumer) for consumer in consumers]
    assert one == other == [b"y" * LARGE]
    assert one[0].obj is other[0].obj


def test_what_waits_to_be_written_stays_what_it_was(peer: Client) -> None:
    peer.consume()
    peer.publish(b"x" * LARGE)
    peer.receive()
    peer.publish(b"y" * LARGE)
    (waiting,) = pieces(peer)
    peer.send(commands.Basic.Ack, delivery_tag=2, multiple=True)
    peer.send(commands.Queue.Delete, queue="jobs")
    peer.publish(*[b"z" * LARGE] * 5, routing_key="gone")
    assert bytes(waiting) == b"y" * LARGE
