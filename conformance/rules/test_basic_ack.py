"""basic.ack, nack, reject, recover; basic.qos; where unacked deliveries go (§1.3)."""

from typing import Any

from pamqp import base, commands

from conformance.check import Case, Close, cases, check
from conformance.client import Channel
from conformance.peer import Peer

Ack = commands.Basic.Ack
Nack = commands.Basic.Nack
Qos = commands.Basic.Qos


def _three_unacked(peer: Peer) -> tuple[Channel, str]:
    channel = peer.channel()
    queue = peer.queue(channel)
    for body in (b"1", b"2", b"3"):
        channel.publish(body, routing_key=queue)
    channel.consume(queue, "mine")
    assert channel.bodies(3) == [b"1", b"2", b"3"]
    channel.call(commands.Basic.Cancel, consumer_tag="mine")
    return channel, queue


def _left(channel: Channel, queue: str) -> list[bytes]:
    channel.call(commands.Channel.Close, reply_code=200)
    again = channel.connection.channel(channel.number)
    again.settle(queue)
    return [event.body for event in again.drain(queue)]


SETTLED: dict[str, tuple[type[base.Frame], dict[str, Any], list[bytes]]] = {
    "ack.one": (Ack, {"delivery_tag": 2}, [b"1", b"3"]),
    "ack.multiple": (Ack, {"delivery_tag": 2, "multiple": True}, [b"3"]),
    "ack.multiple-0": (Ack, {"delivery_tag": 0, "multiple": True}, []),
    "nack.drop": (Nack, {"delivery_tag": 2}, [b"1", b"3"]),
    "nack.drop-multiple": (Nack, {"delivery_tag": 2, "multiple": True}, [b"3"]),
    "nack.drop-multiple-0": (Nack, {"delivery_tag": 0, "multiple": True}, []),
    "nack.requeue": (Nack, {"delivery_tag": 2, "requeue": True}, [b"1", b"2", b"3"]),
    "nack.requeue-all": (
        Nack,
        {"delivery_tag": 0, "multiple": True, "requeue": True},
        [b"1", b"2", b"3"],
    ),
    "reject.drop": (commands.Basic.Reject, {"delivery_tag": 2}, [b"1", b"3"]),
    "reject.requeue": (
        commands.Basic.Reject,
        {"delivery_tag": 2, "requeue": True},
        [b"1", b"2", b"3"],
    ),
}


@cases(
    "basic.",
    {key: Case((kind, given), left) for key, (kind, given, left) in SETTLED.items()},
    ref="1.3-ack",
    ninth=6,
)
def settling_takes_what_it_names_and_no_more(
    peer: Peer, given: tuple[type[base.Frame], dict[str, Any]]
) -> None:
    channel, queue = _three_unacked(peer)
    kind, fields = given
    channel.send(kind, **fields)
    left = _left(channel, queue)
    assert left == peer.expected, left


UNKNOWN_TAG: dict[str, tuple[type[base.Frame], dict[str, Any], int]] = {
    "ack.unknown": (Ack, {"delivery_tag": 99}, 99),
    "ack.unknown-multiple": (Ack, {"delivery_tag": 99, "multiple": True}, 99),
    "ack.zero": (Ack, {"delivery_tag": 0}, 0),
    "ack.maximum": (Ack, {"delivery_tag": 2**64 - 1}, 2**64 - 1),
    "nack.unknown": (Nack, {"delivery_tag": 99, "requeue": True}, 99),
    "reject.unknown": (commands.Basic.Reject, {"delivery_tag": 99}, 99),
}


@cases(
    "basic.",
    {
        key: Case((kind, given), Close(406, f"unknown delivery tag {tag}", "channel"))
        for key, (kind, given, tag) in UNKNOWN_TAG.items()
    },
    ref="1.3-ack",
    ninth=6,
)
def an_unknown_delivery_tag_closes_the_channel(
    peer: Peer, given: tuple[type[base.Frame], dict[str, Any]]
) -> None:
    kind, fields = given
    peer.expect_close(peer.channel(), kind, **fields)


@check(
    "basic.ack.twice",
    ref="1.3-ack",
    ninth=6,
    expect=Close(406, "unknown delivery tag 2", "channel"),
)
def acknowledging_twice_closes_the_channel(peer: Peer) -> None:
    channel, _ = _three_unacked(peer)
    channel.ack(2)
    peer.expect_close(channel, Ack, delivery_tag=2)


@check(
    "basic.ack.no-ack-delivery",
    ref="1.3-ack",
    ninth=6,
    expect=Close(406, "unknown delivery tag 1", "channel"),
)
def acknowledging_what_needs_none_closes_the_channel(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.publish(b"m", routing_key=queue)
    assert channel.get(queue, no_ack=True) is not None
    peer.expect_close(channel, Ack, delivery_tag=1)


@check(
    "basic.ack.other-channel",
    ref="1.3-ack",
    ninth=6,
    expect=Close(406, "unknown delivery tag 1", "channel"),
)
def a_tag_of_another_channel_is_unknown(peer: Peer) -> None:
    channel, _ = _three_unacked(peer)
    peer.expect_close(channel.connection.channel(2), Ack, delivery_tag=1)


@check("basic.ack.multiple-0-nothing", ref="1.3-ack", ninth=6)
def acknowledging_all_of_nothing_is_ok(peer: Peer) -> None:
    channel = peer.channel()
    channel.ack(0, multiple=True)
    channel.sync()


@check("basic.requeue.position", ref="1.3-requeue-order", ninth=7, expect=[b"1", b"2", b"3", b"4"])
def requeued_messages_go_back_to_their_places(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    for body in (b"1", b"2", b"3"):
        channel.publish(body, routing_key=queue)
    for _ in range(3):
        channel.get(queue, no_ack=False)
    channel.publish(b"4", routing_key=queue)
    for tag in (3, 1, 2):
        channel.nack(tag)
    channel.settle(queue)
    assert [event.body for event in channel.drain(queue)] == peer.expected


@check("basic.requeue.redelivered", ref="1.3-redelivered", ninth=7)
def a_requeued_message_is_marked_and_others_are_not(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    for body in (b"1", b"2"):
        channel.publish(body, routing_key=queue)
    event = channel.get_one(queue, no_ack=False)
    channel.nack(event.tag)
    channel.settle(queue)
    assert [(event.body, event.redelivered) for event in channel.drain(queue)] == [
        (b"1", True),
        (b"2", False),
    ]


@check("basic.requeue.to-others", ref="1.3-requeue-order")
def a_requeued_message_may_go_to_another_consumer(peer: Peer) -> None:
    first, second = peer.channel(), peer.channel()
    queue = peer.queue(first)
    first.publish(b"m", routing_key=queue)
    first.consume(queue, "mine")
    event = first.deliveries(1)[0]
    second.consume(queue)
    first.call(commands.Basic.Cancel, consumer_tag="mine")
    first.nack(event.tag)
    assert second.bodies(1) == [b"m"]


@check("basic.recover", ref="1.3-recover")
def recover_requeues_all_and_redelivers(peer: Peer) -> None:
    channel, queue = _three_unacked(peer)
    channel.consume(queue)
    channel.call(commands.Basic.Recover, requeue=True)
    events = channel.deliveries(3)
    assert [event.body for event in events] == [b"1", b"2", b"3"]
    assert all(event.redelivered for event in events)
    assert [event.tag for event in events] == [4, 5, 6]


@check("basic.recover.async", ref="1.3-recover")
def recover_async_is_not_answered(peer: Peer) -> None:
    channel, queue = _three_unacked(peer)
    channel.send(commands.Basic.RecoverAsync, requeue=True)
    channel.settle(queue)
    assert not channel.arrived(commands.Basic.RecoverOk)
    channel.await_count(queue, 3)


NOT_REQUEUED: dict[str, Case[type[base.Frame]]] = {
    key: Case(kind, Close(540, "requeue=false", "connection"))
    for key, kind in {"": commands.Basic.Recover, "-async": commands.Basic.RecoverAsync}.items()
}


@cases("basic.recover.without-requeue", NOT_REQUEUED, ref="1.3-recover", ninth=1)
def recover_without_requeue_is_not_implemented(peer: Peer, kind: type[base.Frame]) -> None:
    peer.expect_close(peer.channel(), kind, requeue=False)


@check(
    "basic.qos.prefetch-size",
    ref="1.3-qos",
    ninth=1,
    expect=Close(540, "prefetch_size!=0 (10)", "connection"),
)
def a_prefetch_size_is_not_implemented(peer: Peer) -> None:
    peer.expect_close(peer.channel(), Qos, prefetch_size=10)


def _delivered(channel: Channel, queue: str, total: int, count: int = 20) -> dict[str, int]:
    """Publish many, await a total of deliveries, and count the deliveries of each consumer."""
    for _ in range(count):
        channel.publish(b"m", routing_key=queue)
    events = channel.deliveries(total)
    channel.settle(queue)
    counts: dict[str, int] = {}
    for event in events + channel.arrived():
        tag = str(event.method["consumer_tag"])
        counts[tag] = counts.get(tag, 0) + 1
    return counts


@check("basic.qos.per-consumer", ref="1.3-qos", ninth=3, expect={"a": 3, "b": 3})
def prefetch_is_counted_for_each_consumer(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=3)
    channel.consume(queue, "a")
    channel.consume(queue, "b")
    assert _delivered(channel, queue, 6) == peer.expected


@check("basic.qos.later-consumers", ref="1.3-qos", ninth=3, expect={"old": 1, "new": 4})
def prefetch_applies_to_consumers_that_come_later(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=1)
    channel.consume(queue, "old")
    channel.call(Qos, prefetch_count=4)
    channel.consume(queue, "new")
    assert _delivered(channel, queue, 5) == peer.expected


@check("basic.qos.global", ref="0-global-qos", ninth=3, expect=3)
def a_global_prefetch_is_shared_by_the_channel(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, "a")
    channel.call(Qos, prefetch_count=3, global_=True)
    channel.consume(queue, "b")
    assert sum(_delivered(channel, queue, 3).values()) == peer.expected


@check("basic.qos.both", ref="1.3-qos", ninth=3, expect=(2, 3))
def both_limits_may_hold_at_once(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=2)
    channel.call(Qos, prefetch_count=3, global_=True)
    channel.consume(queue, "a")
    channel.consume(queue, "b")
    counts = _delivered(channel, queue, 3)
    assert (max(counts.values()), sum(counts.values())) == peer.expected


@check("basic.qos.unlimited", ref="1.3-qos", expect={"a": 500})
def a_prefetch_of_0_is_no_limit(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=0)
    channel.consume(queue, "a")
    assert _delivered(channel, queue, 500, 500) == peer.expected


@check("basic.qos.maximum", ref="1.3-qos", expect={"a": 20})
def a_prefetch_of_65535_is_accepted(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=65535)
    channel.consume(queue, "a")
    assert _delivered(channel, queue, 20) == peer.expected


@check("basic.qos.refill", ref="1.3-qos")
def each_ack_makes_room_for_one_more(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=2)
    channel.consume(queue, "a")
    assert _delivered(channel, queue, 2) == {"a": 2}
    channel.ack(1)
    channel.deliveries(1)
    channel.settle(queue)
    assert not channel.arrived()


@check("basic.qos.no-ack-unlimited", ref="1.3-qos", expect={"a": 20})
def prefetch_does_not_hold_without_acknowledgement(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=1)
    channel.consume(queue, "a", no_ack=True)
    assert _delivered(channel, queue, 20) == peer.expected


@check("basic.qos.get-unlimited", ref="1.3-qos")
def prefetch_does_not_hold_for_get(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=1)
    for _ in range(3):
        channel.publish(b"m", routing_key=queue)
    assert all(channel.get(queue, no_ack=False) is not None for _ in range(3))


@check("basic.qos.global-raised", ref="0-global-qos", expect=6)
def raising_a_global_prefetch_delivers_more(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(Qos, prefetch_count=2, global_=True)
    channel.consume(queue, "a")
    assert _delivered(channel, queue, 2) == {"a": 2}
    channel.call(Qos, prefetch_count=6, global_=True)
    channel.deliveries(peer.expected - 2)
    channel.settle(queue)
    assert not channel.arrived()


@check(
    "queue.quorum.global-qos",
    ref="2.3-global-qos",
    ninth=1,
    expect=Close(540, "queue '{queue}' in vhost '/' does not support global qos", "connection"),
)
def a_quorum_queue_refuses_a_global_prefetch(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, durable=True, arguments={"x-queue-type": "quorum"})
    channel.call(Qos, prefetch_count=2, global_=True)
    peer.expect_close(channel, commands.Basic.Consume, fill={"queue": queue}, queue=queue)
