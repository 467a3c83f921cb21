"""The spilled messages of a lane: the middle, on disk, and the end behind it in memory.

    | head, in memory | stored: from position, to position | end, in memory |

The middle costs no memory per message. The log has it, and gives it back chunk by chunk when the
head has run dry. After a restart some messages of a stored stretch may be in memory, because they
were in no segment yet.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from persistence.positions import joined
from persistence.record import Run, body_bytes
from queues.batch import Batch, batches_of, messages_of
from queues.classic.requeued import Requeued
from queues.classic.stored import Stored
from queues.log_port import QueueLog, QueueSlice
from queues.looking import POSITION_STOP, LookedMessage
from queues.tail import QueueMemory, Tail, check, position_ranges
from queues.tail_removal import remove

CHUNK_BYTES_MAX: Final = 1 << 20
"""The log gets records of this size at a time, or one message that is larger."""


class Spilled:
    """The messages after the head of one lane, and notes about them.

    Attributes:
        count: of its messages; only about right after some were lost.
        body_bytes: sum of their bodies, as exact as ``count``.
        is_stalled: the disk could not be read; the next take tries again.

    Invariant: the head is empty only if there is no message, or while the disk cannot be read.
    Invariant: positions of a part are below those of the next one.
    """

    __slots__ = (
        "_counts",
        "_counts_below",
        "_head",
        "_lane",
        "_log",
        "_memory",
        "_parts",
        "_requeued",
        "_some_lost",
        "body_bytes",
        "count",
        "is_stalled",
    )

    def __init__(
        self, lane: int, log: QueueLog, head: Tail, requeued: Requeued, memory: QueueMemory
    ) -> None:
        """Make one with nothing in it.

        Args:
            lane: number of the lane in the log.
            log: has the stored messages.
            head: of the lane; it is refilled.
            requeued: of the lane; gets messages that were requeued before a restart.
            memory: of the queue.
        """
        self._lane = lane
        self._log = log
        self._head = head
        self._requeued = requeued
        self._memory = memory
        self._parts: deque[Stored | Tail] = deque()
        self._counts: dict[int, int] = {}
        self._counts_below = 0
        self._some_lost = False
        self.count = 0
        self.body_bytes = 0
        self.is_stalled = False

    @property
    def is_done(self) -> bool:
        """Whether it is empty: all messages are in the head."""
        if self._parts:
            return False
        head = self._head
        return not self._counts or not head.count or head.first_position >= self._counts_below

    @property
    def first_position(self) -> int:
        """No message of it is before this position; there must be a part."""
        part = self._parts[0]
        return part.first_position if isinstance(part, Tail) else part.from_position

    # -- in -----------------------------------------------------------------------------------

    def append(self, run: Run, first_position: int, expires_at_ms: int | Sequence[int]) -> None:
        """Put a run behind everything else; see ``Tail.append``."""
        self._end().append(run, first_position, expires_at_ms)
        self.count += len(run)
        self.body_bytes += body_bytes(run)

    def append_band(
        self,
        run: Run,
        first_position: int,
        expires_at_ms: int | Sequence[int],
        bands: bytes,
        band: int,
    ) -> None:
        """Put those messages of a run behind everything else that are in one band."""
        end = self._end()
        before_bytes = end.body_bytes
        end.append_band(run, first_position, expires_at_ms, bands, band)
        self.count += bands.count(band)
        self.body_bytes += end.body_bytes - before_bytes

    def recover(self, stored: Stored, count: int, stored_bytes: int) -> None:
        """Begin with the messages that a restart found; the head is empty.

        Args:
            stored: the stretch.
            count: messages that the log has, without those in an ``unstored`` slice.
            stored_bytes: sum of their bodies.
        """
        assert not self._parts, "a restart comes first"
        if not count:
            for each in stored.unstored:
                self._head.append_slice(each.records, each.positions, each.expires_at_ms)
            return
        self._parts.append(stored)
        self.count = count + sum([len(each.positions) for each in stored.unstored])
        self.body_bytes = stored_bytes + sum([body_bytes(each.records) for each in stored.unstored])
        self._refill()

    def remember(self, counts: dict[int, int]) -> None:
        """Note how often messages had come back before the restart, by position."""
        self._counts = counts
        self._counts_below = max(counts, default=-1) + 1

    # -- out ----------------------------------------------------------------------------------

    def take(self, max_count: int, max_bytes: int, now_ms: int, *, expired: bool) -> Batch | None:
        """Take from the head, and refill it; see ``Tail.take`` and ``Tail.take_expired``."""
        head = self._head
        if not head.count:
            self._refill()
        take = head.take_expired if expired else head.take
        batch = take(max_count, max_bytes, now_ms)
        if batch is None:
            return None
        if batch.positions[0] < self._counts_below:
            counts = self._counts
            if not counts.keys().isdisjoint(batch.positions):
                self._requeued.add(
                    batches_of(
                        [
                            message._replace(delivery_count=counts.pop(message.position, 0))
                            for message in messages_of(batch)
                        ]
                    )
                )
                again = self._requeued.take_expired if expired else self._requeued.take
                batch = again(max_count, now_ms, max_bytes)
        if not head.count:
            self._refill()
        return batch

    def remove(self, messages: Sequence[LookedMessage]) -> None:
        """Forget messages that a look has just found here; refill the head if it is empty now."""
        positions = [message.position for message in messages]
        self.count -= len(messages)
        self.body_bytes -= sum([len(message.record.body) for message in messages])
        for part in self._parts:
            if isinstance(part, Tail):
                remove(part, positions)
            else:
                part.remove(positions)
        self._parts = deque(
            [part for part in self._parts if isinstance(part, Stored) or part.count]
        )
        if not self._head.count:
            self._refill()

    def position_ranges(self) -> list[range]:
        """Return where the messages are: the gaps between them are settled, in a plain queue."""
        found: list[range] = []
        for part in self._parts:
            if isinstance(part, Tail):
                found += position_ranges(part)
            else:
                found.append(range(part.from_position, part.stop_position))
        return joined(found)

    def slices(self, from_position: int = 0) -> Iterator[QueueSlice]:
        """Return messages in order, without taking them; the queue must not change meanwhile.

        Args:
            from_position: slices that end before it are left out.

        Raises:
            OSError: the disk could not be read.
        """
        for part in self._parts:
            if isinstance(part, Tail):
                slices: Iterable[QueueSlice] = part.slices()
            else:
                slices = part.slices(self._log, self._lane, from_position)
            yield from (each for each in slices if each.positions[-1] >= from_position)

    def some_slices(self, from_position: int, enough: int) -> Iterator[QueueSlice]:
        """Return the first slices from a position on, ``enough`` messages or one slice of the disk.

        Raises:
            OSError: the disk could not be read.
        """
        for part in self._parts:
            if isinstance(part, Tail):
                slices = part.slices()
                first = bisect_left(slices, from_position, key=_last_position)
                yield from islice(slices, first, None)
                continue
            for each in part.slices(self._log, self._lane, from_position, enough):
                if each.positions[-1] >= from_position:
                    yield each
                    return

    def passed(self, count: int) -> tuple[int, int]:
        """Return a position, and how many messages from there on are still to be passed by.

        Where all stored messages follow each other, that is none.
        """
        tails = [part for part in self._parts if isinstance(part, Tail)]
        stored_count = self.count - sum([tail.count for tail in tails])
        is_known = len(tails) + 1 == len(self._parts) and not self._some_lost
        for part in self._parts:
            if isinstance(part, Tail):
                for each in part.slices():
                    if count < len(each.records):
                        return each.positions[count], 0
                    count -= len(each.records)
                continue
            is_whole = stored_count == part.stop_position - part.from_position
            if not is_known or (count < stored_count and not is_whole):
                return part.from_position, count
            if count < stored_count:
                return part.from_position + count, 0
            count -= stored_count
        return POSITION_STOP, 0

    @property
    def delivery_counts(self) -> Mapping[int, int]:
        """How often messages had come back before the restart, by position."""
        return self._counts

    def clear(self) -> None:
        """Forget everything."""
        for part in self._parts:
            if isinstance(part, Tail):
                part.clear()
        self._parts.clear()
        self._counts = {}
        self.count = self.body_bytes = 0
        self.is_stalled = False

    # -- memory -------------------------------------------------------------------------------

    def split_head(self, keep_bytes: int) -> None:
        """Move the messages beyond the first ``keep_bytes`` of the head to the end."""
        assert not self._parts, "what follows the head is split off already"
        end = Tail(self._memory)
        end.absorb(self._head)
        self._head.put_back(end.take_slices(keep_bytes))
        if end.count:
            self._parts.append(end)
        self.count = end.count
        self.body_bytes = end.body_bytes

    def spill(self, keep_bytes: int, chunk_bytes_min: int, wanted_bytes: int) -> int | None:
        """Give messages to the log, the oldest of the end first, and forget them.

        Args:
            keep_bytes: of the end that stays in any case.
            chunk_bytes_min: a smaller chunk is not written.
            wanted_bytes: about how much memory to free.

        Returns:
            How much memory was freed; None if it is none because the disk refuses.
        """
        freed_bytes = 0
        is_refused = False
        end = self._parts[-1] if self._parts else None
        if not isinstance(end, Tail):
            return 0
        while freed_bytes < wanted_bytes:
            spare_bytes = end.memory_bytes - keep_bytes
            if spare_bytes < chunk_bytes_min:
                break
            before_bytes = end.memory_bytes
            slices = end.take_slices(min(spare_bytes, CHUNK_BYTES_MAX))
            if not self._log.spill(self._lane, slices):
                end.put_back(slices)
                is_refused = True
                break
            freed_bytes += before_bytes - end.memory_bytes
            self._note_stored(slices[0].positions[0], slices[-1].positions[-1] + 1)
        if not end.count:
            self._parts.pop()
        return freed_bytes or (None if is_refused else 0)

    def _note_stored(self, first_position: int, stop_position: int) -> None:
        """Note the messages that were taken off the end and stored."""
        before = self._parts[-2] if len(self._parts) > 1 else None
        if isinstance(before, Stored):
            before.stop_position = stop_position
        else:
            self._parts.insert(len(self._parts) - 1, Stored(first_position, stop_position))

    def _end(self) -> Tail:
        end = self._parts[-1] if self._parts else None
        if not isinstance(end, Tail):
            end = Tail(self._memory)
            self._parts.append(end)
        return end

    # -- the next messages --------------------------------------------------------------------

    def _refill(self) -> None:
        """Move the next messages to the head, which is empty."""
        self.is_stalled = False
        head = self._head
        while self._parts and not head.count:
            part = self._parts[0]
            if isinstance(part, Tail):
                self.count -= part.count
                self.body_bytes -= part.body_bytes
                head.absorb(part)
                self._parts.popleft()
            elif not self._read(part):
                return

    def _read(self, part: Stored) -> bool:
        """Move the next messages of a stretch to the head; False if the disk cannot be read."""
        stop = part.unstored[0].positions[0] if part.unstored else part.stop_position
        messages: QueueSlice | None = None
        if part.from_position < stop:
            try:
                back = self._log.read_back(self._lane, part.from_position, stop)
            except OSError:
                self.is_stalled = True
                return False
            messages = back.messages
            if back.lost_count:
                self._some_lost = True
                self._count_out(back.lost_count, 0)
        part.from_position = stop
        if messages is None and part.unstored:
            messages = part.unstored.popleft()
        if messages is not None:
            self._head.append_slice(messages.records, messages.positions, messages.expires_at_ms)
            part.from_position = messages.positions[-1] + 1
            self._count_out(len(messages.positions), body_bytes(messages.records))
        if part.is_over:
            self._parts.popleft()
            self._recount()
        return True

    def _count_out(self, count: int, gone_bytes: int) -> None:
        """Count messages out; the count stays above 0 until the stretch is known to be empty."""
        self.count = max(self.count - count, 1 if self._some_lost else 0)
        self.body_bytes = max(self.body_bytes - gone_bytes, 0)

    def _recount(self) -> None:
        """Count exactly, when all remaining messages are in memory."""
        tails = [part for part in self._parts if isinstance(part, Tail)]
        if len(tails) == len(self._parts):
            self._some_lost = False
            self.count = sum([each.count for each in tails])
            self.body_bytes = sum([each.body_bytes for each in tails])

    def check_invariants(self) -> None:
        """Assert the invariants, as far as they can be checked without the disk."""
        assert self._head.count or not self._parts or self.is_stalled, "there is a head"
        at = 0
        for part in self._parts:
            first = part.first_position if isinstance(part, Tail) else part.from_position
            assert first >= at, "parts are in order"
            if isinstance(part, Tail):
                check(part)
                assert part.count, "no part is empty"
                at = position_ranges(part)[-1].stop
            else:
                assert not part.is_over, "no part is over"
                at = part.stop_position


def _last_position(each: QueueSlice) -> int:
    return each.positions[-1]
