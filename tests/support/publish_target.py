"""A ``PublishTarget`` for tests of publishing."""

from collections.abc import Sequence

from persistence.record import Run
from queues.commits import CommitGroup, point_at
from queues.outcomes import PublishOutcome
from tests.support.commits import FakeCommits

THE_GROUP = FakeCommits()
"""What commits where a test needs no other."""


class FakeTarget:
    """A ``PublishTarget`` that answers what it is told to."""

    def __init__(
        self,
        rejected: Sequence[int] = (),
        lsn: int = 0,
        group: CommitGroup = THE_GROUP,
        *,
        only_appends: bool = True,
        keeps_transient: bool = False,
    ) -> None:
        self.keeps_transient = keeps_transient
        self.outcome = PublishOutcome(rejected, point_at(group, lsn))
        self.runs: list[Run] = []
        self.asked: list[Run] = []
        self._only_appends = only_appends

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        self.runs.append(run)
        return self.outcome

    def only_appends(self, run: Run, now_ms: int) -> bool:
        self.asked.append(run)
        return self._only_appends

    def bodies(self) -> list[list[bytes]]:
        return [[record.body for record in run] for run in self.runs]
