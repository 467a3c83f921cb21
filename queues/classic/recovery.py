"""Makes the messages that a restart found ready again, each at its old place."""

from queues.classic.priority_ready import PriorityReady
from queues.classic.ready import Lane, Ready
from queues.classic.spilled import Spilled, Stored
from queues.log_port import QueueLog, RecoveredMessages


def recover(ready: Ready | PriorityReady, log: QueueLog, found: RecoveredMessages) -> None:
    """Fill an empty queue with the recovered messages; read only the first stored ones.

    Args:
        ready: nothing was ever in it.
        log: has the stored messages.
        found: says which messages are stored, and holds the others.
    """
    assert not ready.count, "recovery comes first"
    assert not ready.next_position, "and positions begin with it"
    ready.next_position = found.next_position
    counts = dict(found.requeued)
    for each in found.lanes:
        lane = ready if isinstance(ready, Lane) else ready.lane(each.lane)
        lane.head.redeliver_below = found.redeliver_below
        spilled = Spilled(each.lane, log, lane.head, lane.requeued, ready.memory)
        spilled.remember(counts)
        stored = Stored(0, found.next_position, each.unstored)
        spilled.recover(stored, each.stored_count, each.stored_body_bytes)
        lane.spilled = None if spilled.is_done else spilled
    if isinstance(ready, PriorityReady):
        ready.delivered_below = found.redeliver_below
        ready.recount()
