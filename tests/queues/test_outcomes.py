"""What a publish answers: what was refused, and when the rest is safe."""

from collections.abc import Sequence

import pytest

from persistence.record import PERSISTENT, Run
from queues.commits import CommitPoint
from queues.options import Overflow, QueueOptions
from queues.outcomes import (
    ALL_SAFE,
    PublishOutcome,
    StillOpen,
    all_taken,
    placed,
    refused_later,
)
from tests.support.classic_queue import QueueUnderTest
from tests.support.commits import FakeCommits
from tests.support.consumer import FakeConsumer
from tests.support.queue_log import FakeLog
from tests.support.records import record
from tests.support.refusing_queue import FakeRun


class DurableLog(FakeLog):
    """The log of a durable queue: persistent messages get an LSN, a transient one needs none."""

    def append(self, first_position: int, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        lsn = super().append(first_position, run, expires_at_ms)
        return lsn if any([each.flags & PERSISTENT for each in run]) else 0


def test_what_needs_no_wait_shares_one_answer() -> None:
    group = FakeCommits()
    assert all_taken(group, 0) is ALL_SAFE
    assert all_taken(group, 7) == PublishOutcome((), CommitPoint(group, 7))


@pytest.mark.parametrize("consumers_count", [0, 1, 2])
@pytest.mark.parametrize(
    "options",
    [
        QueueOptions(),
        QueueOptions(max_length=2),
        QueueOptions(max_length=2, overflow=Overflow.REJECT_PUBLISH),
        QueueOptions(max_length=2, message_ttl_ms=0),
        QueueOptions(max_priority=3),
        QueueOptions(max_priority=3, max_length=2),
        QueueOptions(max_priority=3, max_length=2, overflow=Overflow.REJECT_PUBLISH),
    ],
)
def test_a_run_is_not_safe_before_each_persistent_message_that_was_taken(
    options: QueueOptions, consumers_count: int
) -> None:
    jobs = QueueUnderTest(options, log=DurableLog(options.max_priority))
    jobs.consume(*[FakeConsumer(prefetch=1) for _ in range(consumers_count)])
    run = [record(b"lasting", persistent=True), record(b"1"), record(b"2"), record(b"3")]
    outcome = jobs.queue.publish(run, jobs.now_ms)
    assert 0 not in outcome.rejected
    assert outcome.safe_at.lsn >= 1


def test_what_any_queue_has_refused_is_named_once_by_its_index() -> None:
    one, two = FakeRun(), FakeRun()
    still_open = [StillOpen(range(3), one), StillOpen((7, 1), two)]
    assert list(refused_later(still_open)) == []
    one.refused.append(range(1, 3))
    two.refused.append(range(2))
    assert list(refused_later(still_open)) == [1, 2, 7]
    assert list(refused_later(placed(still_open, range(10, 20)))) == [11, 12, 17]
