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
    # In the order of the fields: with their names it takes thrice as long, of ten thousand queues.
    return QueueCounts._make(
        (
            ready.count,
            ready.body_bytes,
            counters.taken_count - counters.settled_count,  # unacked
            counters.taken_bytes - counters.settled_bytes,
            ready.memory.used_bytes,
            backlog.moves.count,  # dying
            consumer_count,
            ready.next_position - backlog.published_from,  # published
            counters.taken_count - counters.got_count,  # delivered
            counters.taken_no_ack_count - counters.got_no_ack_count,
            counters.got_count,
            counters.got_no_ack_count,
            counters.got_empty_count,
            counters.redelivered_count,
            counters.settled_count - given_back_count,  # acked
            counters.requeued_count,
            counters.discarded_count,
            counters.refused_count,
            counters.purged_count,
            counters.moved_safely_count,
            0,  # duplicates: of queues that tell them, which add their own
            counters.dead_lettered,
            counters.dropped,
            counters.dead_lettered_safely,
        )
    )


def spilled_of(backlog: Backlog) -> tuple[int, int]:
    """Return how many messages lie behind the heads of lanes that have spilled; sum of bodies."""
    count = size_bytes = 0
    for _, lane in backlog.ready.lanes():
        if lane.spilled is not None:
            count += lane.spilled.count
            size_bytes += lane.spilled.body_bytes
    return count, size_bytes
