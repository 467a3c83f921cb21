"""The differences that are on purpose, each with its reason, and described as narrowly as possible.

Checks declare differences too; the generator makes no scripts that meet those. Both kinds are
listed in ``docs/DEVIATIONS.md``.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from conformance.random import situations
from conformance.random.situations import Situation


class Declared(NamedTuple):
    """One difference that is on purpose.

    Attributes:
        name: its name in the summary.
        haremq: what HareMQ does.
        rabbitmq: what RabbitMQ does.
        why: the reason.
        is_it: returns whether a difference is this one.
    """

    name: str
    haremq: str
    rabbitmq: str
    why: str
    is_it: Callable[[Situation], bool]


DECLARED: Sequence[Declared] = (
    Declared(
        "end-of-channel",
        "A channel, or all channels of a connection, end at once. None of them gets a message any "
        "more.",
        "A channel ends queue by queue, and channels end one after another. A queue may give a "
        "message to a consumer that is about to end, and one without acks loses it.",
        "a consumer that has gone must get no message",
        situations.goes_to_who_ends,
    ),
    Declared(
        "order-between-queues",
        "Deliveries of several queues to one channel come in the order in which the queues had "
        "messages to deliver.",
        "Queues are processes, and race for the channel. One queue may win often.",
        "only the order within a queue is promised",
        situations.parts_between_queues,
    ),
    Declared(
        "active-by-priority",
        "The consumer of a quorum queue with the highest priority becomes the single active one.",
        "The first consumer becomes the single active one, and after it the next that came.",
        "RabbitMQ 4 does the same",
        situations.is_active_by_priority,
    ),
    Declared(
        "first-death-of-client-history",
        "x-first-death-* describe the first death here, even if a client sent an x-death.",
        "They are missing if a client sent an x-death.",
        "a consumer that reads them should find them",
        situations.first_death_is_told,
    ),
    Declared(
        "deaths-most-recent-first",
        "x-death has the most recent death first, as in RabbitMQ 3.13.",
        "Each further death reverses the order of the others.",
        "a stable order can be used",
        situations.deaths_in_another_order,
    ),
    Declared(
        "requeue-by-consumer",
        "Messages that a channel requeues together are delivered again in the order of the queue.",
        "Messages come back consumer by consumer, and those of one are delivered before those of "
        "the next.",
        "the queue keeps its order",
        situations.returns_by_consumer,
    ),
    Declared(
        "get-before-global-qos",
        "A global prefetch counts only deliveries to consumers.",
        "It also counts messages of earlier gets, and never stops counting them.",
        "a consumer must not wait for ever",
        situations.counts_what_a_get_took,
    ),
    Declared(
        "held-at-global-qos",
        "A global prefetch counts unacked deliveries, also those settled in an open transaction.",
        "It does not count the latter when it begins, but subtracts them at the commit.",
        "a settlement holds only after its commit",
        situations.is_held_by_a_transaction,
    ),
    Declared(
        "bound-before-commit",
        "Publishes of a transaction are routed by the bindings at its commit.",
        "They are routed when they are published, and delivered at the commit.",
        "a publish holds only after its commit",
        situations.is_bound_before_the_commit,
    ),
    Declared(
        "namesake-of-a-deleted-queue",
        "Unacked deliveries of a deleted queue are gone with it.",
        "A settlement of them goes to a new queue of that name. It may deliver another message "
        "twice, or crash that queue.",
        "a new queue must not get messages of the old one",
        situations.is_settled_for_a_namesake,
    ),
    Declared(
        "limit-of-quorum",
        "A quorum queue with reject-publish refuses messages over x-max-length.",
        "It takes one message more, and all that come before it has reported that it refuses.",
        "the limit is exact",
        situations.is_at_limit_of_quorum,
    ),
    Declared(
        "no-ack-window-of-quorum",
        "A prefetch has no effect on a consumer without acks, in every kind of queue.",
        "A quorum queue delivers that many at a time, and then serves other consumers first.",
        "a delivery without an ack counts in no prefetch",
        situations.is_without_acks_from_quorum,
    ),
    Declared(
        "returns-to-quorum",
        "A message requeued to a quorum queue takes its old place, as in a classic queue.",
        "Requeued messages are delivered before all others, in the order in which they came back.",
        "a requeue should not change the order",
        situations.returns_to_a_quorum_queue,
    ),
    Declared(
        "expiry-before-other-priorities",
        "A message that expires in front of others in a priority queue is dropped at once.",
        "It stays, and may be delivered, until the queue checks again. A publish checks only if "
        "the queue was empty.",
        "an expired message must not be delivered",
        situations.expires_behind_others,
    ),
)


def declared(situation: Situation, known: Sequence[Declared] = DECLARED) -> Declared | None:
    """Return the declared difference that this is, or None."""
    return next((row for row in known if row.is_it(situation)), None)
