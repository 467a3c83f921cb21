"""The ready messages of a queue, with the two things that every way out of it concerns.

Whatever leaves without being delivered is settled in the log and, where the queue has a dead
letter exchange, emitted for it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from persistence.record import Run
from queues.batch import Batch, Entry
from queues.effects import DeadLettered, DeathReason
from queues.options import Durability, Overflow, QueueOptions
from queues.overflow import Limits, all_fit, excess, fitting_count
from queues.paging import REFUSED_APPENDS, make_room
from queues.ports import Emit, QueueLog
from queues.positions import ranges_of
from queues.priority_ready import PriorityReady
from queues.ready import Ready
from queues.tail import QueueMemory

DEAD_LETTERS_PER_EFFECT_MAX: Final = 1_000
"""An effect holds this many messages at most: the broker may do something else in between."""


class Backlog:
    """Ready messages and their log.

    Attributes:
        ready: the messages; whoever takes live ones from it says so to the log itself.
        limits: most that may be ready, from the options.
        log: where records and settlements are kept.
    """

    __slots__ = ("_emit", "_options", "_queue_name", "_refused_left", "limits", "log", "ready")

    def __init__(
        self,
        queue_name: str,
        options: QueueOptions,
        log: QueueLog,
        emit: Emit,
        memory: QueueMemory | None = None,
    ) -> None:
        self._queue_name = queue_name
        self._emit = emit
        self._refused_left = 0
        self.log = log
        self.ready: Ready | PriorityReady = (
            Ready(memory)
            if options.max_priority is None
            else PriorityReady(options.max_priority, memory)
        )
        self.reconfigure(options)

    def reconfigure(self, options: QueueOptions) -> None:
        """Use other limits, dead letter exchange and durability class from now on."""
        self._options = options
        self.log.set_synced(is_synced=options.durability is Durability.FSYNC)
        self.limits = Limits(options.max_length, options.max_length_bytes)

    def append(self, run: Run, expires_at_ms: int | list[int]) -> int:
        """Put a run behind everything else, limits or no; return its LSN."""
        lsn = self.log.append(self.ready.append(run, expires_at_ms), run, expires_at_ms)
        if self.ready.is_over:
            self.make_room()
        return lsn

    def make_room(self) -> None:
        """Give up memory: the messages take more than they may. Those in the log can go."""
        if self._refused_left:
            self._refused_left -= 1
        elif not make_room(self.ready, self.log):
            self._refused_left = REFUSED_APPENDS

    @property
    def is_full(self) -> bool:
        """Whether not even an empty message can become ready."""
        max_length = self.limits.max_length
        return max_length is not None and self.ready.count >= max_length

    def fits(self, run: Run) -> bool:
        """Whether a run can become ready without going over a limit."""
        if not self.limits.are_set:
            return True
        return all_fit(run, self.limits, self.ready.count, self.ready.body_bytes)

    def fitting_count(self, body_sizes: list[int], first_index: int) -> int:
        """Return how many messages of a run, from this index on, can become ready in a row."""
        ready = self.ready
        return fitting_count(body_sizes, first_index, self.limits, ready.count, ready.body_bytes)

    def settle(self, positions: Iterable[int]) -> int:
        """Tell the log that these positions, in any order, are done with; return the LSN."""
        lsn = self.log.committed_lsn
        for settled in ranges_of(sorted(positions)):
            lsn = self.log.settle(settled)
        return lsn

    def note_returned(self, entries: Sequence[Entry]) -> None:
        """Tell the log that messages came back, and how often they have by now."""
        first = stop = count = 0
        for position, _, _, delivery_count in entries:
            if position != stop or delivery_count != count:
                if stop > first:
                    self.log.returned(range(first, stop), count)
                first, count = position, delivery_count
            stop = position + 1
        if stop > first:
            self.log.returned(range(first, stop), count)

    def dead_letter(self, records: Run, reason: DeathReason) -> None:
        """Send messages that have left to the dead letter exchange, if there is one."""
        if self._options.dead_letter_exchange is None:
            return
        for first in range(0, len(records), DEAD_LETTERS_PER_EFFECT_MAX):
            part = tuple(records[first : first + DEAD_LETTERS_PER_EFFECT_MAX])
            self._emit(DeadLettered(self._queue_name, part, reason))

    def drop_expired(self, now_ms: int, max_count: int) -> int:
        """Drop at most so many expired messages off the head; return how many."""
        ready = self.ready
        if not 0 < ready.head_expires_at_ms <= now_ms:
            return 0
        left = max_count
        while left > 0 and (batch := ready.take_expired(left, now_ms)) is not None:
            left -= len(batch)
            self._forget(batch, DeathReason.EXPIRED)
        return max_count - left

    def drop_excess(self) -> None:
        """Drop the head's excess over the limits, unless publishes are rejected instead."""
        if not self.limits.are_set or self._options.overflow is not Overflow.DROP_HEAD:
            return
        ready = self.ready
        while True:
            count, excess_bytes = excess(self.limits, ready.count, ready.body_bytes)
            if excess_bytes:
                batch = ready.drop_head(ready.count, excess_bytes)
            else:
                batch = ready.drop_head(count) if count else None
            if batch is None:
                return
            self._forget(batch, DeathReason.MAXLEN)

    def purge(self) -> int:
        """Forget every ready message, dead-lettering none; return how many there were."""
        before_count = self.ready.count
        for positions in self.ready.purge():
            self.log.settle(positions)
        return before_count - self.ready.count

    def check_invariants(self) -> None:
        """Assert that what is ready is sound and, where heads are dropped, within the limits."""
        self.ready.check_invariants()
        if self._options.overflow is Overflow.DROP_HEAD:
            assert self.fits(()), "the excess was dropped"

    def _forget(self, batch: Batch, reason: DeathReason) -> None:
        self.log.settle(batch.positions)
        self.dead_letter(batch.records, reason)
