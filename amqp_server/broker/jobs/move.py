"""Moves or copies the messages of a queue to another one, or each back to where it died first.

    take a piece off the head → publish copies → settle the piece → wait until earlier ones are safe

Each piece is taken, copied and settled in one step. The copies have lower LSNs than the settlement
(ADR 18), so a crash leaves every message in one of the two queues, and at most the messages of one
piece in both. A job does not survive a restart; what it has not moved is where it was.

What a filter does not choose is taken too, held until the end, and then given back to its place.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from operator import itemgetter
from typing import Final

from amqp_server.broker.jobs.origin import origin_of
from amqp_server.broker.jobs.pace import Pace
from amqp_server.broker.messages.message_filter import EVERY_MESSAGE, MessageFilter
from amqp_server.broker.publish import Publisher
from amqp_server.broker.queue import Queue
from amqp_server.broker.requeueing import requeueing
from amqp_server.broker.steps import Steps
from amqp_server.broker.turn import Turn
from persistence.record import Record
from queues.batch import Batch
from queues.commits import SAFE_NOW, CommitPoint, is_safe, later_of, wait_for
from queues.looking import LookPlace

PIECE_MAX: Final = 256
"""Messages that are taken, copied and settled in one step."""

PIECE_BYTES_MAX: Final = 1 << 20
"""Or as many as have bodies of this size together, or one that is larger."""

KEPT_MAX: Final = 10_000
"""A job ends when so many messages have nowhere to go: they are held until then."""

PASSED_MAX: Final = 100_000
"""With a filter, when so many stay in the queue."""

KEPT_BYTES_MAX: Final = 64 << 20
"""Or when those have bodies of this size together."""

SEARCHED_PIECE_MAX: Final = 16
"""Messages of a piece that are looked into: headers take a tenth of a millisecond, a body one."""


class JobState(Enum):
    """How a job is; the value is shown."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True, eq=False)
class Move:
    """What a job was asked to do, and how far it has come.

    Attributes:
        number: of the job.
        vhost, source: the queue.
        dest: name of the other queue; None is the one in which each message died first.
        username: who began it; None is who runs the node.
        begun_at_ms: when, in ms since 1970.
        total: messages to go through.
        copies: whether the messages stay in the source too.
        matching: only these are moved or copied.
        rate: how many a second, at most; None is without a limit.
        moved: messages that are in the other queue.
        skipped: messages that had nowhere to go, or did not match.
        unmatched: those of them that did not match.
        error: why it failed; empty if it did not.
    """

    number: int
    vhost: str
    source: str
    dest: str | None
    username: str | None
    begun_at_ms: int
    total: int
    copies: bool = False
    matching: MessageFilter = EVERY_MESSAGE
    rate: int | None = None
    moved: int = 0
    skipped: int = 0
    unmatched: int = 0
    state: JobState = JobState.RUNNING
    error: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state is not JobState.RUNNING


class MoveJob:
    """A ``broker.budget.Job``.

    Args:
        move: what to do.
        queue: the source.
        publisher: of the vhost.
        turn: the broker's.
        refusal: returns why nothing may be published now; empty is that it may.
        wake: has the loop make a turn: nothing else does when the disk has a piece.
    """

    def __init__(
        self,
        move: Move,
        queue: Queue,
        publisher: Publisher,
        turn: Turn,
        refusal: Callable[[], str],
        wake: Callable[[], None],
    ) -> None:
        self._move = move
        self._queue = queue
        self._publisher = publisher
        self._turn = turn
        self._refusal = refusal
        self._wake = wake
        self._kept: list[Batch] = []
        self._kept_bytes = 0
        self._waits_for: CommitPoint = SAFE_NOW
        self._place: LookPlace | None = None
        self._pace = Pace(move.rate, turn, self._go_on)
        self._steps: Steps[None] = self._going()

    def step(self, _now_ms: int) -> bool:
        """Move a piece, and more within the budget; return whether it is over, or waits."""
        is_spent = self._turn.budget.is_spent
        if self._is_early():
            return True
        for _ in self._steps:
            if not is_safe(self._waits_for):
                wait_for(self._waits_for, self._go_on)
                return True
            if self._is_early():
                return True
            if is_spent():
                return False
        return True

    def _is_early(self) -> bool:
        return not self._move.is_over and self._pace.is_early(self._turn.now_ms)

    def _go_on(self) -> None:
        self._turn.later(self)
        self._wake()

    def _going(self) -> Steps[None]:
        move = self._move
        while not move.is_over:
            done = move.moved + move.skipped
            more = self._copy_piece() if move.copies else self._move_piece()
            self._pace.moved(move.moved + move.skipped - done, self._turn.now_ms)
            if not more and not move.is_over:
                move.state = JobState.DONE
            yield
        if self._kept and not self._queue.is_deleted:
            engine, turn = self._queue.engine, self._turn
            turn.drain_now(engine, turn.now_ms)
            yield from requeueing(engine, self._kept, turn, turn.now_ms)
            turn.drain_now(engine, turn.now_ms)
        self._kept = []

    def _may_go_on(self) -> bool:
        """Whether another piece may be moved; a job that may not has failed."""
        refusal = self._refusal()
        if self._queue.is_deleted:
            refusal = f"no {self._queue.text}"
        elif len(self._kept) >= KEPT_MAX and not self._move.matching.is_set:
            refusal = "too many messages have nowhere to go"
        elif len(self._kept) >= PASSED_MAX or self._kept_bytes >= KEPT_BYTES_MAX:
            refusal = "too many messages stay in the queue"
        if refusal:
            self._fail(refusal)
        return not refusal

    def _fail(self, error: str) -> None:
        self._move.state, self._move.error = JobState.FAILED, error

    # -- moving ---------------------------------------------------------------------------------

    def _move_piece(self) -> bool:
        """Move the next messages; return whether there may be more."""
        if not self._may_go_on():
            return False
        taken = list(self._taken())
        batches = self._chosen(taken)
        sent, safe_at = self._publish([batch.records[0] for batch in batches])
        self._settle([batch for batch, is_sent in zip(batches, sent, strict=True) if is_sent])
        for batch, is_sent in zip(batches, sent, strict=True):
            if not is_sent:
                self._keep(batch)
        self._waits_for = safe_at
        return len(taken) > 0

    def _chosen(self, batches: list[Batch]) -> list[Batch]:
        """Return the messages that match, and keep the others."""
        matching = self._move.matching
        if not matching.is_set:
            return batches
        chosen = []
        for batch in batches:
            if matching.matches(batch.records[0]):
                chosen.append(batch)
            else:
                self._keep(batch)
        self._pass_by(len(batches) - len(chosen))
        return chosen

    def _keep(self, batch: Batch) -> None:
        self._kept.append(batch)
        self._kept_bytes += batch.body_bytes

    def _taken(self) -> Iterator[Batch]:
        """Take messages off the head, as many as are a piece."""
        engine, left_bytes = self._queue.engine, PIECE_BYTES_MAX
        for _ in range(self._piece_max):
            got = engine.get(self._turn.now_ms)
            if got is None:
                return
            yield got[0]
            left_bytes -= got[0].body_bytes
            if left_bytes <= 0:
                return

    def _settle(self, batches: Sequence[Batch]) -> None:
        """Settle messages whose copies were appended: with a higher LSN than these."""
        engine, turn = self._queue.engine, self._turn
        if not batches:
            return
        if engine.must_drain_before(self):
            turn.drain_now(engine, turn.now_ms)
        positions = sorted([batch.positions[0] for batch in batches])
        engine.settle(positions, sum([batch.body_bytes for batch in batches]))

    # -- copying --------------------------------------------------------------------------------

    def _copy_piece(self) -> bool:
        """Copy the next messages; return whether there may be more."""
        if not self._may_go_on():
            return False
        try:
            found = self._queue.engine.look(self._place, self._piece_max)
        except OSError as error:
            self._fail(f"{self._queue.text} cannot be read now: {error.strerror}")
            return False
        records = [one.record for each in found.slices for one in each.messages()]
        wanted = [record for record in records if self._move.matching.matches(record)]
        self._pass_by(len(records) - len(wanted))
        self._place = found.place
        _, self._waits_for = self._publish(wanted)
        return found.place is not None and self._left_count > 0

    # -- both -----------------------------------------------------------------------------------

    def _pass_by(self, count: int) -> None:
        """Note messages that do not match."""
        self._move.skipped += count
        self._move.unmatched += count

    @property
    def _piece_max(self) -> int:
        matching = self._move.matching
        in_body = matching.text is not None or matching.pattern is not None
        usual = SEARCHED_PIECE_MAX if in_body or matching.headers else PIECE_MAX
        return min(self._pace.piece_max(usual), self._left_count)

    @property
    def _left_count(self) -> int:
        return max(self._move.total - self._move.moved - self._move.skipped, 0)

    def _publish(self, records: Sequence[Record]) -> tuple[list[bool], CommitPoint]:
        """Publish copies; return which of them are in a queue, and when all are safe."""
        sent: list[bool] = []
        safe_at = SAFE_NOW
        for name, group in groupby(map(self._addressed, records), key=itemgetter(0)):
            run = [record for _, record in group]
            outcome = None
            if name and not self._move.is_over:
                outcome = self._publisher.publish_to_queue(name, run, self._turn.now_ms)
            if outcome is None:
                if self._move.dest is not None and not self._move.is_over:
                    self._fail(f"there is no queue {name!r}")
                sent += [False] * len(run)
                self._move.skipped += len(run)
                continue
            refused = frozenset(outcome.rejected)
            sent += [index not in refused for index in range(len(run))]
            self._move.moved += len(run) - len(refused)
            self._move.skipped += len(refused)
            safe_at = later_of(safe_at, outcome.safe_at)
            if refused:
                self._fail(f"queue {name!r} is full")
        return sent, safe_at

    def _addressed(self, record: Record) -> tuple[str, Record]:
        """Return the queue that a message goes to, empty for none, and what goes there."""
        if self._move.dest is not None:
            return self._move.dest, record
        origin = origin_of(record)
        if origin is None or origin.queue_name == self._queue.name:
            return "", record
        return origin
