"""The log of a mirrored queue, as its leader's engine knows it, with a history that leaders share.

A new leader begins with a prefix of the old one's history, which has all that was committed. The
old one may go on: nothing of that is ever committed.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from cluster.fronts.taking import Take
from cluster.mirrored.log import MirroredLog
from cluster.mirrored.submitting import Taken, submit
from cluster.replication.core import NotServingError
from cluster.replication.publishers import Front, Published, Publishers, Submission, Verdict
from cluster.replication.rules import Rules
from persistence.record import Run
from queues.batch import Batch
from queues.classic.queue import ClassicQueue
from queues.commits import CommitPoint
from queues.options import Overflow, QueueOptions
from queues.ports import EngineParts, WakeUp
from tests.support.queue_log import FakeLog

NOW_MS = 1_000


class Appended(NamedTuple):
    position: int
    run: Run
    expires_at_ms: int | Sequence[int]
    front: Front | None
    number: int


class Settled(NamedTuple):
    positions: range


class Requeued(NamedTuple):
    positions: range
    return_count: int


Operation = Appended | Settled | Requeued


class LedLog(FakeLog):
    """A ``QueueLog`` and what ``cluster.mirrored.submitting`` needs; its LSNs count operations.

    Attributes:
        operations: all that it has.
        is_admitting: publishes are decided.
        has_repeated: nothing here repeats another message.
    """

    has_repeated = False

    def __init__(
        self, operations: Sequence[Operation] = (), max_priority: int | None = None
    ) -> None:
        super().__init__(max_priority)
        self.operations: list[Operation] = []
        self.publishers = Publishers()
        self.is_admitting = True
        self.has_ended = self.has_repeated = False
        self._front: Front | None = None
        self._number = self._first = 0
        for each in operations:
            match each:
                case Appended():
                    self._front, self._number = each.front, each.number - len(each.run)
                    self.append(each.position, each.run, each.expires_at_ms)
                    if each.front is not None:
                        self.publishers.note(each.front, each.number, self.lsn)
                case Settled():
                    self.settle(each.positions)
                case Requeued():
                    self.requeued(each.positions, each.return_count)
        self._front = None
        self.commit(self.lsn)

    def commit(self, lsn: int) -> None:
        self.committed_lsn = max(self.committed_lsn, lsn)
        self.commit_group.commit(self.committed_lsn)

    def append(self, first_position: int, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        self._number += len(run)
        operation = Appended(first_position, run, expires_at_ms, self._front, self._number)
        self.operations.append(operation)
        return super().append(first_position, run, expires_at_ms)

    def settle(self, positions: range, *, is_promised: bool = False) -> int:
        self.operations.append(Settled(positions))
        return super().settle(positions, is_promised=is_promised)

    def requeued(self, positions: range, delivery_count: int) -> int:
        if not positions:
            return 0
        self.operations.append(Requeued(positions, delivery_count))
        return super().requeued(positions, delivery_count)

    # -- what is submitted ------------------------------------------------------------------------

    def judge(self, submission: Submission) -> Verdict:
        if self.has_ended or not self.is_admitting:
            raise NotServingError("q")
        return self.publishers.judge(submission, Rules())

    def begin(self, front: Front, first: int) -> None:
        self._front, self._number, self._first = front, first - 1, first

    def end(self, taken_count: int) -> None:
        front, self._front = self._front, None
        assert front is not None
        if taken_count:
            self.publishers.note(front, self._first + taken_count - 1, self.lsn)

    def confirmed_at(self, index: int) -> CommitPoint:
        return CommitPoint(self.commit_group, index)

    def rows(self) -> tuple[Published, ...]:
        return self.publishers.rows()


class LedQueue(ClassicQueue):
    """A queue whose messages are ready at once, with what a leader asks it.

    Attributes:
        gives_messages: it may deliver.
        told: who is called when it may again.
    """

    gives_messages = True
    told: dict[Callable[[], None], None]

    def let_give(self, *, is_on: bool) -> None:
        """The lease is over, or there again."""
        self.gives_messages = is_on
        self.told = getattr(self, "told", {})
        self._wake_up()

    def when_it_gives(self, call: Callable[[], None]) -> None:
        self.told[call] = None

    def tell_no_more(self, call: Callable[[], None]) -> None:
        self.told.pop(call, None)

    def drain(self, now_ms: int, max_messages: int) -> bool:
        if not self.gives_messages:
            return False
        calls, self.told = getattr(self, "told", {}), {}
        for call in calls:
            call()
        return super().drain(now_ms, max_messages)

    def get(self, now_ms: int, *, no_ack: bool = False) -> tuple[Batch, int] | None:
        return super().get(now_ms, no_ack=no_ack) if self.gives_messages else None

    def refuses(self, run: Run) -> bool:
        is_limited = self.options.overflow is not Overflow.DROP_HEAD
        return is_limited and not self.only_appends(run, NOW_MS)


def engine_on(
    log: LedLog,
    options: QueueOptions,
    wake_up: WakeUp,
    *,
    is_first: bool = False,
    kind: type[LedQueue] = LedQueue,
) -> LedQueue:
    """Return a queue over a log, with what that has."""
    parts = EngineParts("q", options, log, lambda _: None, wake_up, NOW_MS)
    engine = kind(parts)
    if not is_first:
        engine.recover(log.found(), NOW_MS)
    return engine


def take_into(log: LedLog, engine: LedQueue) -> Take:
    """Return what takes runs into them."""

    def take(submission: Submission, run: Run, now_ms: int) -> Taken:
        return submit(cast("MirroredLog", log), engine, submission, run, now_ms)

    return take
