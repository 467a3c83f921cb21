"""Unacked messages that their consumers do not ack: requeued to their old places, or rejected."""

from collections.abc import Sequence

from queues.batch import Batch
from queues.classic.backlog import DROPPED_PER_CALL_MAX, Backlog
from queues.classic.delivery import Delivery
from queues.classic.priority_ready import highest_first
from queues.effects import DeathReason
from queues.options import QueueOptions


class Nacks:
    """Takes unacked messages of one queue that come back, or that nobody wants.

    Attributes:
        options: of the queue, at present.
    """

    __slots__ = ("_backlog", "_delivery", "options")

    def __init__(self, backlog: Backlog, delivery: Delivery, options: QueueOptions) -> None:
        self._backlog = backlog
        self._delivery = delivery
        self.options = options

    def requeue(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Take messages back to their old places; each came back once more now.

        Messages over the delivery limit are dead-lettered instead, in the order given. The queue's
        limits hold for requeued messages too: the head is dropped, even if it is a requeued
        message.
        """
        limit = self.options.delivery_limit
        backlog, delivery = self._backlog, self._delivery
        for batch in batches:
            delivery.forget(len(batch), batch.body_bytes)
            count = batch.delivery_count + 1
            if limit is not None and count > limit:
                backlog.counters.discarded_count += len(batch)
                backlog.die(batch.positions, batch.records, DeathReason.DELIVERY_LIMIT)
                continue
            backlog.requeue(batch)
        backlog.drop_excess()
        backlog.drop_expired(now_ms, DROPPED_PER_CALL_MAX)

    def reject(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Drop messages for good, dead-lettered in order; of a priority queue the highest first."""
        backlog, delivery = self._backlog, self._delivery
        for batch in batches:
            delivery.forget(len(batch), batch.body_bytes)
            backlog.counters.discarded_count += len(batch)
        max_priority = self.options.max_priority
        if max_priority is None:
            for batch in batches:
                backlog.die(batch.positions, batch.records, DeathReason.REJECTED)
        else:
            for positions, records in highest_first(batches, max_priority):
                backlog.die(positions, records, DeathReason.REJECTED)
        backlog.drop_expired(now_ms, DROPPED_PER_CALL_MAX)
