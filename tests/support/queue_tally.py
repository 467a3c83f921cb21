"""What happened in a queue, counted one by one by who saw it from outside."""

from dataclasses import dataclass, field

from queues.batch import Batch
from queues.counters import QueueCounts
from tests.support.consumer import FakeConsumer


@dataclass
class Tally:
    """Attributes: those of ``QueueCounts``, and what makes their sum come out.

    restored: messages that a restart found.
    deaths_before: how many had died before that.
    refused_dead: messages that were refused, and died of it.
    consumers: all that there were since then, those that have gone too.
    """

    restored: int = 0
    deaths_before: int = 0
    published: int = 0
    refused: int = 0
    refused_dead: int = 0
    got: int = 0
    got_no_ack: int = 0
    got_empty: int = 0
    got_redelivered: int = 0
    acked: int = 0
    requeued: int = 0
    discarded: int = 0
    purged: int = 0
    consumers: list[FakeConsumer] = field(default_factory=list)

    def publish(self, count: int, refused_count: int, *, refused_die: bool) -> None:
        self.published += count - refused_count
        self.refused += refused_count
        self.refused_dead += refused_count if refused_die else 0

    def get(self, batch: Batch, *, no_ack: bool) -> None:
        if no_ack:
            self.got_no_ack += 1
        else:
            self.got += 1
        self.got_redelivered += batch.redelivered

    def delivered(self, *, no_ack: bool) -> int:
        chosen = [one for one in self.consumers if one.no_ack is no_ack]
        return sum([len(batch.records) for one in chosen for batch in one.batches])

    def redelivered(self) -> int:
        batches = [batch for one in self.consumers for batch in one.batches]
        return sum([len(batch.records) for batch in batches if batch.redelivered])

    def check(self, counts: QueueCounts, dead_lettered: int, deaths: int) -> None:
        """Assert that a queue counts what was seen of it."""
        assert counts.published == self.published
        assert counts.refused == self.refused
        assert counts.delivered == self.delivered(no_ack=False)
        assert counts.delivered_no_ack == self.delivered(no_ack=True)
        assert (counts.got, counts.got_no_ack) == (self.got, self.got_no_ack)
        assert counts.got_empty == self.got_empty
        assert counts.redelivered == self.redelivered() + self.got_redelivered
        assert counts.acked == self.acked
        assert (counts.requeued, counts.discarded) == (self.requeued, self.discarded)
        assert counts.purged == self.purged
        assert dead_lettered == deaths - self.deaths_before
        died = [sum(pair) for pair in zip(counts.dead_lettered, counts.dropped, strict=True)]
        rejected, expired, maxlen, over_limit = died
        assert rejected + over_limit == self.discarded
        left_count = counts.delivered + counts.delivered_no_ack + counts.got + counts.got_no_ack
        went_count = expired + maxlen - self.refused_dead + counts.purged
        came_count = self.restored + counts.published + counts.requeued
        assert came_count == counts.ready_count + left_count + went_count, "none is counted twice"
        settled_count = counts.acked + counts.requeued + counts.discarded
        assert counts.delivered + counts.got == counts.unacked_count + settled_count
