"""The jobs of a node are bounded."""

import pytest

from amqp_server.broker.errors import NodeLimitError
from amqp_server.broker.jobs.jobs import ENDED_MAX, RUNNING_MAX, Jobs
from amqp_server.broker.jobs.move import JobState, Move


def begin(jobs: Jobs) -> Move:
    move = Move(jobs.next_number(), "/", "a", "b", "guest", 0, 1)
    jobs.add(move)
    return move


def test_so_many_go_on_at_a_time() -> None:
    jobs = Jobs()
    first, *_ = [begin(jobs) for _ in range(RUNNING_MAX)]
    with pytest.raises(NodeLimitError, match="16 jobs go on already"):
        jobs.next_number()
    jobs.cancel(first.number)
    assert first.state is JobState.CANCELLED
    assert begin(jobs).number == RUNNING_MAX + 1


def test_no_two_processes_of_a_cluster_have_a_number() -> None:
    one, other = Jobs(), Jobs()
    assert (one.next_number(41), other.next_number(42)) == (41_000_001, 42_000_001)


def test_the_last_that_are_over_are_shown() -> None:
    jobs = Jobs()
    for _ in range(ENDED_MAX + 5):
        begin(jobs).state = JobState.DONE
    begin(jobs)
    assert [job.number for job in jobs] == list(range(6, ENDED_MAX + 7))
    assert jobs.find(5) is None
    jobs.cancel(5)
    jobs.cancel(6)
    found = jobs.find(6)
    assert found is not None
    assert found.state is JobState.DONE
