"""Requeued messages, each at its old place before all that were never delivered.

    front   batches in order, the next to be taken
    behind  batches by their first position, all behind the front; they may lie across each other

Messages come back in the batches in which they were delivered, mostly whole and one behind the
other. So the cost of a requeue depends on the number of batches. Batches that lie across each other
(consumers in turn were dealt every n-th message), and short ones, are joined as they come to the
front, some at a time.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from sortedcontainers import SortedKeyList

from persistence.positions import joined, ranges_of
from persistence.record import Record
from queues.batch import BATCH_BYTES_MAX, Batch, QueuedMessage, batches_of, messages_of

JOINED_MAX: Final = 256
"""About so many messages are joined at a time."""

_SHORT: Final = 64
"""Batches below this are joined with those that follow."""


def _first_position(batch: Batch) -> int:
    return batch.positions[0]


def _new_behind() -> SortedKeyList[Batch, int]:
    return SortedKeyList(key=_first_position)


_NONE: Final = _new_behind()
"""The ``behind`` of all queues without requeued messages; most never need their own."""


class Requeued:
    """Requeued messages in the order of their positions, also those from before a restart.

    All were delivered before. Those from before a restart may have been.

    Attributes:
        count: how many there are; it is mostly 0, so reading it must be cheap.
        body_bytes: sum of their bodies, in bytes.

    Invariant: nothing is ever put into ``_NONE``.
    Invariant: positions are distinct; those of the front ascend and come before those behind it.
    Invariant: ``count`` and ``body_bytes`` are those of all batches.
    """

    __slots__ = ("_behind", "_front", "body_bytes", "count")

    def __init__(self) -> None:
        self._front: deque[Batch] = deque()
        self._behind = _NONE
        self.body_bytes = 0
        self.count = 0

    def __len__(self) -> int:
        return self.count

    @property
    def head_expires_at_ms(self) -> int:
        """When the first message expires (instant); 0 when it never does or there is none."""
        if not self.count:
            return 0
        expires = (self._front or self._behind)[0].expires_at_ms
        return 0 if expires is None else expires[0]

    def records(self) -> Iterator[Record]:
        """Return the messages, head first; costs a look at all of them."""
        return (message.record for message in self._messages())

    def add(self, batches: Iterable[Batch]) -> None:
        """Put messages back at their positions, in any order; each batch is *redelivered*."""
        if self._behind is _NONE:
            self._behind = _new_behind()
        for batch in batches:
            assert batch.redelivered, "what came back was delivered"
            self.body_bytes += batch.body_bytes
            self.count += len(batch)
            if self._front and batch.positions[0] < self._front[-1].positions[-1]:
                self._behind.update(self._front)
                self._front.clear()
            self._behind.add(batch)

    def take(self, max_count: int, now_ms: int, max_bytes: int = BATCH_BYTES_MAX) -> Batch | None:
        """Take live messages that are alike off the head; None if the head has expired.

        The batch ends with the message that takes its bodies to ``max_bytes``.
        """
        return self._take(max_count, now_ms, max_bytes, expired=False)

    def take_expired(
        self, max_count: int, now_ms: int, max_bytes: int = BATCH_BYTES_MAX
    ) -> Batch | None:
        """Take messages that are alike and have expired off the head; None if it has not."""
        return self._take(max_count, now_ms, max_bytes, expired=True)

    def clear(self) -> list[range]:
        """Forget every message; return the positions they had, contiguous, ascending."""
        batches = [*self._front, *self._behind]
        self._front.clear()
        self._behind = _NONE
        self.body_bytes = 0
        self.count = 0
        ranges = [batch.positions for batch in batches]
        if all([positions.step == 1 or len(positions) == 1 for positions in ranges]):
            return joined([range(each[0], each[-1] + 1) for each in ranges])
        return ranges_of(sorted([at for positions in ranges for at in positions]))

    def _take(self, max_count: int, now_ms: int, max_bytes: int, *, expired: bool) -> Batch | None:
        if not self._front:
            if not self._behind:
                return None
            self._bring_to_front()
        batch = self._front[0]
        count = min(max_count, len(batch))
        count = _alike_count(batch, count, now_ms, max_bytes, expired=expired)
        if count == 0:
            return None
        taken = self._front.popleft()
        if count < len(taken):
            self._front.appendleft(taken.part(count))
            taken = taken.part(0, 1, count)
        self.body_bytes -= taken.body_bytes
        self.count -= count
        return taken

    # -- the next ones --------------------------------------------------------------------------

    def _bring_to_front(self) -> None:
        """Bring the first batch to the front, or the joined first messages of several."""
        behind = self._behind
        head = behind.pop(0)
        across_count = behind.bisect_key_left(head.positions[-1])
        if not across_count and (len(head) >= _SHORT or not behind):
            self._front.append(head)
            return
        share_count = max(JOINED_MAX // (across_count + 1), 1)
        stop = head.positions[min(share_count, len(head)) - 1] + 1
        parts = [self._cut(head, stop)]
        while behind and behind[0].positions[0] < stop:
            parts.append(self._cut(behind.pop(0), stop))
        count = sum(map(len, parts))
        while behind and count < JOINED_MAX and self._is_short_and_alone(behind[0]):
            parts.append(behind.pop(0))
            count += len(parts[-1])
        if len(parts) == 1:
            self._front.append(parts[0])
        else:
            messages = [message for part in parts for message in messages_of(part)]
            self._front.extend(batches_of(sorted(messages)))

    def _is_short_and_alone(self, batch: Batch) -> bool:
        """Whether the first batch behind may be joined as a whole."""
        return len(batch) < _SHORT and self._behind.bisect_key_left(batch.positions[-1] + 1) == 1

    def _cut(self, batch: Batch, stop: int) -> Batch:
        """Return the part of a batch before a position; the other part goes back."""
        count = bisect_left(batch.positions, stop)
        if count == len(batch):
            return batch
        self._behind.add(batch.part(count))
        return batch.part(0, 1, count)

    def _messages(self) -> list[QueuedMessage]:
        batches = (*self._front, *self._behind)
        return sorted([message for batch in batches for message in messages_of(batch)])

    def check_invariants(self, before_position: int) -> None:
        """Assert the invariants, and that all messages lie before ``before_position``."""
        positions = [message.position for message in self._messages()]
        assert positions == sorted(set(positions)), "each position once, in order"
        assert not positions or positions[-1] < before_position, "a return lies before the tail"
        front = [position for batch in self._front for position in batch.positions]
        assert front == positions[: len(front)], "the front comes first"
        total_bytes = sum(len(record.body) for record in self.records())
        assert self.body_bytes == total_bytes, "bytes are those of the messages held"
        assert self.count == len(positions), "the count is that of the messages held"
        assert not _NONE, "what all share stays empty"


def _alike_count(batch: Batch, count: int, now_ms: int, max_bytes: int, *, expired: bool) -> int:
    """Return how many of the first messages are all expired, or none of them, and not too large."""
    expires = batch.expires_at_ms
    if expires is None:
        count = 0 if expired else count
    else:
        for index in range(count):
            if (0 < expires[index] <= now_ms) is not expired:
                count = index
                break
    if count and batch.body_bytes > max_bytes:
        sizes = accumulate([len(record.body) for record in batch.records[:count]])
        count = min(bisect_left(list(sizes), max_bytes) + 1, count)
    return count
