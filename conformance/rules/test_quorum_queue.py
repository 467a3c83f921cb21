"""Quorum queues: deliveries that come back are counted, and limited (§2.5)."""

import time
from typing import Any

from conformance.check import Differs, check
from conformance.client import Channel
from conformance.peer import Peer


def _quorum(peer: Peer, channel: Channel, **arguments: Any) -> str:  # noqa: ANN401
    return peer.queue(channel, durable=True, arguments={"x-queue-type": "quorum", **arguments})


@check("queue.quorum.x-delivery-count", ref="2.5-headers", expect=[0, 1, None, 1])
def a_quorum_queue_counts_returns_and_says_so_of_what_is_got_always(peer: Peer) -> None:
    channel = peer.channel()
    queue = _quorum(peer, channel)
    channel.publish(b"m", routing_key=queue)
    events = [channel.get_soon_unacked(queue)]
    channel.reject(events[0].tag, requeue=True)
    events.append(channel.get_soon(queue))
    channel.consume(queue)
    channel.publish(b"m", routing_key=queue)
    events += channel.deliveries(1)
    channel.reject(events[-1].tag, requeue=True)
    events += channel.deliveries(1)
    headers = [event.headers if "headers" in event.properties else {} for event in events]
    counts = [found.get("x-delivery-count") for found in headers]
    assert all(count is None or count.tag == "l" for count in counts), counts
    assert [count and count.value for count in counts] == peer.expected, counts


@check("queue.quorum.delivery-limit", ref="2.5-limit", expect=3)
def a_message_over_the_limit_is_dropped(peer: Peer) -> None:
    channel = peer.channel()
    queue = _quorum(peer, channel, **{"x-delivery-limit": 2})
    channel.publish(b"m", routing_key=queue)
    deliveries = 0
    for _ in range(peer.expected):
        channel.reject(channel.get_soon_unacked(queue).tag, requeue=True)
        deliveries += 1
    time.sleep(0.1)
    assert channel.get(queue) is None, f"delivered more than {deliveries} times"


@check("queue.quorum.redelivered", ref="2.5-headers")
def a_returned_message_of_a_quorum_queue_is_redelivered(peer: Peer) -> None:
    channel = peer.channel()
    queue = _quorum(peer, channel)
    channel.publish(b"m", routing_key=queue)
    channel.reject(channel.get_soon_unacked(queue).tag, requeue=True)
    assert channel.get_soon(queue).redelivered


DEFAULT_LIMIT = 20


@check(
    "queue.quorum.delivery-limit-default",
    ref="0-delivery-limit",
    expect="gone",
    on_purpose=Differs(
        "a limit of 20, as in RabbitMQ 4: a poison message must not spin for ever", "still there"
    ),
)
def a_quorum_queue_without_a_limit_of_its_own(peer: Peer) -> None:
    channel = peer.channel()
    queue = _quorum(peer, channel)
    channel.publish(b"m", routing_key=queue)
    for _ in range(DEFAULT_LIMIT + 1):
        channel.reject(channel.get_soon_unacked(queue).tag, requeue=True)
    if peer.expected == "gone":
        time.sleep(0.1)
        assert channel.get(queue) is None, "the message is still there"
    else:
        assert channel.get_soon(queue).body == b"m"


@check("queue.quorum.order", ref="2.4-order")
def a_quorum_queue_keeps_the_order(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _quorum(peer, channel)
    bodies = [b"%d" % index for index in range(50)]
    for body in bodies:
        channel.publish(body, routing_key=queue)
    channel.consume(queue)
    assert channel.bodies(50) == bodies
