"""The ready messages of a queue, with their log and their dead letters.

A message that leaves without being delivered is settled in the log. Where the queue has a dead
letter exchange, it is settled after the broker has moved it there: see ``queues.moves``.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from persistence.positions import ranges_of
from persistence.record import Run
from queues.batch import Batch
from queues.classic.overflow import NO_LIMITS, Limits, all_fit, excess, fitting_count
from queues.classic.priority_ready import PriorityReady
from queues.classic.ready import Ready
from queues.classic.recovery import recover
from queues.classic.spilling import REFUSED_APPENDS, make_room
from queues.commits import point_at
from queues.counters import QueueCounters
from queues.effects import DeadLettered, DeathReason, DroppedAtLimit
from queues.log_port import QueueLog, RecoveredMessages
from queues.moves import Dying, Moves
from queues.options import Durability, Overflow, QueueOptions
from queues.outcomes import PurgeOutcome
from queues.ports import Emit
from queues.tail import QueueMemory

_FSYNC: Final = Durability.FSYNC

DROPPED_PER_CALL_MAX: Final = 10_000
"""One call drops at most this many messages; a drain goes on."""


class Backlog:
    """Ready messages and their log.

    Attributes:
        ready: the messages; code that takes live ones from it must tell the log itself.
        limits: the most that may be ready, from the options.
        log: where records and settlements are kept.
        moves: messages that died and are still to be moved.
        counters: of the queue's events.
        published_from: messages from this position on were published; a restart found the others.
        is_over: more is ready than allowed, and the next drain goes on dropping.
        emit: takes effects, to be carried out after the call that emitted them.
    """

    __slots__ = (
        "_is_refused",
        "_options",
        "_queue_name",
        "_refused_left",
        "counters",
        "emit",
        "is_over",
        "limits",
        "log",
        "moves",
        "published_from",
        "ready",
    )

    def __init__(
        self,
        queue_name: str,
        options: QueueOptions,
        log: QueueLog,
        emit: Emit,
        memory: QueueMemory | None = None,
    ) -> None:
        self._queue_name = queue_name
        self.emit = emit
        self._refused_left = 0
        self._is_refused = False
        self.is_over = False
        self.moves = Moves()
        self.counters = QueueCounters()
        self.published_from = 0
        self.log = log
        self.ready: Ready | PriorityReady = (
            Ready(memory)
            if options.max_priority is None
            else PriorityReady(options.max_priority, memory)
        )
        self.reconfigure(options)

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        """Take the messages that a restart found; must be the first call.

        Messages that have expired meanwhile are dropped first, then messages over the limits. As in
        RabbitMQ they are dead-lettered, so exchanges and bindings must exist before.
        """
        self.take_found(found)
        self.drop_expired(now_ms, DROPPED_PER_CALL_MAX)
        self.drop_excess()

    def take_found(self, found: RecoveredMessages) -> None:
        """Take the messages that a restart found, and drop none yet; must be the first call."""
        recover(self.ready, self.log, found)
        self.published_from = found.next_position
        if self.ready.is_over:
            self.make_room()

    def reconfigure(self, options: QueueOptions) -> None:
        """Use other limits, dead letter exchange and durability class from now on."""
        self._options = options
        self.log.set_fsynced(is_fsynced=options.durability is _FSYNC)
        length, length_bytes = options.max_length, options.max_length_bytes
        is_limited = length is not None or length_bytes is not None
        self.limits = Limits(length, length_bytes) if is_limited else NO_LIMITS

    def append(self, run: Run, expires_at_ms: int | list[int]) -> int:
        """Put a run behind everything else, whatever the limits; return its LSN."""
        lsn = self.log.append(self.ready.append(run, expires_at_ms), run, expires_at_ms)
        if self.ready.is_over:
            self.make_room()
        return lsn

    def requeue(self, batch: Batch) -> None:
        """Put delivered messages back to their places; they came back once more now."""
        came_back = batch.requeued()
        self.counters.requeued_count += len(batch)
        self.log.requeued(batch.positions, came_back.delivery_count)
        self.ready.requeue((came_back,))
        if self.ready.is_over:
            if not self._is_refused:
                # What has come back may be all that there is to give up.
                self._refused_left = 0
            self.make_room()

    def make_room(self) -> None:
        """Give up memory, because the messages take more than allowed."""
        if self._refused_left:
            self._refused_left -= 1
            return
        freed_bytes = make_room(self.ready, self.log)
        self._is_refused = freed_bytes is None
        if not freed_bytes:
            self._refused_left = REFUSED_APPENDS

    @property
    def is_full(self) -> bool:
        """Whether not even an empty message can become ready."""
        max_length = self.limits.max_length
        return max_length is not None and self.ready.count + self.kept_count >= max_length

    def fits(self, run: Run) -> bool:
        """Whether a run can become ready without going over a limit."""
        if not self.limits.are_set:
            return True
        ready_count = self.ready.count + self.kept_count
        return all_fit(run, self.limits, ready_count, self.ready.body_bytes + self.kept_bytes)

    def fitting_count(self, body_sizes: list[int], first_index: int) -> int:
        """Return how many messages of a run, from this index on, can become ready in a row."""
        ready = self.ready
        return fitting_count(
            body_sizes,
            first_index,
            self.limits,
            ready.count + self.kept_count,
            ready.body_bytes + self.kept_bytes,
        )

    @property
    def kept_count(self) -> int:
        """How many of the messages that died count for the limits."""
        return self.moves.count if self._options.dead_letters_at_least_once else 0

    @property
    def kept_bytes(self) -> int:
        """Sum of their bodies, in bytes."""
        return self.moves.body_bytes if self._options.dead_letters_at_least_once else 0

    def settle(self, positions: Iterable[int], *, is_promised: bool = False) -> int:
        """Tell the log that these positions, in any order, are settled; return the LSN.

        ``is_promised`` is as in ``QueueLog.settle``.
        """
        log = self.log
        if isinstance(positions, range):
            if not positions:
                return log.committed_lsn
            return log.settle(positions, is_promised=is_promised)
        lsn = log.committed_lsn
        for settled in ranges_of(sorted(positions)):
            # One that nobody need wait for, as it was never stored, may come last.
            lsn = max(lsn, log.settle(settled, is_promised=is_promised))
        return lsn

    def die(
        self,
        positions: Sequence[int],
        records: Run,
        reason: DeathReason,
        *,
        is_prompt: bool = False,
    ) -> None:
        """Send messages that have left to the dead letter exchange, or settle them.

        Args:
            positions: of the messages; refused messages have none.
            records: the messages, in the order in which they die.
            reason: why they die.
            is_prompt: see ``queues.effects.DeadLettered``.
        """
        options = self._options
        exchange = options.dead_letter_exchange
        if exchange is None:
            self.settle(positions)
            self.counters.note_dropped(reason, len(records))
            if reason is DeathReason.DELIVERY_LIMIT:
                self.emit(DroppedAtLimit(self._queue_name, len(records)))
            return
        is_safe = options.dead_letters_at_least_once
        self.counters.note_dead_letters(reason, len(records), at_least_once=is_safe)
        self.moves.add(Dying(positions, records, reason, exchange, options.dead_letter_routing_key))
        self.emit(DeadLettered(self._queue_name, len(records), is_prompt))

    def moved(self, dying: Dying) -> None:
        """Settle moved messages, whose copies are in the logs of their queues."""
        self.settle(dying.positions)
        self.moves.done(dying)
        if self._options.dead_letters_at_least_once:
            self.counters.moved_safely_count += len(dying.records)

    @property
    def deadline_ms(self) -> int | None:
        """When the head expires; None when it does not, or cannot be dropped yet."""
        head_ms = self.ready.head_expires_at_ms
        return head_ms if head_ms and self._room else None

    @property
    def has_room(self) -> bool:
        """Whether more may be dropped now; otherwise others must be moved first."""
        return self._room > 0

    @property
    def may_drop_more(self) -> bool:
        """Whether messages over the limits, or perhaps expired, are left and can be dropped."""
        return self._room > 0 and (self.is_over or self.ready.head_expires_at_ms > 0)

    @property
    def _room(self) -> int:
        """How many may be dropped, if those have to wait to be moved."""
        if self._options.dead_letter_exchange is None:
            return DROPPED_PER_CALL_MAX
        return min(self.moves.room, DROPPED_PER_CALL_MAX)

    def drop_expired(self, now_ms: int, max_count: int, brought_count: int = 0) -> int:
        """Drop expired messages off the head; return how many.

        Args:
            now_ms: messages that expire by then are dropped.
            max_count: the most to drop.
            brought_count: how many messages a publish has just brought. As many may be dropped, and
                are moved at once. Beyond that as many are dropped as may wait to be moved. A drain
                goes on with the others.
        """
        ready = self.ready
        if not 0 < ready.head_expires_at_ms <= now_ms:
            return 0
        left = max_count = min(max_count, max(self._room, brought_count))
        while left > 0 and (batch := ready.take_expired(left, now_ms)) is not None:
            is_prompt = left > max_count - brought_count
            left -= len(batch)
            self.die(batch.positions, batch.records, DeathReason.EXPIRED, is_prompt=is_prompt)
        return max_count - left

    def drop_excess(self, brought_count: int = 0) -> None:
        """Drop the head's excess over the limits, unless publishes are rejected instead.

        Args:
            brought_count: how many messages a publish has just put behind the others. At least as
                many are dropped, and moved at once. Beyond that as many are dropped as may wait to
                be moved.
        """
        self.is_over = False
        if not self.limits.are_set or self._options.overflow is not Overflow.DROP_HEAD:
            return
        ready = self.ready
        left = max(self._room, brought_count)
        prompt_above = left - brought_count
        while True:
            count, excess_bytes = excess(self.limits, ready.count, ready.body_bytes)
            if not count and not excess_bytes:
                return
            if left <= 0:
                self.is_over = True
                return
            if excess_bytes:
                batch = ready.drop_head(min(ready.count, left), excess_bytes)
            else:
                batch = ready.drop_head(min(count, left))
            if batch is None:
                return
            is_prompt = left > prompt_above
            left -= len(batch)
            self.die(batch.positions, batch.records, DeathReason.MAXLEN, is_prompt=is_prompt)

    def purge(self) -> PurgeOutcome:
        """Forget ready messages, dead-lettering none; of priorities some only."""
        before_count, lsn = self.ready.count, 0
        for positions in self.ready.purge():
            lsn = max(lsn, self.log.settle(positions, is_promised=True))
        purged_count = before_count - self.ready.count
        self.counters.purged_count += purged_count
        return PurgeOutcome(purged_count, point_at(self.log.commit_group, lsn))

    def check_invariants(self) -> None:
        """Assert that the ready messages are sound and, with drop-head, within the limits."""
        self.ready.check_invariants()
        if self._options.overflow is Overflow.DROP_HEAD:
            assert self.is_over or self.fits(()), "the excess was dropped"
