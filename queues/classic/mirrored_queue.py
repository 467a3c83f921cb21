"""A queue over the log of a mirrored queue: what is not committed is not in it yet (R16).

    publish ─▶ the log ─▶ coming: appended, not committed ─▶ committed ─▶ ready, and so on

A leader may lose what it has appended until the mirrors have it. So a message becomes ready when it
is committed, as in RabbitMQ's quorum queues: until then it is not counted as ready, not delivered,
looked at or purged, and it does not expire, drop another one or die. Only refusals come before
that: what is in the log is never refused, so a limit counts what is coming as if it were ready.

While the log says that nothing may be delivered (the lease is over, a move is open), another node
may have settled what is here. Then nothing becomes ready, nothing is delivered and no dead letter
leaves. A settlement may be appended: it counts only if this node still leads.

While no mirror answers, consumers get nothing new either: the next leader would not know what they
have acked, and would deliver all of it again.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from persistence.record import Run, body_bytes, has_ttl, memory_bytes
from queues.batch import Batch
from queues.classic.backlog import DROPPED_PER_CALL_MAX
from queues.classic.entering_log import EnteringLog
from queues.classic.expiry import expires_at, part_of
from queues.classic.lifetime import wake_nobody
from queues.classic.overflow import fitting_count
from queues.classic.queue import ClassicQueue
from queues.classic.rules import CLASSIC_RULES, SharingRules
from queues.commits import CommitPoint, point_at
from queues.effects import DeadLettered, DeathReason
from queues.log_port import CommittedLog, QueueLog, RecoveredMessages
from queues.moves import Moves
from queues.options import Overflow
from queues.outcomes import PublishOutcome, PurgeOutcome, all_taken
from queues.ports import EngineParts


class _Coming(NamedTuple):
    """Messages that were appended, and are not ready yet."""

    first_position: int
    run: Run
    expires_at_ms: int | list[int]
    body_bytes: int
    memory_bytes: int


class MirroredQueue(ClassicQueue):
    """The engine of a mirrored queue on its leader.

    Invariant: positions of what is coming follow those of the ready messages, without a gap.
    """

    def __init__(
        self, parts: EngineParts[CommittedLog], rules: SharingRules = CLASSIC_RULES
    ) -> None:
        """Make an empty queue of these parts; consumers share it by these rules."""
        log = parts.log
        self._log = log
        self._entering = EnteringLog(log)
        self._coming: deque[_Coming] = deque()
        self._coming_count = self._coming_bytes = 0
        self._next_position = 0
        self._now_ms = parts.now_ms
        self._holds_moves = False
        self._told_when_giving: dict[Callable[[], None], None] = {}
        name, options, _, emit, wake_up, now_ms, auto_delete, memory, later = parts
        entering: EngineParts[QueueLog] = EngineParts(
            name, options, self._entering, emit, wake_up, now_ms, auto_delete, memory, later
        )
        super().__init__(entering, rules)
        log.on_committed = parts.wake_up

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        """Take the messages that the new leader has; what has expired goes with the next drain."""
        self._backlog.take_found(found)
        self._next_position = self._entering.next_position = found.next_position
        self._now_ms = now_ms
        # It may be too long since a policy changed.
        self._backlog.is_over = True
        self._wake_up()

    # -- in ---------------------------------------------------------------------------------

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Append a run (at least one message); it is ready once that is committed."""
        assert not self._is_deleted, "nothing is routed to a deleted queue"
        self._now_ms = now_ms
        expires: int | list[int] = 0
        if not self._keeps_all or has_ttl(run):
            expires = expires_at(run, self.options.message_ttl_ms, now_ms)
        if self._refuses_at_limit and not self._fits(run):
            return self._publish_at_limit(run, expires)
        lsn = self._append(run, expires)
        # An append may move the queue to another group.
        return all_taken(self._log.commit_group, lsn)

    def only_appends(self, run: Run, now_ms: int) -> bool:  # noqa: ARG002 - the port's name
        """Whether ``publish`` of this run, now, would refuse nothing; it never does more."""
        return not self._refuses_at_limit or self._fits(run)

    def refuses(self, run: Run) -> bool:
        """Whether ``publish`` of this message, now, would refuse it."""
        return self._refuses_at_limit and not self._fits(run)

    @property
    def _refuses_at_limit(self) -> bool:
        return self._backlog.limits.are_set and self.options.overflow is not Overflow.DROP_HEAD

    def _fits(self, run: Run) -> bool:
        return self._fitting_count([len(record.body) for record in run], 0) == len(run)

    def _fitting_count(self, sizes: list[int], first_index: int) -> int:
        backlog = self._backlog
        count = backlog.ready.count + backlog.kept_count + self._coming_count
        size_bytes = backlog.ready.body_bytes + backlog.kept_bytes + self._coming_bytes
        return fitting_count(sizes, first_index, backlog.limits, count, size_bytes)

    def _publish_at_limit(self, run: Run, expires_at_ms: int | list[int]) -> PublishOutcome:
        """Append as many as fit, and refuse the others for good; none of those is in the log."""
        sizes = [len(record.body) for record in run]
        rejected: list[int] = []
        lsn = index = 0
        while index < len(run):
            count = self._fitting_count(sizes, index)
            if not count:
                rejected.append(index)
                index += 1
                continue
            part = run[index : index + count]
            lsn = max(lsn, self._append(part, part_of(expires_at_ms, index, index + count)))
            index += count
        self._backlog.counters.refused_count += len(rejected)
        if self.options.overflow is Overflow.REJECT_PUBLISH_DLX:
            refused = [run[index] for index in rejected]
            self._backlog.die((), refused, DeathReason.MAXLEN, is_prompt=True)
        return PublishOutcome(rejected, point_at(self._log.commit_group, lsn))

    def _append(self, run: Run, expires_at_ms: int | list[int]) -> int:
        position = self._next_position
        self._next_position = position + len(run)
        coming = _Coming(position, run, expires_at_ms, body_bytes(run), memory_bytes(run))
        self._coming.append(coming)
        self._coming_count += len(run)
        self._coming_bytes += coming.body_bytes
        self._backlog.ready.memory.add(coming.memory_bytes)
        return self._log.append(position, run, expires_at_ms)

    # -- what is committed becomes ready ------------------------------------------------------

    @property
    def _has_committed(self) -> bool:
        """Whether there is anything that may become ready."""
        coming = self._coming
        return bool(coming) and coming[0].first_position < self._log.committed_below

    def _enter(self, now_ms: int, max_count: int) -> int:
        """Make about so many messages ready; return how many."""
        entered_count = 0
        while self._has_committed and entered_count < max_count:
            entered_count += self._enter_next(now_ms)
        return entered_count

    def _enter_next(self, now_ms: int) -> int:
        _, run, expires, size_bytes, held_bytes = self._coming.popleft()
        self._coming_count -= len(run)
        self._coming_bytes -= size_bytes
        self._backlog.ready.memory.add(-held_bytes)
        if expires == 0 and self._keeps_all and not (self._sorts and self._consumers.count):
            self._backlog.append(run, 0)
        else:
            # A message that expires at once is delivered in this moment or never.
            expires = (
                [max(each, now_ms) if each else 0 for each in expires]
                if isinstance(expires, list)
                else expires and max(expires, now_ms)
            )
            (self._limited or self._limited_publish()).enter(run, expires, now_ms)
        return len(run)

    # -- out --------------------------------------------------------------------------------

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Make ready what is committed, and deliver; nothing while nothing may be delivered."""
        if self._is_deleted or not self._log.may_deliver:
            return False
        self._now_ms = now_ms
        self._let_moves_go()
        if self._told_when_giving:
            calls, self._told_when_giving = self._told_when_giving, {}
            for call in calls:
                call()
        self._enter(now_ms, max_messages)
        if self._log.lags(now_ms):
            return False
        return super().drain(now_ms, max_messages) or self._has_committed

    def get(self, now_ms: int, *, no_ack: bool = False) -> tuple[Batch, int] | None:
        """Take one message off the head; None also while nothing may be delivered."""
        if not self._log.may_deliver:
            self._lifetime.renew(now_ms)
            self._delivery.counters.got_empty_count += 1
            return None
        self._now_ms = now_ms
        self._enter(now_ms, DROPPED_PER_CALL_MAX)
        return super().get(now_ms, no_ack=no_ack)

    @property
    def entering_count(self) -> int:
        """Messages that are committed, and ready with the next drain that may deliver."""
        below = self._log.committed_below
        return sum([len(each.run) for each in self._coming if each.first_position < below])

    @property
    def gives_messages(self) -> bool:
        """Whether ``get`` and ``purge`` take what is there; see ``asked_port.GivingQueue``."""
        return self._log.may_deliver

    def when_it_gives(self, call: Callable[[], None]) -> None:
        """Call this in the next drain in which it gives messages."""
        self._told_when_giving[call] = None

    def tell_no_more(self, call: Callable[[], None]) -> None:
        """Do not call this."""
        self._told_when_giving.pop(call, None)

    @property
    def moves(self) -> Moves:
        """Messages that died and are to be moved; none while nothing may be delivered."""
        moves = self._backlog.moves
        moves.are_held = not self._log.may_deliver
        self._holds_moves |= moves.are_held
        return moves

    def _let_moves_go(self) -> None:
        """Say again what died, if somebody was told meanwhile that there is nothing to move."""
        if self._holds_moves:
            self._holds_moves = False
            if count := self._backlog.moves.count:
                self._emit(DeadLettered(self.name, count, is_prompt=False))

    def purge(self) -> PurgeOutcome:
        """Forget ready messages, and those that are committed and would be ready with the drain."""
        if self._log.may_deliver:
            self._enter(self._now_ms, self._coming_count)
        return super().purge()

    @property
    def last_point(self) -> CommitPoint:
        """When all is safe that was done so far; also where a group of it has failed by now.

        A group fails with the leadership of another queue that has the same mirrors.
        """
        return self._log.last_point

    # -- the queue itself -------------------------------------------------------------------

    def touch(self, now_ms: int) -> None:
        """The queue was declared again or is looked at: bring the counts up to date."""
        if self._log.may_deliver:
            self._enter(now_ms, DROPPED_PER_CALL_MAX)
            self._ask_for_drain()
        super().touch(now_ms)

    def delete(self) -> None:
        """Forget everything; consumers may still settle unacked messages, without effect."""
        self._backlog.ready.memory.add(-sum([each.memory_bytes for each in self._coming]))
        self._coming.clear()
        self._told_when_giving.clear()
        self._coming_count = self._coming_bytes = 0
        self._log.on_committed = wake_nobody
        super().delete()

    def check_invariants(self) -> None:
        """Assert the invariants; costs a walk over every message."""
        super().check_invariants()
        position = self._entering.next_position
        assert position == self._backlog.ready.next_position, "positions are those of the log"
        for each in self._coming:
            assert each.first_position == position, "what is coming follows"
            position += len(each.run)
        assert position == self._next_position, "and is all"
        assert self._coming_count == sum([len(each.run) for each in self._coming]), "is counted"
        assert self._coming_bytes == sum([each.body_bytes for each in self._coming]), "its bytes"
