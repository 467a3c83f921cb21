"""Which consumer gets which message, in which order (§1.3, §2.3): also windows, one write."""

from pamqp import commands

from conformance.check import Differs, check
from conformance.client import Channel
from conformance.events import Event
from conformance.peer import Peer

Qos = commands.Basic.Qos
Cancel = commands.Basic.Cancel
Delete = commands.Queue.Delete


def _publish(channel: Channel, queue: str, bodies: str) -> None:
    """Publish a message for each letter, in one write."""
    with channel.connection.one_write():
        for body in bodies:
            channel.publish(body.encode(), routing_key=queue)


def _filled(peer: Peer, bodies: str, hint: str = "") -> str:
    """Return a queue that has a message for each letter."""
    publisher = peer.channel()
    queue = peer.queue(publisher, hint)
    _publish(publisher, queue, bodies)
    publisher.await_count(queue, len(bodies))
    return queue


def _deliveries(channel: Channel, *queues: str) -> str:
    """Return the deliveries since the last call as ``a1b2``: consumer tag and body of each."""
    for queue in queues:
        channel.settle(queue)
    channel.settle(queues[0])
    events = channel.deliveries(len(channel.arrived()))
    return _text(events)


def _text(events: list[Event]) -> str:
    return "".join(f"{event.method['consumer_tag']!s}{event.body.decode()}" for event in events)


@check("basic.order.one-channel", ref="1.3-order", expect="a1b2a3b4a5b6a7b8")
def consumers_of_one_channel_take_turns_and_the_channel_keeps_the_order(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, "a")
    channel.consume(queue, "b")
    _publish(channel, queue, "12345678")
    assert _deliveries(channel, queue) == peer.expected


@check("basic.order.three-on-two-channels", ref="1.3-order", expect=("a1b2a4b5a7b8", "c3c6c9"))
def consumers_of_two_channels_take_turns_message_by_message(peer: Peer) -> None:
    connection = peer.connection()
    first, second = connection.channel(1), connection.channel(2)
    queue = peer.queue(first)
    first.consume(queue, "a")
    first.consume(queue, "b")
    second.consume(queue, "c")
    _publish(first, queue, "123456789")
    assert (_deliveries(first, queue), _deliveries(second, queue)) == peer.expected


@check("basic.order.windows-differ", ref="1.3-order", expect="a1b2b3b4")
def who_is_full_is_passed_over_and_goes_to_the_back(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=1)
    channel.consume(queue, "a")
    channel.call(Qos, prefetch_count=3)
    channel.consume(queue, "b")
    _publish(channel, queue, "123456")
    assert _deliveries(channel, queue) == peer.expected
    channel.ack(2)
    assert _deliveries(channel, queue) == "b5"
    channel.ack(1)
    assert _deliveries(channel, queue) == "a6"


@check("basic.order.acks-and-cancel", ref="1.3-sequence", expect=("a1a2a3a4", "b5b6"))
def acks_and_a_cancel_in_one_write_serve_the_cancelled_one_first(peer: Peer) -> None:
    queue = _filled(peer, "123456")
    first, second = peer.channel(), peer.channel()
    first.call(Qos, prefetch_count=2)
    first.consume(queue, "a")
    assert _deliveries(first, queue) == "a1a2"
    second.call(Qos, prefetch_count=2)
    with first.connection.one_write():
        first.ack(1)
        first.ack(2)
        first.send(Cancel, consumer_tag="a")
    first.expect(commands.Basic.CancelOk)
    second.consume(queue, "b")
    got = "a1a2" + _deliveries(first, queue), _deliveries(second, queue)
    assert got == peer.expected


@check("basic.order.publishes-and-cancel", ref="1.3-sequence", expect="a1a2a3a4")
def publishes_and_a_cancel_in_one_write_go_to_the_one_that_was_there(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, "a")
    with channel.connection.one_write():
        for body in b"1234":
            channel.publish(bytes([body]), routing_key=queue)
        # RabbitMQ's channel may cancel before the publish is in the queue, so the queue is asked.
        channel.send(commands.Queue.Declare, queue=queue, passive=True)
        channel.send(commands.Queue.Declare, queue=queue, passive=True)
        channel.send(Cancel, consumer_tag="a")
    channel.expect(commands.Basic.CancelOk)
    channel.consume(queue, "b")
    assert _deliveries(channel, queue) == peer.expected


@check("basic.order.priorities-in-one-write", ref="1.3-sequence", expect="a1a2 a5a4a3")
def a_waiting_consumer_gets_priorities_as_they_come(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-max-priority": 9})
    channel.call(Qos, prefetch_count=2)
    channel.consume(queue, "a")
    with channel.connection.one_write():
        for priority, body in enumerate(b"12345"):
            channel.publish(bytes([body]), routing_key=queue, priority=priority)
    got = [_deliveries(channel, queue)]
    channel.call(Qos, prefetch_count=0)
    channel.call(Cancel, consumer_tag="a")
    channel.consume(queue, "a")
    got.append(_deliveries(channel, queue))
    assert " ".join(got) == peer.expected


@check("basic.order.nack-by-consumer", ref="1.3-order", expect="a2a4b1b3")
def one_nack_of_several_consumers_goes_back_consumer_by_consumer(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=2)
    channel.consume(queue, "b")
    channel.consume(queue, "a")
    _publish(channel, queue, "1234")
    assert _deliveries(channel, queue) == "b1a2b3a4"
    channel.nack(4, multiple=True)
    found = _deliveries(channel, queue)
    assert sorted(found[1::2]) == list("1234")
    assert found == peer.expected, found


@check("basic.order.nacks-in-one-write", ref="1.3-sequence", expect="a3a2a1")
def nacks_in_one_write_come_back_in_the_order_of_the_nacks(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=3)
    channel.consume(queue, "a")
    _publish(channel, queue, "123")
    assert _deliveries(channel, queue) == "a1a2a3"
    with channel.connection.one_write():
        for tag in (3, 2, 1):
            channel.nack(tag)
    assert _deliveries(channel, queue) == peer.expected


@check("basic.qos.local-lifts-global", ref="1.3-qos", expect="a3a4a5")
def a_prefetch_of_consumers_takes_the_place_of_the_global_one(peer: Peer) -> None:
    queue = _filled(peer, "12345")
    channel = peer.channel()
    channel.call(Qos, prefetch_count=2, global_=True)
    channel.consume(queue, "a")
    assert _deliveries(channel, queue) == "a1a2"
    channel.call(Qos, prefetch_count=1)
    assert _deliveries(channel, queue) == peer.expected


@check("basic.qos.global-0", ref="1.3-qos", expect="a3a4a5")
def a_global_prefetch_of_0_is_none(peer: Peer) -> None:
    queue = _filled(peer, "12345")
    channel = peer.channel()
    channel.call(Qos, prefetch_count=2, global_=True)
    channel.consume(queue, "a")
    assert _deliveries(channel, queue) == "a1a2"
    channel.call(Qos, prefetch_count=0, global_=True)
    assert _deliveries(channel, queue) == peer.expected


@check("basic.qos.global-late", ref="1.3-qos", expect="a3")
def a_global_prefetch_that_comes_late_counts_what_is_out(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, "a")
    _publish(channel, queue, "12")
    assert _deliveries(channel, queue) == "a1a2"
    channel.call(Qos, prefetch_count=2, global_=True)
    _publish(channel, queue, "34")
    assert _deliveries(channel, queue) == ""
    channel.ack(1)
    assert _deliveries(channel, queue) == peer.expected


@check("basic.qos.global-no-ack", ref="1.3-qos", expect="n2n3")
def a_full_global_window_holds_back_what_needs_no_ack(peer: Peer) -> None:
    channel = peer.channel()
    one, other = peer.queue(channel), peer.queue(channel)
    channel.call(Qos, prefetch_count=1, global_=True)
    channel.consume(one, "a")
    channel.consume(other, "n", no_ack=True)
    _publish(channel, one, "1")
    assert _deliveries(channel, one, other) == "a1"
    _publish(channel, other, "23")
    assert _deliveries(channel, one, other) == ""
    channel.ack(1)
    assert _deliveries(channel, one, other) == peer.expected


@check("basic.qos.global-all-queues", ref="1.3-qos", expect="abc")
def a_global_window_of_1_serves_each_of_three_queues(peer: Peer) -> None:
    queues = [_filled(peer, "123456789"[:6], hint) for hint in "abc"]
    channel = peer.channel()
    channel.call(Qos, prefetch_count=1, global_=True)
    for tag, queue in zip("abc", queues, strict=True):
        channel.consume(queue, tag)
    served = set()
    for delivery_tag in range(1, 19):
        served.add(_deliveries(channel, *queues)[:1])
        channel.ack(delivery_tag)
    assert "".join(sorted(served)) == peer.expected


@check("basic.qos.both-in-turn", ref="1.3-qos", expect="a1b2 a3 b4 a5 b6")
def own_windows_and_a_global_one_take_turns_together(peer: Peer) -> None:
    queue = _filled(peer, "12345678")
    channel = peer.channel()
    channel.call(Qos, prefetch_count=1)
    channel.call(Qos, prefetch_count=2, global_=True)
    for tag in "abc":
        channel.consume(queue, tag)
    got = [_deliveries(channel, queue)]
    for delivery_tag in range(1, 5):
        channel.ack(delivery_tag)
        got.append(_deliveries(channel, queue))
    assert " ".join(got) == peer.expected, got


@check("queue.quorum.late-global-qos", ref="1.3-qos", expect="a1a2a3")
def a_quorum_queue_heeds_no_global_window(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, durable=True, arguments={"x-queue-type": "quorum"})
    channel.consume(queue, "a")
    channel.call(Qos, prefetch_count=1, global_=True)
    _publish(channel, queue, "123")
    assert _text(channel.deliveries(3)) == peer.expected


@check(
    "basic.qos.global-after-get",
    ref="1.3-qos",
    expect="a2",
    on_purpose=Differs(
        "RabbitMQ counts what a get took against a global prefetch that comes after it, and never"
        " gives it back; HareMQ counts deliveries to consumers alone",
        "",
    ),
)
def what_a_get_took_does_not_count_in_a_global_window(peer: Peer) -> None:
    queue = _filled(peer, "123")
    channel = peer.channel()
    assert channel.get(queue, no_ack=False) is not None
    channel.call(Qos, prefetch_count=1, global_=True)
    channel.consume(queue, "a")
    channel.ack(1)
    assert _deliveries(channel, queue) == peer.expected


@check("queue.delete.own-consumer", ref="1.5-cancel-notify")
def who_deletes_a_queue_that_it_consumes_from_hears_of_the_deletion_first(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, "a")
    channel.send(Delete, queue=queue)
    names = [channel.next_event().method.name for _ in range(2)]
    assert names == ["Queue.DeleteOk", "Basic.Cancel"]


@check("tx.commit.publishes-first", ref="1.3-order", expect="a2 a1")
def a_commit_publishes_before_it_settles(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=2)
    channel.consume(queue, "a")
    _publish(channel, queue, "1")
    assert _deliveries(channel, queue) == "a1"
    channel.call(commands.Tx.Select)
    channel.nack(1)
    channel.publish(b"2", routing_key=queue)
    channel.call(commands.Tx.Commit)
    got = _deliveries(channel, queue)
    assert f"{got[:2]} {got[2:]}" == peer.expected
