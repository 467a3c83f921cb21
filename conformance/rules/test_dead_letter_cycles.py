"""Dead letters that come back to a queue where they died before (§2.6)."""

import time
from typing import Any

from conformance import fields
from conformance.check import check
from conformance.client import Channel
from conformance.peer import Peer

SHORT_MS = 40


def _ring(peer: Peer, channel: Channel, **arguments: Any) -> tuple[str, str]:  # noqa: ANN401
    """Two queues that dead-letter to each other by the default exchange."""
    names = peer.name("work"), peer.name("wait")
    for name, other in (names, names[::-1]):
        channel.declare(
            name,
            arguments={
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": other,
                **(arguments if name == names[1] else {}),
            },
        )
    return names


@check("dead-letter.x-death.count", ref="2.6-repeat", ninth=8, expect=[1, 2, 3])
def the_same_death_again_counts_up_in_one_entry(peer: Peer) -> None:
    channel = peer.channel()
    work, wait = _ring(peer, channel, **{"x-message-ttl": SHORT_MS})
    channel.publish(b"m", routing_key=work)
    counts = []
    for _ in range(3):
        channel.reject(channel.get_soon_unacked(work).tag, requeue=False)
        event = channel.get_soon_unacked(work)
        deaths = fields.plain(event.headers)["x-death"]
        assert {(death["queue"], death["reason"]) for death in deaths} == {
            (work, "rejected"),
            (wait, "expired"),
        }
        assert (deaths[0]["queue"], len(deaths)) == (wait, 2)
        counts.append(deaths[1]["count"])
        channel.nack(event.tag, requeue=True)
    assert counts == peer.expected, counts


@check("dead-letter.cycle.dropped", ref="2.6-cycle", ninth=9)
def a_cycle_without_a_rejection_ends(peer: Peer) -> None:
    channel = peer.channel()
    work, wait = peer.name("work"), peer.name("wait")
    for name, other in ((work, wait), (wait, work)):
        arguments = {
            "x-message-ttl": SHORT_MS,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": other,
        }
        channel.declare(name, arguments=arguments)
    channel.publish(b"m", routing_key=work)
    time.sleep(6 * SHORT_MS / 1000)
    counts = [channel.settle(name).message_count for name in (work, wait)]
    assert counts == [0, 0], counts


@check("dead-letter.cycle.self", ref="2.6-cycle", ninth=9)
def a_queue_that_expires_into_itself_drops(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.name()
    arguments = {
        "x-message-ttl": SHORT_MS,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
    }
    channel.declare(queue, arguments=arguments)
    channel.publish(b"m", routing_key=queue)
    time.sleep(4 * SHORT_MS / 1000)
    channel.await_count(queue, 0)


@check("dead-letter.cycle.rejected", ref="2.6-cycle", ninth=9)
def a_cycle_with_a_rejection_goes_on(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.name()
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue}
    channel.declare(queue, arguments=arguments)
    channel.publish(b"m", routing_key=queue)
    for _ in range(5):
        channel.reject(channel.get_soon_unacked(queue).tag, requeue=False)
    assert channel.get_soon(queue).body == b"m"
