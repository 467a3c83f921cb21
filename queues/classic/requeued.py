"""Requeued messages, each at its old place before all that were never delivered.

    front    batches in order, the next to be taken
    behind   batches by their first position, all behind the front; they may lie across each other
    spilled  messages on disk, behind the front; they may lie between those behind it

Messages come back in the batches in which they were delivered, mostly whole and one behind the
other. So the cost of a requeue depends on the number of batches. Batches that lie across each other
(consumers in turn were dealt every n-th message), and short ones, are joined as they come to the
front, some at a time. What a queue over its budget spills of them is read back in the same way.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Final

from sortedcontainers import SortedKeyList

from persistence.positions import joined, ranges_of
from persistence.record import Record, kept_bytes, memory_bytes
from queues.batch import BATCH_BYTES_MAX, Batch, QueuedMessage, batches_of, messages_of
from queues.classic.lying_across import alike_count, around, merged
from queues.classic.spilled_requeued import SpilledRequeued
from queues.log_port import QueueLog
from queues.looking import POSITION_STOP, LookedMessage
from queues.tail import QueueMemory

JOINED_MAX: Final = 256
"""About so many messages are joined at a time."""

_SHORT: Final = 64
"""Batches below this are joined with those that follow."""

CHUNK_BYTES_MAX: Final = 1 << 20
"""The log gets about so much at a time, or one batch that is larger."""

_KEPT_PART: Final = 4
"""A batch that keeps this many times its own memory in use is copied, and the rest is freed."""


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
        memory_bytes: memory of those that are in memory.
        spilled: those that are not; None while there are none.
        is_stalled: the disk could not be read for the next one; the next take tries again.

    Invariant: nothing is ever put into ``_NONE``.
    Invariant: positions are distinct; those of the front ascend and come before all others.
    Invariant: ``count`` and ``body_bytes`` are those of all messages.
    Invariant: the first message is in memory, except while the disk cannot be read.
    """

    __slots__ = (
        "_behind",
        "_front",
        "_memory",
        "_span",
        "body_bytes",
        "count",
        "is_stalled",
        "memory_bytes",
        "spilled",
    )

    def __init__(self, memory: QueueMemory) -> None:
        """Begin with none; count what they take in the memory of the queue."""
        self._memory = memory
        self._front: deque[Batch] = deque()
        self._behind = _NONE
        # The first and the last position of no batch behind are further apart.
        self._span = 0
        self.body_bytes = 0
        self.count = 0
        self.memory_bytes = 0
        self.spilled: SpilledRequeued | None = None
        self.is_stalled = False

    def __len__(self) -> int:
        return self.count

    @property
    def head_expires_at_ms(self) -> int:
        """When the first message expires (instant); 0 when it never does, or none is in memory."""
        if not self.count or self.is_stalled:
            return 0
        expires = (self._front or self._behind)[0].expires_at_ms
        return 0 if expires is None else expires[0]

    def records(self) -> Iterator[Record]:
        """Return the messages in memory, head first; costs a look at all of them."""
        return (message.record for message in self._messages())

    def add(self, batches: Iterable[Batch]) -> None:
        """Put messages back at their positions, in any order; each batch is *redelivered*."""
        for batch in batches:
            assert batch.redelivered, "what came back was delivered"
            self.body_bytes += batch.body_bytes
            self.count += len(batch)
            self._put(batch)

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

    def look(self, from_position: int, max_count: int) -> tuple[list[Batch], int] | None:
        """Return the next messages in order, without taking them, and where to look next.

        There may be none, and more further on. None if there are no more.

        Args:
            from_position: the first.
            max_count: the most to return.

        Raises:
            OSError: the disk could not be read.
        """
        batches: list[Batch] = []
        stop = POSITION_STOP
        if self.spilled is not None:
            batches, stop = self.spilled.look(from_position)
        behind = self._behind.irange_key(from_position - self._span)
        begun_count = 0
        for batch in chain(self._front, behind):
            if batch.positions[-1] < from_position:
                continue
            if batch.positions[0] > from_position:
                begun_count += 1
                if begun_count > max_count:
                    # Those in hand have enough messages before this one.
                    stop = min(stop, batch.positions[0])
                    break
            batches.append(batch)
        found = list(islice(merged(batches, from_position, stop), max_count))
        if found:
            return batches_of(found), found[-1].position + 1
        return None if stop == POSITION_STOP else ([], stop)

    def remove(self, messages: Sequence[LookedMessage]) -> int:
        """Forget messages that a look has just found; return how many of the first ones were here.

        Args:
            messages: by position, ascending.
        """
        spilled, gone_count = self.spilled, 0
        for position, record, *_ in messages:
            on_disk = spilled is not None and spilled.remove(position, len(record.body))
            if not on_disk and not self._remove_held(position):
                break
            self.count -= 1
            self.body_bytes -= len(record.body)
            gone_count += 1
        if spilled is not None and not spilled.count:
            self.spilled = None
        self._read_next()
        return gone_count

    def _remove_held(self, position: int) -> bool:
        """Take a message out of its batch, if it is in memory."""
        self._put_front_behind()
        for batch in self._behind.irange_key(position - self._span, position):
            if position in batch.positions:
                at = batch.positions.index(position)
                self._count_memory(-memory_bytes(batch.records[at : at + 1]))
                self._behind.remove(batch)
                self._behind.update(around(batch, at))
                return True
        return False

    def clear(self) -> list[range]:
        """Forget every message; return the positions they had, contiguous, ascending."""
        batches = [*self._front, *self._behind]
        self._front.clear()
        self._behind = _NONE
        self.body_bytes = 0
        self.count = 0
        self.is_stalled = False
        self._count_memory(-self.memory_bytes)
        ranges = [batch.positions for batch in batches]
        if not all([positions.step == 1 or len(positions) == 1 for positions in ranges]):
            ranges = ranges_of(sorted([at for positions in ranges for at in positions]))
        if self.spilled is not None:
            ranges = sorted([*ranges, *self.spilled.position_ranges()], key=itemgetter(0))
            self.spilled = None
        return joined([range(each[0], each[-1] + 1) for each in ranges])

    def spill(
        self, lane: int, log: QueueLog, keep_bytes: int, chunk_bytes_min: int, wanted_bytes: int
    ) -> int | None:
        """Give messages to the log, the last first, and forget them.

        Args:
            lane: number of the lane in the log.
            log: of the queue.
            keep_bytes: about how much stays in any case, of the first ones.
            chunk_bytes_min: less is not written.
            wanted_bytes: about how much memory to free.

        Returns:
            How much memory was freed; None if it is none because the disk refuses.
        """
        wanted_bytes = min(wanted_bytes, self.memory_bytes - keep_bytes)
        if wanted_bytes < chunk_bytes_min or self.is_stalled:
            return 0
        self._put_front_behind()
        before_bytes = self.memory_bytes
        spilled = self.spilled or SpilledRequeued(lane, log)
        is_refused = False
        while (
            len(self._behind) > 1 and (left := wanted_bytes - before_bytes + self.memory_bytes) > 0
        ):
            batches = self._take_last(min(left, CHUNK_BYTES_MAX))
            if not spilled.spill(batches):
                for batch in batches:
                    self._put(batch)
                is_refused = True
                break
        self.spilled = spilled if spilled.count else None
        return (before_bytes - self.memory_bytes) or (None if is_refused else 0)

    def _take_last(self, wanted_bytes: int) -> list[Batch]:
        """Take batches off the end, until their records are so large; at least one, not all."""
        taken: list[Batch] = []
        stop_bytes = self.memory_bytes - wanted_bytes
        while len(self._behind) > 1 and self.memory_bytes > stop_bytes:
            taken.append(self._behind.pop())
            self._count_memory(-memory_bytes(taken[-1].records))
        taken.reverse()
        return taken

    def _put(self, batch: Batch) -> None:
        """Have a batch in memory, which is counted but for its memory."""
        if self._behind is _NONE:
            self._behind = _new_behind()
        records = batch.records
        records_bytes = memory_bytes(records)
        if kept_bytes(records) >= _KEPT_PART * records_bytes:
            batch = batch.detached()
        self.memory_bytes += records_bytes
        self._memory.add(records_bytes)
        if self._front and batch.positions[0] < self._front[-1].positions[-1]:
            self._put_front_behind()
        self._span = max(self._span, batch.positions[-1] - batch.positions[0])
        self._behind.add(batch)

    def _put_front_behind(self) -> None:
        spans = [batch.positions[-1] - batch.positions[0] for batch in self._front]
        self._span = max([self._span, *spans])
        self._behind.update(self._front)
        self._front.clear()

    def _count_memory(self, more_bytes: int) -> None:
        self.memory_bytes += more_bytes
        self._memory.add(more_bytes)

    def _take(self, max_count: int, now_ms: int, max_bytes: int, *, expired: bool) -> Batch | None:
        if self.is_stalled:
            self._read_next()
            if self.is_stalled:
                return None
        if not self._front:
            if not self._behind:
                return None
            self._bring_to_front()
        batch = self._front[0]
        count = min(max_count, len(batch))
        count = alike_count(batch, count, now_ms, max_bytes, expired=expired)
        if count == 0:
            return None
        taken = self._front.popleft()
        if count < len(taken):
            self._front.appendleft(taken.part(count))
            taken = taken.part(0, 1, count)
        self.body_bytes -= taken.body_bytes
        self.count -= count
        records_bytes = memory_bytes(taken.records)
        self.memory_bytes -= records_bytes
        self._memory.add(-records_bytes)
        if self.spilled is not None:
            self._read_next()
        return taken

    # -- the next ones --------------------------------------------------------------------------

    def _bring_to_front(self) -> None:
        """Bring the first batch to the front, or the joined first messages of several."""
        behind = self._behind
        head = behind.pop(0)
        limit = self._spilled_from
        if head.positions[-1] >= limit:
            head = self._cut(head, limit)
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
        while behind and count < JOINED_MAX and self._is_short_and_alone(behind[0], limit):
            parts.append(behind.pop(0))
            count += len(parts[-1])
        if len(parts) == 1:
            self._front.append(parts[0])
        else:
            messages = [message for part in parts for message in messages_of(part)]
            self._front.extend(batches_of(sorted(messages)))

    def _is_short_and_alone(self, batch: Batch, limit: int) -> bool:
        """Whether the first batch behind may be joined as a whole."""
        last = batch.positions[-1]
        return len(batch) < _SHORT and last < limit and self._behind.bisect_key_left(last + 1) == 1

    @property
    def _spilled_from(self) -> int:
        """No message before this position is on disk alone."""
        return POSITION_STOP if self.spilled is None else self.spilled.first_position

    def _read_next(self) -> None:
        """Read the next messages back, if the first one is on disk."""
        self.is_stalled = False
        while (spilled := self.spilled) is not None:
            if self._front or (
                self._behind and self._behind[0].positions[0] < spilled.first_position
            ):
                return
            before_count, before_bytes = spilled.count, spilled.body_bytes
            try:
                batches = spilled.read_next()
            except OSError:
                self.is_stalled = True
                return
            self.count += spilled.count - before_count
            self.body_bytes += spilled.body_bytes - before_bytes
            if not spilled.count:
                self.spilled = None
            self.add(batches)

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
        if self.spilled is not None:
            self.spilled.check_invariants()
            on_disk = [at for each in self.spilled.position_ranges() for at in each]
            assert self.is_stalled or positions[0] < on_disk[0], "the first one is in memory"
            positions = sorted([*positions, *on_disk])
        assert positions == sorted(set(positions)), "each position once, in order"
        assert not positions or positions[-1] < before_position, "a return lies before the tail"
        front = [position for batch in self._front for position in batch.positions]
        assert front == positions[: len(front)], "the front comes first"
        total_bytes = sum(len(record.body) for record in self.records())
        spilled_bytes = 0 if self.spilled is None else self.spilled.body_bytes
        assert self.body_bytes == total_bytes + spilled_bytes, "bytes are those of the messages"
        held_bytes = sum(memory_bytes(batch.records) for batch in (*self._front, *self._behind))
        assert self.memory_bytes == held_bytes, "memory is that of the messages in memory"
        assert self.count == len(positions), "the count is that of the messages held"
        assert not _NONE, "what all share stays empty"
