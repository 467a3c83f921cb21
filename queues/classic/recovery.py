"""Makes the messages that a restart found ready again, each at its old place."""

from queues.classic.priority_ready import PriorityReady
from queues.classic.ready import Lane, Ready
from queues.classic.spilled import Spilled
from queues.classic.stored import Stored
from queues.log_port import QueueLog, RecoveredLane, RecoveredMessages
from queues.tail import QueueMemory


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
        recover_lane(lane, log, ready.memory, each, found, counts)
    if isinstance(ready, PriorityReady):
        ready.delivered_below = found.redeliver_below
        ready.recount()


def recover_lane(
    lane: Lane,
    log: QueueLog,
    memory: QueueMemory,
    messages: RecoveredLane,
    found: RecoveredMessages,
    counts: dict[int, int] | None = None,
) -> None:
    """Fill an empty lane.

    Args:
        lane: nothing was ever in it.
        log: has the stored messages.
        memory: of the queue.
        messages: those of the lane.
        found: those of the queue.
        counts: how often messages came back, by position, for all lanes; None where none does.
    """
    lane.head.redeliver_below = found.redeliver_below
    spilled = Spilled(messages.lane, log, lane.head, lane.requeued, memory)
    spilled.remember({} if counts is None else counts)
    stored = Stored(0, found.next_position, messages.unstored)
    spilled.recover(stored, messages.stored_count, messages.stored_body_bytes)
    lane.spilled = None if spilled.is_done else spilled
