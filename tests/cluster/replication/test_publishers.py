"""What a front end submits twice is in the log once, and nothing is swallowed (R23)."""

import random

import pytest

from cluster.replication.core import NotServingError, ReplicationCore
from cluster.replication.identity import DiskIdentity
from cluster.replication.inputs import Fsynced, LeaseGranted, StateRead
from cluster.replication.publishers import (
    Finding,
    Front,
    Publishers,
    Submission,
    Verdict,
)
from cluster.replication.rules import Rules
from cluster.replication.state import QueueOptions, QueueState, ReplicaId, StoredReplica

RULES = Rules()
X = Front("x", 7)


def table(number: int = 10, index: int = 100) -> Publishers:
    made = Publishers()
    made.note(X, number, index)
    return made


def judged(first: int, count: int, open_below: int = 0) -> Verdict:
    return table().judge(Submission(X, first, count, open_below), RULES)


def test_the_first_run_of_a_front_end_is_fresh() -> None:
    verdict = Publishers().judge(Submission(X, 1, 3, 0), RULES)
    assert verdict == Verdict(Finding.FRESH)


def test_a_run_behind_what_is_in_the_log_is_fresh() -> None:
    assert judged(11, 5, open_below=10) == Verdict(Finding.FRESH)


def test_a_run_that_is_in_the_log_waits_for_what_is_there() -> None:
    assert judged(6, 5) == Verdict(Finding.IN_LOG, index=100)


def test_of_a_run_that_is_there_in_part_the_rest_is_fresh() -> None:
    assert judged(9, 5) == Verdict(Finding.FRESH, skip=2, index=100)


def test_a_run_that_would_overtake_an_open_one_is_a_gap() -> None:
    assert judged(12, 1, open_below=11) == Verdict(Finding.GAP)


def test_a_number_that_was_refused_leaves_no_gap() -> None:
    assert judged(12, 1, open_below=10) == Verdict(Finding.FRESH)


def test_a_newer_process_of_a_node_begins_anew_and_replaces_the_older() -> None:
    publishers = table()
    newer = Front("x", 8)
    assert publishers.judge(Submission(newer, 1, 1, 0), RULES) == Verdict(Finding.FRESH)
    publishers.note(newer, 1, 101)
    assert publishers.judge(Submission(X, 11, 1, 0), RULES) == Verdict(Finding.REPLACED)
    publishers.note(X, 11, 102)
    assert [row.number for row in publishers.rows()] == [1]


def test_a_table_has_a_row_for_each_node_and_survives_a_snapshot() -> None:
    publishers = Publishers()
    for incarnation in range(50):
        for node in "xyz":
            publishers.note(Front(node, incarnation), incarnation + 1, incarnation)
    assert len(publishers.rows()) == 3
    again = Publishers(publishers.rows())
    submission = Submission(Front("y", 49), 50, 1, 0)
    assert again.judge(submission, RULES).finding is Finding.IN_LOG


def test_who_does_not_serve_decides_nothing() -> None:
    core = ReplicationCore("a", DiskIdentity("0", 0))
    core.add_replica("q", QueueOptions(("a", "b")), StoredReplica())
    with pytest.raises(NotServingError):
        core.judge("q", Publishers(), Submission(X, 1, 1, 0))


@pytest.mark.parametrize("seed", range(200))
def test_runs_in_any_order_and_any_cut_are_in_the_log_once_and_in_order(seed: int) -> None:
    """A front end submits random runs of what is open until all is in the log."""
    chance = random.Random(seed)
    publishers, log = Publishers(), list[int]()
    unanswered = set(range(1, 30))
    refused = set[int]()
    while unanswered:
        first = chance.choice(sorted(unanswered))
        count = 1
        while first + count in unanswered and chance.random() < 0.7:
            count += 1
        below = max((each for each in unanswered if each < first), default=0)
        verdict = publishers.judge(Submission(X, first, count, below), RULES)
        numbers = list(range(first, first + count))
        if verdict.finding is Finding.FRESH and not verdict.skip and chance.random() < 0.1:
            refused |= set(numbers)
            unanswered -= set(numbers)
        elif verdict.finding is Finding.FRESH:
            log += numbers[verdict.skip :]
            publishers.note(X, numbers[-1], len(log))
            if chance.random() < 0.5:
                unanswered -= set(numbers)
        elif verdict.finding is Finding.IN_LOG:
            assert set(numbers) <= set(log)
            unanswered -= set(numbers)
    assert log == sorted(set(log))
    assert set(log) | refused == set(range(1, 30))
    assert not set(log) & refused


@pytest.mark.parametrize("lease_guard", [False, True])
def test_a_copy_of_what_is_committed_is_confirmed_with_the_lease_only(lease_guard: bool) -> None:
    """A leader that is cut off would confirm for ever what its successor may lack (R17, R18)."""
    core = ReplicationCore("a", DiskIdentity("0", 0), lease_margin_ms=0)
    core.add_replica("q", QueueOptions(("a",), 1, lease_guard), StoredReplica())
    core.step(LeaseGranted(7, 0, 100))
    core.step(StateRead("q", QueueState("a", 7, 1, frozenset({ReplicaId("a", "0")})), 1))
    core.step(Fsynced(core.node.written))
    index, _ = core.append("q", 1, b"")
    assert not core.may_confirm("q", index), "not on the disk yet"
    core.step(Fsynced(core.node.written))
    assert core.may_confirm("q", index)
    core.tick(100)
    assert core.may_confirm("q", index) is not lease_guard
    assert not core.may_confirm("other", index)
