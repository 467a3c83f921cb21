"""Publishes of a front half stay until a leader has decided, and are submitted in their order."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from cluster.fronts.errors import FrontError
from cluster.fronts.limits import FrontLimits, FrontNode
from cluster.fronts.submissions import FrontGroup, Submissions, Submitted
from cluster.replication.publishers import Front
from persistence.record import memory_bytes
from tests.support.records import run_of

NOW_MS = 1_000


def new(limits: FrontLimits = FrontLimits()) -> Submissions:  # noqa: B008 -- frozen
    return Submissions("q", FrontNode(Front("x", 1), limits))


def add(submissions: Submissions, count: int = 1, now_ms: int = NOW_MS) -> Submitted:
    submitted = submissions.add(run_of(*[b"m"] * count), now_ms)
    assert submitted is not None
    return submitted


def sent(submissions: Submissions) -> list[tuple[int, int, int, int]]:
    """Submit all; return first, last, open one below and attempt of each."""
    found = []
    while (each := submissions.next()) is not None:
        found.append((each.first, each.first + len(each.run) - 1, each.below, each.attempt))
    return found


def test_a_run_says_which_open_one_is_below_it() -> None:
    submissions = new()
    for count in (3, 2, 1):
        add(submissions, count)
    assert sent(submissions) == [(1, 3, 0, 0), (4, 5, 3, 0), (6, 6, 5, 0)]
    submissions.confirm(5)
    add(submissions)
    assert sent(submissions) == [(7, 7, 6, 0)]
    submissions.confirm(7)
    assert (len(submissions), submissions.open_bytes, submissions.group.committed_lsn) == (0, 0, 7)


def test_what_was_refused_is_not_open_and_is_told_in_its_turn() -> None:
    submissions = new()
    first, second = add(submissions, 3), add(submissions, 2)
    sent(submissions)
    submissions.refuse(2, 3)
    submissions.gap(1)
    assert sent(submissions) == [(4, 5, 1, 1)]
    submissions.refuse(4, 5)
    assert (first.refused, second.refused) == ((range(1, 3),), (range(2),))
    assert submissions.group.committed_lsn == 0, "1 is open"
    add(submissions)
    assert sent(submissions) == [(6, 6, 1, 1)]
    submissions.confirm(1)
    assert submissions.group.committed_lsn == 5


def test_behind_a_gap_all_that_is_open_comes_again() -> None:
    submissions = new()
    for _ in range(4):
        add(submissions)
    sent(submissions)
    submissions.refuse(2, 2)
    submissions.gap(1)
    assert sent(submissions) == [(3, 3, 1, 1), (4, 4, 3, 1)]
    submissions.gap(0)
    assert sent(submissions) == [(1, 1, 0, 2), (3, 3, 1, 2), (4, 4, 3, 2)]
    submissions.confirm(4)
    assert len(submissions) == 0


def test_a_part_of_a_run_may_be_refused_by_itself() -> None:
    submissions = new()
    run = add(submissions, 9)
    size_bytes = submissions.open_bytes
    sent(submissions)
    submissions.refuse(3, 4)
    assert (run.refused, submissions.open_bytes) == ((range(2, 4),), size_bytes)
    submissions.gap(2)
    assert sent(submissions) == [(5, 9, 2, 1)]
    submissions.refuse(8, 9)
    submissions.confirm(7)
    assert (run.refused, run.group.committed_lsn) == ((range(2, 4), range(7, 9)), 9)
    assert (len(submissions), submissions.open_bytes) == (0, 0)


def test_the_end_of_a_run_may_be_refused_when_the_rest_is_confirmed() -> None:
    submissions = new()
    run = add(submissions, 5)
    sent(submissions)
    submissions.confirm(4)
    assert run.group.committed_lsn == 0
    submissions.refuse(5, 5)
    assert (run.group.committed_lsn, len(submissions)) == (5, 0)


def test_the_next_way_gets_what_is_open_before_what_is_new() -> None:
    submissions = new()
    add(submissions, 3)
    sent(submissions)
    submissions.refuse(3, 3)
    add(submissions)
    submissions.way_ended()
    add(submissions)
    assert sent(submissions) == [(1, 2, 0, 0), (4, 4, 2, 0), (5, 5, 4, 0)]


def test_only_what_was_never_submitted_fails_by_time() -> None:
    submissions = new()
    first = add(submissions)
    sent(submissions)
    submissions.way_ended()
    second = add(submissions, 2, NOW_MS + 10)
    assert submissions.deadline_ms() == NOW_MS + 30_010
    submissions.expire(NOW_MS + 100_000)
    assert (first.refused, second.refused) == ((), (range(2),))
    assert (first.group.committed_lsn, second.group.committed_lsn) == (0, 3)
    assert sent(submissions) == [(1, 1, 0, 0)]


def test_what_fails_behind_an_open_one_of_its_group_is_told_in_its_turn() -> None:
    submissions = new()
    first, second = add(submissions), add(submissions)
    assert submissions.next() is first
    submissions.expire(NOW_MS + 100_000)
    assert second.refused == (range(1),)
    assert second.group.committed_lsn == 0
    assert sent(submissions) == []
    submissions.confirm(1)
    assert (second.group.committed_lsn, len(submissions)) == (2, 0)


def test_what_is_open_has_bounds_for_queue_and_node() -> None:
    run = run_of(b"x" * 60)
    size_bytes = memory_bytes(run)
    limits = FrontLimits(open_bytes_max=size_bytes + 1, node_open_bytes_max=2 * size_bytes)
    submissions = new(limits)
    assert submissions.add(run, NOW_MS) is not None
    assert submissions.add(run, NOW_MS) is not None
    assert submissions.add(run, NOW_MS) is None
    other = Submissions("other", submissions._node)
    assert other.add(run, NOW_MS) is None, "the node has too much"
    sent(submissions)
    submissions.confirm(2)
    assert other.add(run, NOW_MS) is not None


def test_a_leader_that_decides_what_was_not_submitted_makes_no_sense() -> None:
    submissions = new()
    add(submissions, 3)
    with pytest.raises(FrontError, match="confirms 3"):
        submissions.confirm(3)
    with pytest.raises(FrontError, match="open in no run"):
        submissions.refuse(1, 3)
    sent(submissions)
    add(submissions)
    sent(submissions)
    submissions.refuse(2, 2)
    with pytest.raises(FrontError, match="open in no run"):
        submissions.refuse(2, 2)
    with pytest.raises(FrontError, match="open in no run"):
        submissions.refuse(3, 4)


def test_waiters_are_told_in_order_and_all_when_the_queue_goes() -> None:
    group, told = FrontGroup(0), list[int]()
    for lsn in (1, 3, 2):
        group.wait(lsn, lambda lsn=lsn: told.append(lsn))  # type: ignore[misc]
    group.advance(2)
    assert told == [1, 2]
    group.fail()
    assert (told, group.committed_lsn) == ([1, 2, 3], 2)


def test_a_queue_that_goes_lets_go_of_all() -> None:
    submissions = new()
    add(submissions)
    sent(submissions)
    add(submissions)
    submissions.end()
    assert (len(submissions), submissions._node.open_bytes) == (0, 0)
    assert submissions.group.has_failed


@pytest.mark.parametrize("bound", ["open_bytes_max", "node_open_bytes_max"])
def test_who_fills_a_part_of_the_bound_waits_until_there_is_room(bound: str) -> None:
    size_bytes = memory_bytes(run_of(b"m"))
    limits = replace(FrontLimits(full_part=4), **{bound: size_bytes * 12})
    waiting: list[Callable[[Callable[[], None]], None]] = []
    node = FrontNode(Front("x", 1), limits, waiting.append)
    submissions = Submissions("q", node)
    for _ in range(3):
        add(submissions)
    assert not waiting, "a quarter is not too much"
    for _ in range(2):
        add(submissions)
    gone_on: list[str] = []
    for until_room, name in zip(waiting, "ab", strict=True):
        until_room(partial(gone_on.append, name))
    sent(submissions)
    submissions.confirm(1)
    assert gone_on == []
    submissions.confirm(2)
    assert gone_on == ["a", "b"]


@pytest.mark.parametrize("ends", [True, False])
def test_who_waits_for_a_queue_that_is_gone_or_has_failed_goes_on(ends: bool) -> None:
    limits = FrontLimits(open_bytes_max=1)
    waiting: list[Callable[[Callable[[], None]], None]] = []
    submissions = Submissions("q", FrontNode(Front("x", 1), limits, waiting.append))
    add(submissions)
    gone_on: list[str] = []
    waiting[0](lambda: gone_on.append("a"))
    if ends:
        submissions.end()
    else:
        submissions.expire(NOW_MS + limits.hold_ms)
    assert gone_on == ["a"]


def test_who_fills_the_node_goes_on_with_its_own_queue() -> None:
    limits = FrontLimits(node_open_bytes_max=1)
    waiting: list[Callable[[Callable[[], None]], None]] = []
    node = FrontNode(Front("x", 1), limits, waiting.append)
    other, mine = Submissions("other", node), Submissions("q", node)
    for each in (mine, other):
        each.add(run_of(b"m"), NOW_MS)
        node.limits = FrontLimits()
    node.limits = limits
    gone_on: list[str] = []
    waiting[0](lambda: gone_on.append("a"))
    sent(mine)
    mine.confirm(1)
    assert gone_on == ["a"]
