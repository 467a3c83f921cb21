"""What a restart found becomes the ready messages of a queue: each at its old place."""

from queues.batch import Entry
from queues.ports import QueueLog, QueueSlice, RecoveredMessages
from queues.priority_ready import PriorityReady
from queues.ready import Ready


def recover(ready: Ready | PriorityReady, log: QueueLog, found: RecoveredMessages) -> None:
    """Fill an empty queue with what was found.

    Args:
        ready: nothing was ever in it.
        log: has what is stored.
        found: says what that is, and holds the rest.
    """
    ready.begin_at(found.next_position)
    for lane in found.lanes:
        slices = list(lane.unstored)
        position = 0
        page = log.page_in(lane.lane, position, found.next_position) if lane.stored_count else None
        while page is not None and page.messages is not None:
            slices.append(page.messages)
            position = page.messages.positions[-1] + 1
            page = log.page_in(lane.lane, position, found.next_position)
        for piece in slices:
            ready.requeue(_entries(piece, found))


def _entries(piece: QueueSlice, found: RecoveredMessages) -> list[Entry]:
    expires = piece.expires_at_ms
    each = [expires] * len(piece.positions) if isinstance(expires, int) else list(expires)
    return [
        Entry(
            position,
            record,
            expires_at_ms,
            max(found.returned.get(position, 0), position < found.redeliver_below),
        )
        for position, record, expires_at_ms in zip(
            piece.positions, piece.records, each, strict=True
        )
    ]
