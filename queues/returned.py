"""Messages that came back, each waiting at its old place before everything never delivered."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from sortedcontainers import SortedList

from persistence.record import Record
from queues.batch import BATCH_BYTES_MAX, Batch, Entry
from queues.positions import ranges_of

_NONE: Final[SortedList[Entry]] = SortedList()
"""Stands for the entries of all queues to which nothing came back: most never need their own."""


class Returned:
    """Requeued messages in the order of their positions; and such from before a restart.

    All were delivered before, those of before the restart perhaps.

    Sorted in pieces, so that returning n messages one by one, in whatever order, costs n log n
    and not n squared: a peer chooses the order.

    Attributes:
        count: how many there are; mostly none, so asking must be cheap.
        body_bytes: sum of their bodies, in bytes.

    Invariant: nothing is ever put into ``_NONE``.
    Invariant: positions are distinct; ``count`` and ``body_bytes`` are those of the entries.
    """

    __slots__ = ("_entries", "body_bytes", "count")

    def __init__(self) -> None:
        self._entries = _NONE
        self.body_bytes = 0
        self.count = 0

    def __len__(self) -> int:
        return self.count

    @property
    def head_expires_at_ms(self) -> int:
        """When the first message expires (instant); 0 when it never does or there is none."""
        return self._entries[0].expires_at_ms if self._entries else 0

    def records(self) -> Iterator[Record]:
        """Return the messages, head first."""
        return (entry.record for entry in self._entries)

    def add(self, entries: Iterable[Entry]) -> None:
        """Put messages back at their positions, in any order."""
        added = list(entries)
        self.body_bytes += sum([len(entry.record.body) for entry in added])
        self.count += len(added)
        if self._entries is _NONE:
            self._entries = SortedList()
        if len(added) == 1:
            self._entries.add(added[0])
        else:
            self._entries.update(added)

    def take(self, max_count: int, now_ms: int, max_bytes: int = BATCH_BYTES_MAX) -> Batch | None:
        """Take live messages that are alike off the head; None if the head has expired.

        The batch ends with the message that takes its bodies to ``max_bytes``.
        """
        return self._cut(self._alike_count(max_count, now_ms, max_bytes, expired=False))

    def take_expired(
        self, max_count: int, now_ms: int, max_bytes: int = BATCH_BYTES_MAX
    ) -> Batch | None:
        """Take messages that are alike and have expired off the head; None if it has not."""
        return self._cut(self._alike_count(max_count, now_ms, max_bytes, expired=True))

    def clear(self) -> list[range]:
        """Forget every message; return the positions they had."""
        positions = ranges_of(entry.position for entry in self._entries)
        self._entries = _NONE
        self.body_bytes = 0
        self.count = 0
        return positions

    def _alike_count(self, max_count: int, now_ms: int, max_bytes: int, *, expired: bool) -> int:
        """Return how many messages at the head can be one batch: even steps, one past."""
        count = 0
        step = position = delivery_count = taken_bytes = 0
        for entry in islice(self._entries, max_count):
            if (0 < entry.expires_at_ms <= now_ms) is not expired:
                break
            if count == 0:
                delivery_count = entry.delivery_count
            elif entry.delivery_count != delivery_count:
                break
            elif count == 1:
                step = entry.position - position
            elif entry.position - position != step:
                break
            position = entry.position
            count += 1
            taken_bytes += len(entry.record.body)
            if taken_bytes >= max_bytes:
                break
        return count

    def _cut(self, count: int) -> Batch | None:
        if count == 0:
            return None
        taken = list(islice(self._entries, count))
        del self._entries[:count]
        first, last = taken[0], taken[-1]
        step = taken[1].position - first.position if count > 1 else 1
        expires = [entry.expires_at_ms for entry in taken]
        batch = Batch(
            range(first.position, last.position + 1, step),
            [entry.record for entry in taken],
            expires if any(expires) else None,
            first.delivery_count,
            redelivered=True,
        )
        self.body_bytes -= batch.body_bytes
        self.count -= count
        return batch

    def check_invariants(self, before_position: int) -> None:
        """Assert what the class promises, and that all lie before ``before_position``."""
        positions = [entry.position for entry in self._entries]
        assert positions == sorted(set(positions)), "each position once, in order"
        assert not positions or positions[-1] < before_position, "a return lies before the tail"
        total_bytes = sum(len(record.body) for record in self.records())
        assert self.body_bytes == total_bytes, "bytes are those of the messages held"
        assert self.count == len(positions), "the count is that of the messages held"
        assert not _NONE, "what all share stays empty"
