"""A node as placement sees it."""

from cluster.placement.nodes import (
    ACTIVE,
    DRAINING,
    LEAVING,
    STATES,
    by_name,
    counted,
    lot,
)
from cluster.replication.state import ReplicaId
from tests.support.placements import node


def test_a_node_that_lives_and_is_active_may_lead_and_hold() -> None:
    active = node("a")
    assert active.is_live
    assert active.may_lead()
    assert active.may_hold()
    assert active.replica == ReplicaId("a", "disk-a")


def test_a_draining_node_holds_and_does_not_lead() -> None:
    assert node("a", state=DRAINING).may_hold()
    assert not node("a", state=DRAINING).may_lead()


def test_a_leaving_node_gets_nothing_and_so_does_one_in_a_state_of_a_later_version() -> None:
    assert not node("a", state=LEAVING).may_hold()
    assert not node("a", state="asleep").may_hold()
    assert not node("a", state="asleep").may_lead()


def test_a_node_that_is_away_may_hold_and_does_not_lead() -> None:
    assert node("a", incarnation=0).may_hold()
    assert not node("a", incarnation=0).may_lead()


def test_who_lives_comes_before_who_does_not() -> None:
    order = [
        node("a", state=state, incarnation=incarnation).tier()
        for incarnation in (1, 0)
        for state in (ACTIVE, DRAINING)
    ]
    assert order == sorted(order)
    assert len(set(order)) == len(order)
    assert set(STATES) == {ACTIVE, DRAINING, LEAVING}


def test_counts_are_put_in_and_what_has_none_has_0() -> None:
    a, b = counted([node("a"), node("b", leaders_count=9)], {"a": 2}, {"a": 4, "b": 1})
    assert (a.leaders_count, a.replicas_count) == (2, 4)
    assert (b.leaders_count, b.replicas_count) == (0, 1)
    assert by_name([a, b]) == {"a": a, "b": b}


def test_lots_differ_between_queues() -> None:
    firsts = {min((lot(f"q{number}", name), name) for name in "abc")[1] for number in range(50)}
    assert firsts == {"a", "b", "c"}
    assert lot("q", "a") == lot("q", "a")
