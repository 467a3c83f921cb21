"""What a queue says of itself: its counters and what is in it now, without a look at a message."""

from queues.batch import Batch
from queues.classic.backlog import Backlog
from queues.counters import QueueCounters, QueueCounts


def note_get(counters: QueueCounters, batch: Batch | None, *, no_ack: bool) -> None:
    """Count a get, which found a message or none."""
    if batch is None:
        counters.got_empty_count += 1
    elif no_ack:
        counters.got_no_ack_count += 1
    else:
        counters.got_count += 1


def counts_of(backlog: Backlog, consumer_count: int) -> QueueCounts:
    """Return how a queue is, and what happened in it."""
    counters, ready = backlog.counters, backlog.ready
    given_back_count = counters.requeued_count + counters.discarded_count
    return QueueCounts(
        ready_count=ready.count,
        ready_bytes=ready.body_bytes,
        unacked_count=counters.unacked_count,
        unacked_bytes=counters.unacked_bytes,
        memory_bytes=ready.memory.used_bytes,
        dying_count=backlog.moves.count,
        consumer_count=consumer_count,
        published=ready.next_position - backlog.published_from,
        delivered=counters.taken_count - counters.got_count,
        delivered_no_ack=counters.taken_no_ack_count - counters.got_no_ack_count,
        got=counters.got_count,
        got_no_ack=counters.got_no_ack_count,
        got_empty=counters.got_empty_count,
        redelivered=counters.redelivered_count,
        acked=counters.settled_count - given_back_count,
        requeued=counters.requeued_count,
        discarded=counters.discarded_count,
        refused=counters.refused_count,
        purged=counters.purged_count,
        dead_lettered=counters.dead_lettered,
        dropped=counters.dropped,
        moved_safely=counters.moved_safely_count,
        dead_lettered_safely=counters.dead_lettered_safely,
    )


def spilled_of(backlog: Backlog) -> tuple[int, int]:
    """Return how many messages lie behind the heads of lanes that have spilled; sum of bodies."""
    spilled = [lane.spilled for _, lane in backlog.ready.lanes() if lane.spilled is not None]
    return sum([each.count for each in spilled]), sum([each.body_bytes for each in spilled])
