"""TTL, expiry of queues, length limits and priorities (§2.2, §2.4)."""

import time
from typing import Any

from pamqp import commands

from conformance.check import Case, cases, check
from conformance.client import Channel
from conformance.events import ClosedByPeerError
from conformance.peer import Peer

SHORT_MS = 60
TIMEOUT_S = 3.0


@check("queue.ttl.queue", ref="2.4-ttl", ninth=11)
def messages_of_a_queue_expire(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-message-ttl": 8 * SHORT_MS})
    for _ in range(3):
        channel.publish(b"m", routing_key=queue)
    channel.await_count(queue, 3)
    channel.await_count(queue, 0)


@check("queue.ttl.message", ref="2.4-ttl", ninth=11)
def a_message_expires_by_itself(peer: Peer) -> None:
    channel = peer.confirming()
    queue = peer.queue(channel)
    channel.publish_confirmed(b"m", routing_key=queue, expiration=str(SHORT_MS))
    channel.publish_confirmed(b"stays", routing_key=queue)
    channel.await_count(queue, 1)
    event = channel.get(queue)
    assert event is not None, "the other went too"
    assert event.body == b"stays"


@cases(
    "queue.ttl.lower-is-",
    {"queue": Case((SHORT_MS, 60_000), "gone"), "message": Case((60_000, SHORT_MS), "gone")},
    ref="2.4-ttl-min",
    ninth=11,
)
def the_lower_ttl_holds(peer: Peer, given: tuple[int, int]) -> None:
    of_queue, of_message = given
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-message-ttl": of_queue})
    channel.publish(b"m", routing_key=queue, expiration=str(of_message))
    channel.await_count(queue, 0)


@check("queue.ttl.0", ref="2.4-ttl", ninth=11)
def a_ttl_of_0_expires_what_is_not_delivered_at_once(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-message-ttl": 0})
    channel.publish(b"lost", routing_key=queue)
    channel.await_count(queue, 0)
    channel.consume(queue, no_ack=True)
    channel.publish(b"delivered", routing_key=queue)
    assert channel.bodies(1) == [b"delivered"]


@check("queue.ttl.0-per-message", ref="2.4-ttl", ninth=11)
def an_expiration_of_0_works_the_same(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.publish(b"lost", routing_key=queue, expiration="0")
    channel.await_count(queue, 0)
    channel.consume(queue, no_ack=True)
    channel.publish(b"delivered", routing_key=queue, expiration="0")
    assert channel.bodies(1) == [b"delivered"]


@check("queue.ttl.head-only", ref="2.4-ttl", ninth=11, expect=[b"long", b"after"])
def what_has_expired_is_never_delivered(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.publish(b"long", routing_key=queue, expiration="60000")
    channel.publish(b"short", routing_key=queue, expiration=str(SHORT_MS))
    channel.publish(b"after", routing_key=queue)
    time.sleep(2 * SHORT_MS / 1000)
    channel.consume(queue, no_ack=True)
    assert channel.bodies(2) == peer.expected


@check("queue.ttl.requeue", ref="2.4-ttl-min", ninth=11)
def a_requeued_message_keeps_its_expiry(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-message-ttl": 3 * SHORT_MS})
    channel.publish(b"m", routing_key=queue)
    event = channel.get_one(queue, no_ack=False)
    time.sleep(4 * SHORT_MS / 1000)
    channel.nack(event.tag)
    channel.settle(queue)
    assert channel.get(queue) is None


@check("queue.ttl.unacked", ref="2.4-ttl", ninth=11)
def what_is_with_a_consumer_does_not_expire(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-message-ttl": SHORT_MS})
    channel.publish(b"m", routing_key=queue)
    event = channel.get_one(queue, no_ack=False)
    time.sleep(2 * SHORT_MS / 1000)
    channel.ack(event.tag)
    channel.sync()


def _gone(channel: Channel, queue: str) -> bool:
    try:
        channel.declare(queue, passive=True)
    except ClosedByPeerError as error:
        channel.call(commands.Channel.Open)
        return error.closed.code == 404
    return False


def _await_gone(channel: Channel, queue: str, timeout_s: float = TIMEOUT_S) -> None:
    deadline_s = time.monotonic() + timeout_s
    # A passive declare renews the time until expiry, so it is made rarely enough to let it end.
    while not _gone(channel, queue):
        assert time.monotonic() < deadline_s, "the queue did not expire"
        time.sleep(12 * SHORT_MS / 1000)


@check("queue.expires", ref="2.2-expires", ninth=12)
def an_unused_queue_expires(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-expires": SHORT_MS})
    channel.publish(b"m", routing_key=queue)
    time.sleep(3 * SHORT_MS / 1000)
    _await_gone(channel, queue)


EXPIRES_MS = 800
USES: dict[str, Case[str]] = {
    use: Case(use, "renewed") for use in ("get", "redeclare", "redeclare-passive")
}


@cases("queue.expires.renewed-by-", USES, ref="2.2-expires", ninth=12)
def use_renews_the_lease_of_a_queue(peer: Peer, use: str) -> None:
    channel = peer.channel()
    arguments = {"x-expires": EXPIRES_MS}
    queue = peer.queue(channel, arguments=arguments)
    started_s = time.monotonic()
    while time.monotonic() - started_s < 2 * EXPIRES_MS / 1000:
        time.sleep(EXPIRES_MS / 4000)
        if use == "get":
            channel.get(queue)
        elif use == "redeclare":
            channel.declare(queue, arguments=arguments)
        else:
            channel.declare(queue, passive=True)


@check("queue.expires.consumer", ref="2.2-expires", ninth=12)
def a_queue_with_a_consumer_does_not_expire(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-expires": 8 * SHORT_MS})
    tag = channel.consume(queue)
    time.sleep(12 * SHORT_MS / 1000)
    channel.call(commands.Basic.Cancel, consumer_tag=tag)
    _await_gone(channel, queue)


@check("queue.expires.not-dead-lettered", ref="2.2-expires", ninth=12)
def messages_of_an_expired_queue_are_not_dead_lettered(peer: Peer) -> None:
    channel = peer.channel()
    target = peer.queue(channel)
    arguments = {
        "x-expires": SHORT_MS,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": target,
    }
    queue = peer.queue(channel, arguments=arguments)
    channel.publish(b"m", routing_key=queue)
    _await_gone(channel, queue)
    channel.await_count(target, 0)


LIMITS: dict[str, dict[str, Any]] = {
    "length": {"x-max-length": 3},
    "bytes": {"x-max-length-bytes": 30},
    "both": {"x-max-length": 3, "x-max-length-bytes": 1000},
    "explicit": {"x-max-length": 3, "x-overflow": "drop-head"},
}
NEWEST = [b"3 xxxxxxxx", b"4 xxxxxxxx", b"5 xxxxxxxx"]


@cases(
    "queue.max-length.drop-head-",
    {key: Case(arguments, NEWEST) for key, arguments in LIMITS.items()},
    ref="2.4-max-length",
    ninth=27,
)
def the_oldest_make_room_for_the_newest(peer: Peer, arguments: dict[str, Any]) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments=arguments)
    for index in range(6):
        channel.publish(b"%d xxxxxxxx" % index, routing_key=queue)
    channel.settle(queue)
    assert [event.body for event in channel.drain(queue)] == peer.expected


@check("queue.max-length.0", ref="2.4-max-length", ninth=27)
def a_queue_of_length_0_passes_on_and_keeps_nothing(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-max-length": 0})
    channel.publish(b"lost", routing_key=queue)
    channel.await_count(queue, 0)
    channel.consume(queue, no_ack=True)
    channel.publish(b"delivered", routing_key=queue)
    assert channel.bodies(1) == [b"delivered"]


@check("queue.max-length.unacked", ref="2.4-max-length", ninth=27)
def what_is_unacknowledged_does_not_count(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-max-length": 2})
    for body in (b"1", b"2"):
        channel.publish(body, routing_key=queue)
    channel.settle(queue)
    for _ in range(2):
        channel.get(queue, no_ack=False)
    for body in (b"3", b"4"):
        channel.publish(body, routing_key=queue)
    channel.await_count(queue, 2)


@check("queue.max-length-bytes.properties", ref="2.4-max-length", ninth=27)
def the_byte_limit_counts_bodies_alone(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-max-length-bytes": 20})
    for _ in range(2):
        channel.publish(b"0123456789", routing_key=queue, headers={"filler": "x" * 500})
    channel.await_count(queue, 2)


@cases(
    "queue.overflow.",
    {
        "reject-publish": Case({"x-max-length": 2, "x-overflow": "reject-publish"}, [b"0", b"1"]),
        "reject-publish-bytes": Case(
            {"x-max-length-bytes": 2, "x-overflow": "reject-publish"}, [b"0", b"1"]
        ),
        "reject-publish-dlx": Case(
            {"x-max-length": 2, "x-overflow": "reject-publish-dlx"}, [b"0", b"1"]
        ),
    },
    ref="2.4-reject-publish",
    ninth=27,
)
def a_full_queue_drops_the_newest_of_publishers_that_do_not_confirm(
    peer: Peer, arguments: dict[str, Any]
) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments=arguments)
    for index in range(5):
        channel.publish(b"%d" % index, routing_key=queue)
    channel.settle(queue)
    assert [event.body for event in channel.drain(queue)] == peer.expected


@check("queue.overflow.reject-publish-room", ref="2.4-reject-publish", ninth=27)
def a_queue_that_has_room_again_accepts_again(peer: Peer) -> None:
    channel = peer.confirming()
    queue = peer.queue(channel, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    kinds = []
    for index in range(3):
        kinds.append(type(channel.publish_confirmed(b"%d" % index, routing_key=queue)))
        if index == 1:
            channel.get(queue)
    assert kinds == [commands.Basic.Ack, commands.Basic.Nack, commands.Basic.Ack]


@check("queue.overflow.drop-head-confirms", ref="2.4-max-length", ninth=27)
def what_drops_from_the_head_is_acked_all_the_same(peer: Peer) -> None:
    channel = peer.confirming()
    queue = peer.queue(channel, durable=True, arguments={"x-max-length": 1})
    for index in range(5):
        kind = channel.publish_confirmed(b"%d" % index, routing_key=queue, delivery_mode=2)
        assert isinstance(kind, commands.Basic.Ack)
    channel.await_count(queue, 1)


@check(
    "queue.priority.order",
    ref="2.4-priority",
    expect=[b"9-a", b"5-a", b"5-b", b"1-a", b"none-a", b"none-b"],
)
def higher_priorities_come_first_and_equals_in_order(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-max-priority": 9})
    channel.publish(b"none-a", routing_key=queue)
    for body, priority in ((b"5-a", 5), (b"1-a", 1), (b"9-a", 9), (b"5-b", 5)):
        channel.publish(body, routing_key=queue, priority=priority)
    channel.publish(b"none-b", routing_key=queue)
    channel.settle(queue)
    bodies = [event.body for event in channel.drain(queue)]
    assert bodies == peer.expected, bodies


@check("queue.priority.above-maximum", ref="2.4-priority", expect=[b"9", b"200", b"0"])
def a_priority_above_the_maximum_is_the_maximum(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-max-priority": 3})
    for body, priority in ((b"0", 0), (b"9", 9), (b"200", 200)):
        channel.publish(body, routing_key=queue, priority=priority)
    channel.settle(queue)
    assert [event.body for event in channel.drain(queue)] == peer.expected


@check("queue.priority.ignored", ref="2.4-priority", expect=[b"low", b"high"])
def a_queue_without_priorities_ignores_them(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.publish(b"low", routing_key=queue, priority=1)
    channel.publish(b"high", routing_key=queue, priority=9)
    channel.settle(queue)
    assert [event.body for event in channel.drain(queue)] == peer.expected


@check("queue.priority.requeue", ref="2.4-priority", expect=[b"high", b"low-1", b"low-2"])
def a_requeued_message_keeps_its_priority_and_place(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-max-priority": 5})
    channel.publish(b"low-1", routing_key=queue, priority=1)
    channel.publish(b"low-2", routing_key=queue, priority=1)
    event = channel.get_one(queue, no_ack=False)
    channel.publish(b"high", routing_key=queue, priority=5)
    channel.nack(event.tag)
    channel.settle(queue)
    assert [event.body for event in channel.drain(queue)] == peer.expected


@check("queue.priority.drop-head", ref="2.4-priority", ninth=27, expect=[b"low", b"low"])
def a_full_priority_queue_drops_the_highest_first(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-max-priority": 5, "x-max-length": 2})
    channel.publish(b"high", routing_key=queue, priority=5)
    for _ in range(2):
        channel.publish(b"low", routing_key=queue, priority=1)
    channel.settle(queue)
    assert [event.body for event in channel.drain(queue)] == peer.expected


@check("queue.priority.prefetch", ref="2.4-prefetch-priority", expect=[b"low", b"high"])
def an_idle_consumer_without_a_prefetch_takes_what_comes_first(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-max-priority": 5})
    channel.consume(queue)
    bodies = []
    # One publish at a time: of two that arrive together, the higher priority may come first.
    for body, priority in ((b"low", 1), (b"high", 5)):
        channel.publish(body, routing_key=queue, priority=priority)
        bodies += channel.bodies(1)
    assert bodies == peer.expected


@check("queue.priority.purge", ref="2.4-priority", expect=6)
def a_purge_takes_all_priorities(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-max-priority": 5})
    for priority in range(6):
        channel.publish(b"m", routing_key=queue, priority=priority)
    channel.settle(queue)
    assert channel.call(commands.Queue.Purge, queue=queue).message_count == peer.expected
