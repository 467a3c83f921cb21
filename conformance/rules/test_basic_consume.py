"""basic.consume, basic.cancel, basic.get, and which consumer gets a message (§1.3, §1.5)."""

import re
from typing import Any

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.client import CAPABILITIES
from conformance.peer import Peer

Consume = commands.Basic.Consume
Cancel = commands.Basic.Cancel
Get = commands.Basic.Get


@check("basic.consume.generated-tag", ref="1.3-consume")
def an_empty_tag_asks_for_a_fresh_one(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    tags = {channel.consume(queue) for _ in range(3)}
    assert len(tags) == 3
    for tag in tags:
        assert re.fullmatch(r"amq\.ctag-[A-Za-z0-9_-]{22}", tag), tag


@check(
    "basic.consume.tag-reused",
    ref="1.3-consume",
    ninth=1,
    expect=Close(530, "attempt to reuse consumer tag 'mine'", "connection"),
)
def a_tag_in_use_closes_the_connection(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, "mine")
    peer.expect_close(channel, Consume, queue=queue, consumer_tag="mine")


@check("basic.consume.tag-per-channel", ref="1.3-consume")
def a_tag_may_be_used_on_each_channel_and_after_a_cancel(peer: Peer) -> None:
    connection = peer.connection()
    first, second = connection.channel(1), connection.channel(2)
    queue = peer.queue(first)
    first.consume(queue, "mine")
    second.consume(queue, "mine")
    first.call(Cancel, consumer_tag="mine")
    first.consume(queue, "mine")


@check(
    "basic.consume.queue-missing",
    ref="1.3-consume",
    expect=Close(404, "no queue '{queue}' in vhost '/'", "channel"),
)
def consuming_from_a_missing_queue(peer: Peer) -> None:
    queue = peer.name()
    peer.expect_close(peer.channel(), Consume, fill={"queue": queue}, queue=queue)


EXCLUSIVE = Close(403, "queue '{queue}' in vhost '/' in exclusive use", "channel")


@check("basic.consume.exclusive-taken", ref="1.3-consume", expect=EXCLUSIVE)
def nobody_may_join_an_exclusive_consumer(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, exclusive=True)
    peer.expect_close(peer.channel(), Consume, fill={"queue": queue}, queue=queue)


@check("basic.consume.exclusive-late", ref="1.3-consume", expect=EXCLUSIVE)
def an_exclusive_consumer_may_not_join_others(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue)
    peer.expect_close(peer.channel(), Consume, fill={"queue": queue}, queue=queue, exclusive=True)


@check("basic.consume.exclusive-freed", ref="1.3-consume")
def a_cancelled_exclusive_consumer_frees_the_queue(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    tag = channel.consume(queue, exclusive=True)
    channel.call(Cancel, consumer_tag=tag)
    channel.consume(queue, exclusive=True)


@check("basic.consume.no-local", ref="1.3-consume")
def no_local_is_ignored(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, no_local=True, no_ack=True)
    channel.publish(b"my own", routing_key=queue)
    assert channel.bodies(1) == [b"my own"]


@check("basic.consume.ok-first", ref="1.3-consume")
def consume_ok_comes_before_the_first_delivery(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    for _ in range(10):
        channel.publish(b"m", routing_key=queue)
    channel.send(Consume, queue=queue, no_ack=True)
    assert isinstance(channel.next_event().method, commands.Basic.ConsumeOk)
    assert isinstance(channel.next_event().method, commands.Basic.Deliver)


@check("basic.consume.nowait", ref="1.3-nowait")
def a_consume_with_nowait_is_not_answered(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.send(Consume, queue=queue, consumer_tag="mine", no_ack=True, nowait=True)
    channel.publish(b"m", routing_key=queue)
    event = channel.next_event()
    assert isinstance(event.method, commands.Basic.Deliver), event.method.name
    assert event.method.consumer_tag == "mine"


@check("basic.consume.fields", ref="1.3-consume")
def a_delivery_names_its_consumer_exchange_and_key(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel)
    queue = peer.bound_queue(channel, exchange, "k")
    channel.consume(queue, "mine")
    channel.publish(b"m", exchange=exchange, routing_key="k")
    method = channel.deliveries(1)[0].method
    assert isinstance(method, commands.Basic.Deliver)
    assert (method.consumer_tag, method.delivery_tag) == ("mine", 1)
    assert (method.redelivered, method.exchange, method.routing_key) == (False, exchange, "k")


@check("basic.consume.tag-255-bytes", ref="1.5-names")
def a_consumer_tag_may_have_255_bytes(peer: Peer) -> None:
    channel = peer.channel()
    tag = "é" * 127 + "x"
    assert channel.consume(peer.queue(channel), tag) == tag


@check("basic.consume.round-robin", ref="2.4-order")
def consumers_take_turns(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    tags = [channel.consume(queue, f"c{index}", no_ack=True) for index in range(3)]
    for _ in range(9):
        channel.publish(b"m", routing_key=queue)
    counts = dict.fromkeys(tags, 0)
    for event in channel.deliveries(9):
        counts[str(event.method["consumer_tag"])] += 1
    assert list(counts.values()) == [3, 3, 3], counts


@check("basic.consume.no-ack", ref="1.3-consume")
def without_acknowledgement_a_delivered_message_is_gone(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, no_ack=True)
    channel.publish(b"m", routing_key=queue)
    channel.deliveries(1)
    channel.connection.close()
    assert peer.channel().settle(queue).message_count == 0


@check("basic.cancel.unknown", ref="1.3-cancel", expect="cancel-ok")
def cancelling_an_unknown_tag_is_ok(peer: Peer) -> None:
    reply = peer.channel().call(Cancel, consumer_tag="nobody")
    assert reply.consumer_tag == "nobody"


@check("basic.cancel.nowait", ref="1.3-nowait")
def a_cancel_with_nowait_is_not_answered(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, "mine")
    channel.send(Cancel, consumer_tag="mine", nowait=True)
    assert channel.settle(queue).consumer_count == 0
    assert not channel.connection.pending(1)


@check("basic.cancel.no-more-deliveries", ref="1.3-cancel")
def nothing_is_delivered_after_cancel_ok(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    tag = channel.consume(queue)
    channel.call(Cancel, consumer_tag=tag)
    channel.publish(b"m", routing_key=queue)
    channel.await_count(queue, 1)
    assert not channel.arrived()


@check("basic.cancel.keeps-unacked", ref="1.3-cancel")
def what_was_delivered_stays_with_the_channel_after_a_cancel(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    tag = channel.consume(queue)
    channel.publish(b"m", routing_key=queue)
    event = channel.deliveries(1)[0]
    channel.call(Cancel, consumer_tag=tag)
    channel.await_count(queue, 0)
    channel.ack(event.tag)
    channel.sync()


@check("basic.cancel.by-server", ref="1.5-cancel-notify", ninth=18)
def a_consumer_is_told_when_its_queue_is_deleted(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, "mine")
    peer.channel().call(commands.Queue.Delete, queue=queue)
    cancel = channel.expect(Cancel)
    assert (cancel.consumer_tag, cancel.nowait) == ("mine", True)


@check("basic.cancel.by-server-own", ref="1.5-cancel-notify", ninth=18)
def a_consumer_is_told_when_it_deletes_the_queue_itself(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, "mine")
    channel.call(commands.Queue.Delete, queue=queue)
    assert channel.expect(Cancel).consumer_tag == "mine"


@check("basic.cancel.by-server-incapable", ref="1.5-cancel-notify", ninth=18)
def a_client_without_the_capability_is_not_told(peer: Peer) -> None:
    capabilities = {**CAPABILITIES, "consumer_cancel_notify": False}
    channel = peer.channel(capabilities=capabilities)
    queue, other = peer.queue(channel), peer.queue(channel)
    channel.consume(queue, "mine")
    peer.channel().call(commands.Queue.Delete, queue=queue)
    channel.settle(other)
    assert not channel.connection.pending(1)
    channel.consume(other, "mine")


@check("basic.get", ref="1.3-get", expect=(1, False, 2))
def get_ok_counts_what_is_left(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    for _ in range(3):
        channel.publish(b"m", routing_key=queue)
    event = channel.get_one(queue, no_ack=False)
    assert (event.tag, event.redelivered, event.method["message_count"]) == peer.expected


@check("basic.get.empty", ref="1.3-get")
def an_empty_queue_answers_get_empty(peer: Peer) -> None:
    channel = peer.channel()
    assert channel.get(peer.queue(channel)) is None


@check(
    "basic.get.queue-missing",
    ref="1.3-get",
    expect=Close(404, "no queue '{queue}' in vhost '/'", "channel"),
)
def getting_from_a_missing_queue(peer: Peer) -> None:
    queue = peer.name()
    peer.expect_close(peer.channel(), Get, fill={"queue": queue}, queue=queue)


@check("basic.get.tags-shared", ref="1.3-ack", ninth=6, expect=[1, 2, 3, 4])
def gets_and_deliveries_share_the_tags_of_a_channel(peer: Peer) -> None:
    channel = peer.channel()
    queue, other = peer.queue(channel), peer.queue(channel)
    tags = []
    for _ in range(2):
        channel.publish(b"m", routing_key=queue)
        event = channel.get_one(queue, no_ack=False)
        tags.append(event.tag)
        if len(tags) == 1:
            channel.consume(other)
        channel.publish(b"m", routing_key=other)
        tags.append(channel.deliveries(1)[0].tag)
    assert tags == peer.expected


@check("basic.consume.redelivered-after-death", ref="1.3-redelivered", ninth=7)
def what_a_dead_connection_held_is_redelivered(peer: Peer) -> None:
    first = peer.channel()
    queue = peer.queue(first)
    first.publish(b"m", routing_key=queue)
    first.consume(queue)
    assert not first.deliveries(1)[0].redelivered
    first.connection.close()
    second = peer.channel()
    second.consume(queue)
    assert second.deliveries(1)[0].redelivered


def _priority(value: object) -> dict[str, Any]:
    return {"arguments": {"x-priority": value}}


@check("basic.consume.priority", ref="1.5-consumer-priorities", expect=[b"high"] * 2 + [b"low"])
def the_higher_consumer_is_served_while_it_has_credit(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.call(commands.Basic.Qos, prefetch_count=2)
    channel.consume(queue, "low", **_priority(-5))
    channel.consume(queue, "high", **_priority(7))
    for _ in range(3):
        channel.publish(b"m", routing_key=queue)
    tags = [str(event.method["consumer_tag"]).encode() for event in channel.deliveries(3)]
    assert tags == peer.expected, tags


@check("basic.consume.priority-default", ref="1.5-consumer-priorities", expect="default")
def a_negative_priority_is_below_the_default(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.consume(queue, "low", no_ack=True, **_priority(-1))
    channel.consume(queue, "default", no_ack=True)
    for _ in range(3):
        channel.publish(b"m", routing_key=queue)
    tags = {event.method["consumer_tag"] for event in channel.deliveries(3)}
    assert tags == {peer.expected}


BAD_PRIORITIES = {
    f"priority-{kind}": Case(
        value,
        Close(
            406,
            "invalid arg 'x-priority' for queue '{queue}' in vhost '/': "
            f'"expected integer, got {kind}"',
            "channel",
        ),
    )
    for kind, value in (("longstr", "high"), ("double", 1.5), ("bool", True))
}


@cases("basic.consume.", BAD_PRIORITIES, ref="2.3-x-priority")
def a_priority_that_is_no_integer_is_refused(peer: Peer, value: object) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    fill: dict[str, object] = {"queue": queue}
    peer.expect_close(channel, Consume, fill=fill, queue=queue, **_priority(value))


@check("queue.single-active-consumer", ref="2.4-single-active", expect=["first", "second"])
def one_consumer_is_active_and_the_next_takes_over(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-single-active-consumer": True})
    for tag in ("first", "second"):
        channel.consume(queue, tag, no_ack=True)
    seen: list[str] = []
    for _ in range(2):
        for _ in range(4):
            channel.publish(b"m", routing_key=queue)
        tags = {str(event.method["consumer_tag"]) for event in channel.deliveries(4)}
        assert len(tags) == 1, tags
        seen += tags
        channel.call(Cancel, consumer_tag=seen[-1])
    assert seen == peer.expected


@check("queue.single-active-consumer.exclusive", ref="2.3-sac-exclusive", expect=EXCLUSIVE)
def an_exclusive_consumer_is_refused_by_a_single_active_queue(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-single-active-consumer": True})
    peer.expect_close(channel, Consume, fill={"queue": queue}, queue=queue, exclusive=True)


@check("queue.single-active-consumer.get", ref="2.3-sac-get")
def a_classic_single_active_queue_allows_get(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-single-active-consumer": True})
    channel.publish(b"m", routing_key=queue)
    assert channel.get(queue) is not None


SAC_GET = (
    "cannot obtain access to locked queue '{queue}' in vhost '/'. basic.get operations are not "
    "supported by {type} queues with single active consumer"
)


@check(
    "queue.quorum.single-active-get",
    ref="2.3-sac-get",
    expect=Close(405, SAC_GET.replace("{type}", '<<"quorum">>'), "channel"),
    rabbitmq_310=Differs(
        "3.10 prints the type as a word, later versions as a binary",
        Close(405, SAC_GET.replace("{type}", "quorum"), "channel"),
    ),
)
def a_quorum_single_active_queue_refuses_get(peer: Peer) -> None:
    channel = peer.channel()
    arguments = {"x-queue-type": "quorum", "x-single-active-consumer": True}
    queue = peer.queue(channel, durable=True, arguments=arguments)
    channel.publish(b"m", routing_key=queue)
    peer.expect_close(channel, Get, fill={"queue": queue}, queue=queue)


@check("queue.quorum.consume-exclusive", ref="2.3-quorum-exclusive", expect="consume-ok")
def a_quorum_queue_ignores_exclusive(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, durable=True, arguments={"x-queue-type": "quorum"})
    channel.consume(queue, exclusive=True)
