"""A queue that takes all runs, and may refuse some of their messages until they are committed."""

from persistence.record import Run
from queues.commits import CommitPoint
from queues.outcomes import PublishOutcome, StillOpen
from tests.support.commits import FakeCommits


class FakeRun:
    """An ``OpenRun``."""

    def __init__(self) -> None:
        self.refused: list[range] = []
        self.was_kept_out = False


class RefusingQueue:
    """What a publish is handed to; its LSNs are those of ``commits``."""

    def __init__(self) -> None:
        self.commits = FakeCommits()
        self.last_lsn = 0
        self.runs: list[FakeRun] = []

    def publish(self, run: Run, now_ms: int = 0) -> PublishOutcome:
        assert len(run)
        self.last_lsn += 1
        self.runs.append(FakeRun())
        point = CommitPoint(self.commits, self.last_lsn)
        still_open = (StillOpen(range(len(run)), self.runs[-1]),)
        return PublishOutcome((), point, (), still_open)

    def refuse(self, number: int, *stretches: range) -> None:
        """Refuse messages of the run that came as this number, from 0."""
        self.runs[number].refused += stretches
