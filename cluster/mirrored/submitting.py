"""Takes a run that a front end submits, once, however often it comes (R23).

    judge ─▶ in the log: nothing is appended          ─▶ confirm it when that is safe
          ─▶ behind a gap: nothing is decided         ─▶ the front end submits again what is open
          ─▶ fresh: the first ones may be in the log; the queue takes or refuses the others

A message that was refused is open to its front end until it hears of that. So nothing above it is
appended meanwhile: a later leader would take "its number is below the last" for "it is in the log".
A run thus ends with the first message that would be taken behind a refused one. The front end
submits the rest again; by then it knows.

A message that repeats one in the queue is taken and not appended. Where this node has no lease, its
run ends with a record that proves by its commit that this node still led (``TakingLog.prove``).
"""

from dataclasses import dataclass
from typing import Final, Protocol

from cluster.replication.publishers import Finding, Front, Submission, Verdict
from persistence.record import Run
from queues.commits import SAFE_NOW, CommitPoint, later_of
from queues.outcomes import PublishOutcome

NONE: Final = range(0)


class TakingLog(Protocol):
    """What is needed of the log of the queue: ``cluster.mirrored.log.MirroredLog`` says how it is.

    Attributes:
        has_repeated: the queue has taken a message that repeats one, and ``prove`` is due.
    """

    @property
    def has_repeated(self) -> bool:
        """See the attribute."""

    def judge(self, submission: Submission) -> Verdict:
        """Say what is to be done with a run of a front end."""

    def begin(self, front: Front, first: int) -> None:
        """What is appended until ``end`` are the messages of a run, from this number on."""

    def end(self, taken_count: int) -> None:
        """So many of them were taken."""

    def prove(self, front: Front, last: int) -> CommitPoint:
        """Return when messages may be confirmed that repeat others; up to which number."""

    def confirmed_at(self, index: int) -> CommitPoint:
        """Return when a message may be confirmed that is in the log."""


class TakingQueue(Protocol):
    """What is needed of the queue's engine."""

    def only_appends(self, run: Run, now_ms: int) -> bool:
        """Whether ``publish`` of this run, now, would refuse, drop and deliver nothing."""

    def refuses(self, run: Run) -> bool:
        """Whether ``publish`` of this message, now, would refuse it."""

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Take a run (at least one message)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a run, message by message; all of them are in one of the ranges.

    Attributes:
        finding: what the log said of it.
        in_log: numbers that are in the log now, or were before; confirm them at ``safe_at``.
        refused: numbers that are in no log, and were refused for good.
        undecided: numbers that the front end has to submit again, if it still wants to.
        safe_at: when ``in_log`` is safe. Where its group fails, nothing is known.
    """

    finding: Finding
    in_log: range = NONE
    refused: range = NONE
    undecided: range = NONE
    safe_at: CommitPoint = SAFE_NOW


def submit(
    log: TakingLog, queue: TakingQueue, submission: Submission, run: Run, now_ms: int
) -> Taken:
    """Take a run of a front end.

    Args:
        log: of the queue.
        queue: its engine, over this log.
        submission: whose run it is, and which numbers its messages have.
        run: the messages.
        now_ms: the instant.

    Raises:
        NotServingError: this node admits nothing now; it has decided nothing.
    """
    first, stop = submission.first, submission.last + 1
    assert len(run) == submission.count, "each message has a number"
    verdict = log.judge(submission)
    if verdict.finding is Finding.IN_LOG:
        safe_at = log.confirmed_at(verdict.index)
        return Taken(verdict.finding, range(first, stop), safe_at=safe_at)
    if verdict.finding is not Finding.FRESH:
        return Taken(verdict.finding, undecided=range(first, stop))
    fresh = first + verdict.skip
    rest = run[verdict.skip :] if verdict.skip else run
    safe_at = log.confirmed_at(verdict.index) if verdict.skip else SAFE_NOW
    taken_count, refused_count, point = _take(log, queue, submission.front, fresh, rest, now_ms)
    taken, refused = fresh + taken_count, fresh + taken_count + refused_count
    if log.has_repeated:
        point = later_of(point, log.prove(submission.front, taken - 1))
    return Taken(
        verdict.finding,
        range(first, taken),
        range(taken, refused),
        range(refused, stop),
        later_of(safe_at, point),
    )


def _take(
    log: TakingLog, queue: TakingQueue, front: Front, first: int, run: Run, now_ms: int
) -> tuple[int, int, CommitPoint]:
    """Return how many the queue took, how many behind them it refused, and when those are safe."""
    if queue.only_appends(run, now_ms):
        outcome = _publish(log, queue, front, first, run, now_ms)
        assert not outcome.rejected, "it only appends"
        return len(run), 0, outcome.safe_at
    safe_at: CommitPoint = SAFE_NOW
    refused_count = 0
    for at in range(len(run)):
        one = run[at : at + 1]
        if refused_count and not queue.refuses(one):
            return at - refused_count, refused_count, safe_at
        outcome = _publish(log, queue, front, first + at, one, now_ms)
        if outcome.rejected:
            refused_count += 1
        else:
            safe_at = later_of(safe_at, outcome.safe_at)
    return len(run) - refused_count, refused_count, safe_at


def _publish(
    log: TakingLog, queue: TakingQueue, front: Front, first: int, run: Run, now_ms: int
) -> PublishOutcome:
    log.begin(front, first)
    outcome = queue.publish(run, now_ms)
    log.end(len(run) - len(outcome.rejected))
    return outcome
