"""Counting of the rarer events on a channel; the usual ones are counted where they happen."""

from collections.abc import Sequence
from typing import Protocol

from amqp_server.broker.counts import ChannelCounts
from amqp_server.broker.publish_target import Targets, count_unlike_most
from amqp_server.protocol.confirms import ConfirmTracker
from amqp_server.protocol.counters import ChannelCounters
from amqp_server.protocol.publishing import Plan
from queues.batch import Batch


def count_burst(
    counters: ChannelCounters, plans: Sequence[Plan], targets_of: Sequence[Targets], order: bytes
) -> None:
    """Count a published burst: in one step if it went through one exchange to single queues.

    Args:
        counters: of the channel.
        plans: the plan of each route.
        targets_of: where the messages of each route went.
        order: for each message the index of its route.
    """
    message_count = len(order)
    counters.published_count += message_count
    through = plans[0].counters
    if all([plan.counters is through for plan in plans]):
        through.published_count += message_count
        plans[0].published.beside += message_count
        if all(targets_of) and sum(map(len, targets_of)) == len(targets_of):
            return
    else:
        for index, plan in enumerate(plans):
            count = order.count(index)
            plan.counters.published_count += count
            plan.published.beside += count
    for index, targets in enumerate(targets_of):
        if len(targets) != 1:
            count = order.count(index)
            count_unlike_most(plans[index].counters, len(targets), count)
            if targets:
                counters.copies_count += (len(targets) - 1) * count
            else:
                counters.unroutable_count += count


def count_unroutable(counters: ChannelCounters, plan: Plan, count: int) -> None:
    """Count messages that reached no queue; the exchange has counted those as unroutable."""
    counters.unroutable_count += count
    if plan.mandatory:
        counters.return_count += count
        plan.counters.return_count += count


def count_got(counters: ChannelCounters, batch: Batch, *, no_ack: bool) -> None:
    """Count a message that a get took."""
    if no_ack:
        counters.got_no_ack_count += 1
    else:
        counters.got_count += 1
    if batch.redelivered:
        counters.redelivered_count += 1


class Tags(Protocol):
    """The delivery tags of a channel; ``protocol.unacked`` implements it."""

    @property
    def next_tag(self) -> int:
        """Of the next delivery."""

    @property
    def skipped_count(self) -> int:
        """Deliveries that needed no ack."""

    @property
    def count(self) -> int:
        """Deliveries that are not settled."""


def counts_of(
    counters: ChannelCounters, tags: Tags, confirms: ConfirmTracker | None
) -> ChannelCounts:
    """Return the state and the counters of a channel."""
    confirmed_count = rejected_count = unconfirmed_count = with_confirm_count = 0
    if confirms is not None:
        with_confirm_count = confirms.published
        confirmed_count, rejected_count = confirms.confirmed_count, confirms.rejected_count
        unconfirmed_count = with_confirm_count - confirmed_count - rejected_count
    tagged_count = tags.next_tag - 1 - tags.skipped_count
    given_back_count = counters.requeued_count + counters.discarded_count
    published_count = counters.all_published_count
    return ChannelCounts(
        unacked=tags.count,
        unconfirmed=unconfirmed_count,
        published=published_count,
        confirmed=confirmed_count,
        rejected=rejected_count,
        returns=counters.return_count,
        dropped=counters.unroutable_count - counters.return_count,
        delivered=tagged_count - counters.got_count,
        delivered_no_ack=tags.skipped_count - counters.got_no_ack_count,
        got=counters.got_count,
        got_no_ack=counters.got_no_ack_count,
        got_empty=counters.got_empty_count,
        redelivered=counters.redelivered_count,
        acked=tagged_count - tags.count - given_back_count,
        requeued=counters.requeued_count,
        discarded=counters.discarded_count,
        copies=counters.copies_count,
        with_confirm=with_confirm_count,
        publishing=1 if published_count else 0,
    )
