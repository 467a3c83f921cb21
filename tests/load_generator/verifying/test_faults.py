"""Plans are drawn from a seed, undo what they do, and part what they say."""

import random
from itertools import combinations

import pytest

from load_generator.verifying.cluster import Ability
from load_generator.verifying.faults import (
    COMBINED,
    KINDS,
    Scene,
    Step,
    Verb,
    between_sides,
    draw,
    fits,
    majorities_ring,
)

UNDONE = {
    Verb.KILL: Verb.START,
    Verb.STOP: Verb.START,
    Verb.FREEZE: Verb.THAW,
    Verb.FREEZE_LEASE: Verb.THAW,
    Verb.CUT: Verb.HEAL,
    Verb.LOSE: Verb.HEAL,
    Verb.LIMIT: Verb.HEAL,
}


def scene(seed: int, node_count: int = 3) -> Scene:
    nodes = tuple(f"n{number}" for number in range(1, node_count + 1))
    draws = random.Random(seed)
    return Scene(nodes, ("e1", "e2", "e3"), frozenset(Ability), "n2", draws.randrange)


@pytest.mark.parametrize("kind", [*KINDS, COMBINED])
@pytest.mark.parametrize("node_count", [3, 5])
def test_a_seed_draws_the_same_plan_again(kind: str, node_count: int) -> None:
    assert draw(kind, scene(7, node_count)) == draw(kind, scene(7, node_count))


@pytest.mark.parametrize("kind", [*KINDS, COMBINED])
@pytest.mark.parametrize("seed", range(5))
def test_a_plan_undoes_what_it_does(kind: str, seed: int) -> None:
    plan = draw(kind, scene(seed))
    steps = [*plan.begin, *plan.end]
    for index, step in enumerate(steps):
        if step.verb in UNDONE:
            later = [one for one in steps[index:] if one.verb is UNDONE[step.verb]]
            assert later, plan.text()
            if step.names and step.verb not in {Verb.LOSE, Verb.LIMIT}:
                assert any(set(step.names) <= set(one.names) for one in later), plan.text()


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_has_the_name_of_its_kind(kind: str) -> None:
    plan = draw(kind, scene(1))
    assert plan.kind == kind
    assert plan.text().startswith(f"{kind}: ")


def test_plans_of_the_leader_are_about_the_leader() -> None:
    for kind in ("kill-leader", "freeze-leader-5", "freeze-leader-60", "freeze-lease-15"):
        assert draw(kind, scene(1)).begin[0].names == ("n2",)
    for kind in ("kill-mirror", "freeze-mirror-5", "wipe-mirror"):
        assert draw(kind, scene(1)).begin[0].names[0] in {"n1", "n3"}


def test_sides_are_parted_both_ways_and_keep_together() -> None:
    pairs = between_sides((["n1"], ["n2", "n3"]))
    assert pairs == {("n1", "n2"), ("n1", "n3"), ("n2", "n1"), ("n3", "n1")}


@pytest.mark.parametrize("node_count", [3, 5, 7])
def test_in_a_ring_each_node_hears_a_majority_and_no_two_the_same(node_count: int) -> None:
    nodes = [f"n{number}" for number in range(node_count)]
    pairs = majorities_ring(nodes)
    heard = {node: frozenset(one for one in nodes if (one, node) not in pairs) for node in nodes}
    assert all(len(each) == node_count // 2 + 1 for each in heard.values())
    assert all(one != other for one, other in combinations(heard.values(), 2))


@pytest.mark.parametrize(("node_count", "reaching"), [(3, 0), (5, 5), (7, 7)])
def test_in_a_ring_of_three_no_two_nodes_reach_each_other(node_count: int, reaching: int) -> None:
    nodes = [f"n{number}" for number in range(node_count)]
    cut = majorities_ring(nodes)
    both = [pair for pair in combinations(nodes, 2) if not cut & {pair, pair[::-1]}]
    assert len(both) == reaching


def test_one_way_cuts_have_one_direction() -> None:
    deaf = draw("leader-hears-nothing", scene(1)).begin[0].pairs
    assert {target for _, target in deaf} == {"n2"}
    mute = draw("leader-is-not-heard", scene(1)).begin[0].pairs
    assert {source for source, _ in mute} == {"n2"}
    assert ("n2", "e1") in mute


def test_a_leader_that_is_cut_from_its_mirrors_keeps_the_store() -> None:
    pairs = draw("leader-cut-from-mirrors", scene(1)).begin[0].pairs
    assert {name for pair in pairs for name in pair} == {"n1", "n2", "n3"}
    pairs = draw("leader-cut-from-store", scene(1)).begin[0].pairs
    assert {name for pair in pairs for name in pair} == {"n2", "e1", "e2", "e3"}


def test_a_bridge_leaves_one_node_that_hears_all() -> None:
    pairs = draw("bridge", scene(3, 5)).begin[0].pairs
    assert len({name for pair in pairs for name in pair}) == 4


@pytest.mark.parametrize("seed", range(20))
def test_combined_faults_are_none_of_those_that_take_minutes(seed: int) -> None:
    plan = draw(COMBINED, scene(seed))
    assert "-60" not in plan.kind
    assert "rolling" not in plan.kind


def test_a_cluster_has_only_faults_that_it_can_have() -> None:
    assert fits("kill-all", 1, frozenset())
    assert fits(COMBINED, 1, frozenset())
    assert not fits("kill-mirror", 1, frozenset())
    assert not fits("random-halves", 3, frozenset())
    assert fits("random-halves", 3, frozenset({Ability.CUT}))
    assert not fits("leader-cut-from-store", 3, frozenset({Ability.CUT}))


def test_steps_say_what_they_do() -> None:
    assert Step(Verb.SLOW_DISK, ("n1",), amount=20).text() == "slow the disk of n1 20"
    assert Step(Verb.CUT, pairs=(("n1", "n2"),)).text() == "cut n1>n2"
