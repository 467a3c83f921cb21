"""Commit points: joined, asked, waited for; of one group and of several."""

import pytest

from queues.commits import (
    NOTHING_TO_COMMIT,
    SAFE_NOW,
    CommitPoint,
    NothingToCommit,
    is_ordered_by,
    is_safe,
    later_of,
    open_points,
    point_at,
    points_of,
    wait_for,
)
from tests.support.commits import FakeCommits


@pytest.fixture
def near() -> FakeCommits:
    return FakeCommits()


@pytest.fixture
def far() -> FakeCommits:
    return FakeCommits()


def test_everything_in_memory_is_safe_at_once() -> None:
    called: list[None] = []
    NothingToCommit().wait(0, lambda: called.append(None))
    assert called == [None]


def test_an_lsn_is_nobodys_in_memory() -> None:
    with pytest.raises(AssertionError, match="nothing here has an LSN"):
        NothingToCommit().wait(1, lambda: None)


def test_lsn_0_is_nothing_to_wait_for(near: FakeCommits) -> None:
    assert point_at(near, 0) is SAFE_NOW
    assert is_safe(SAFE_NOW)
    assert point_at(near, 3) == CommitPoint(near, 3)


def test_points_of_one_group_join_to_the_later_one(near: FakeCommits) -> None:
    one, two = CommitPoint(near, 3), CommitPoint(near, 5)
    assert later_of(one, two) is two
    assert later_of(two, one) is two
    assert later_of(SAFE_NOW, one) is later_of(one, SAFE_NOW) is one


def test_points_of_several_groups_join_to_one_of_each(near: FakeCommits, far: FakeCommits) -> None:
    both = later_of(CommitPoint(near, 3), CommitPoint(far, 9))
    assert both == CommitPoint(near, 3, (CommitPoint(far, 9),))
    both = later_of(both, CommitPoint(near, 5))
    assert points_of(both) == (CommitPoint(near, 5), CommitPoint(far, 9))
    assert later_of(both, SAFE_NOW) is both
    assert points_of(later_of(both, CommitPoint(far, 4))) == points_of(both)


def test_it_is_safe_once_each_group_has_it(near: FakeCommits, far: FakeCommits) -> None:
    both = later_of(CommitPoint(near, 3), CommitPoint(far, 9))
    far.commit(9)
    assert not is_safe(both)
    assert open_points(both) == [CommitPoint(near, 3)]
    near.commit(3)
    assert is_safe(both)
    assert open_points(both) == []


def test_who_waits_is_called_once(near: FakeCommits, far: FakeCommits) -> None:
    both = later_of(CommitPoint(near, 3), CommitPoint(far, 9))
    called: list[bool] = []
    wait_for(both, lambda: called.append(is_safe(both)))
    near.commit(3)
    assert called == []
    far.commit(9)
    assert called == [True]
    wait_for(both, lambda: called.append(is_safe(both)))
    wait_for(SAFE_NOW, lambda: called.append(True))
    assert called == [True] * 3


def test_or_as_soon_as_one_group_has_failed(near: FakeCommits, far: FakeCommits) -> None:
    both = later_of(CommitPoint(near, 3), CommitPoint(far, 9))
    called: list[bool] = []
    wait_for(both, lambda: called.append(is_safe(both)))
    far.fail()
    assert called == [False]
    near.commit(3)
    assert called == [False]
    wait_for(both, lambda: called.append(is_safe(both)))
    assert called == [False, False]


def test_only_its_own_group_orders_what_comes_behind_a_point(
    near: FakeCommits, far: FakeCommits
) -> None:
    both = later_of(CommitPoint(near, 3), CommitPoint(far, 9))
    assert is_ordered_by(near, CommitPoint(near, 3))
    assert not is_ordered_by(near, CommitPoint(far, 3))
    assert not is_ordered_by(near, both)
    assert is_ordered_by(near, SAFE_NOW)
    assert is_ordered_by(NOTHING_TO_COMMIT, both), "nothing of it is ever safe"


def test_a_group_that_is_not_one_log_orders_nothing(near: FakeCommits) -> None:
    near.is_one_log = False
    assert not is_ordered_by(near, CommitPoint(near, 3))
