"""The first state of a queue."""

from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cluster.placement.asking import RULES, Asked, Locator
from cluster.placement.nodes import DRAINING, LEAVING, NodeStanding, by_name
from cluster.placement.placing import placed, spread
from cluster.replication.election import is_due
from cluster.replication.rules import Rules
from cluster.replication.state import LiveNode, QueueState
from tests.support.placements import ASKED, STANDINGS, members, node

THREE = [node("a"), node("b"), node("c")]


def live_of(nodes: list[NodeStanding]) -> dict[str, LiveNode]:
    return {each.name: LiveNode(each.incarnation, each.replica) for each in nodes if each.is_live}


def test_the_declaring_node_leads_and_all_who_live_are_members_at_once() -> None:
    new = placed("q", Asked(3), THREE, "b")
    assert new.state == QueueState("b", 10, 1, members("a", "b", "c"))
    assert new.options.replicas[0] == "b"
    assert set(new.options.replicas) == {"a", "b", "c"}
    assert new.options.min_isr == 2
    assert new.queue_id == "q"
    assert new.clean


def test_a_balanced_queue_is_led_where_fewest_are() -> None:
    nodes = [node("a", leaders_count=3), node("b", leaders_count=1), node("c", leaders_count=2)]
    assert placed("q", Asked(1, locator=Locator.BALANCED), nodes, "a").state.leader == "b"
    assert placed("q", Asked(1), nodes, "a").state.leader == "a"


def test_a_node_that_drains_leads_nothing_new_and_has_a_replica_where_no_other_is() -> None:
    nodes = [node("a", state=DRAINING), node("b"), node("c")]
    assert placed("q", Asked(1), nodes, "a").state.leader != "a"
    assert "a" not in placed("q", Asked(2), nodes, "a").options.replicas
    assert placed("q", Asked(3), nodes, "a").options.replicas[-1] == "a"


def test_where_all_drain_one_of_them_leads() -> None:
    nodes = [node("a", state=DRAINING), node("b", state=DRAINING)]
    assert placed("q", Asked(2), nodes, "a").state.leader == "a"


def test_a_node_that_leaves_gets_nothing() -> None:
    nodes = [node("a", state=LEAVING), node("b"), node("c")]
    assert set(placed("q", Asked(None), nodes, "a").options.replicas) == {"b", "c"}
    with pytest.raises(ValueError, match="no node of the cluster may hold a replica"):
        placed("q", Asked(1), [node("a", state=LEAVING)], "a")


def test_who_is_away_is_a_replica_and_no_member() -> None:
    nodes = [node("a"), node("b"), node("c", incarnation=0)]
    new = placed("q", Asked(3), nodes, "a")
    assert new.options.replicas[-1] == "c"
    assert new.state.in_sync_set == members("a", "b")


def test_the_set_is_filled_up_to_min_isr_with_who_is_away() -> None:
    nodes = [node("a"), node("b", incarnation=0), node("c", incarnation=0)]
    new = placed("q", Asked(3), nodes, "a")
    assert len(new.state.in_sync_set) == new.options.min_isr == 2
    assert members("a") < new.state.in_sync_set


def test_where_nobody_lives_the_election_is_due() -> None:
    nodes = [node("a", incarnation=0)]
    new = placed("q", Asked(1), nodes, "a")
    assert new.state == QueueState("", 0, 0, members("a"))
    assert is_due(new.state, {})


def test_only_the_named_nodes_are_used_and_a_queue_of_strangers_stays_where_it_is_declared() -> (
    None
):
    assert placed("q", Asked(2, ("c", "b")), THREE, "a").options.replicas in {
        ("b", "c"),
        ("c", "b"),
    }
    assert placed("q", Asked(2, ("c", "b")), THREE, "c").state.leader == "c"
    assert placed("q", Asked(2, ("x", "y")), THREE, "a").options.replicas == ("a",)


def test_replicas_are_in_different_zones() -> None:
    nodes = [node(name, zone=zone) for name, zone in zip("abcdef", "xxxyyz", strict=True)]
    zones = Counter(
        by_name(nodes)[name].zone for name in placed("q", Asked(3), nodes, "a").options.replicas
    )
    assert zones == {"x": 1, "y": 1, "z": 1}


def test_queues_of_one_node_have_different_second_replicas() -> None:
    seconds = Counter(
        placed(f"q{each}", Asked(3), THREE, "a").options.replicas[1] for each in range(200)
    )
    assert set(seconds) == {"b", "c"}
    assert min(seconds.values()) > 60


def test_spread_gives_no_more_than_there_are() -> None:
    assert {each.name for each in spread("q", THREE, 9, [THREE[0]])} == {"b", "c"}
    assert spread("q", THREE, 0, []) == []
    assert spread("q", THREE, -2, THREE) == []


@given(STANDINGS, ASKED, st.sampled_from("abcdefgh"))
def test_a_new_queue_is_whole(nodes: list[NodeStanding], asked: Asked, declaring: str) -> None:
    able = [each for each in nodes if each.may_hold()]
    assume(able)
    new = placed("q", asked, nodes, declaring)
    names, known = new.options.replicas, by_name(nodes)
    assert len(set(names)) == len(names) > 0
    assert all(known[name].may_hold() for name in names)
    eligible, wanted = asked.among(able)
    assert len(names) == min(wanted, len(eligible))
    chosen = [known[name] for name in names]
    # A member's replica id is that of the disk it lives on; members are replicas.
    assert new.state.in_sync_set <= {each.replica for each in chosen}
    assert {each.replica for each in chosen if each.is_live} <= new.state.in_sync_set
    # R8: the set is never below the floor, and who is away is in it only to reach that.
    assert len(new.state.in_sync_set) >= new.options.min_isr == RULES.min_isr(len(names))
    absent = [each for each in chosen if each.replica in new.state.in_sync_set and not each.is_live]
    assert not absent or len(new.state.in_sync_set) == new.options.min_isr
    if any(each.is_live for each in chosen):
        # R11: the leader takes it over as it stands, and all who live may be elected after it.
        leader = known[new.state.leader]
        assert Rules().is_elected(new.state, leader.name, leader.incarnation, 0)
        assert not is_due(new.state, live_of(nodes))
        able_to_lead = Rules().candidates(names, new.state.in_sync_set, live_of(nodes))
        assert set(able_to_lead) == {each.name for each in chosen if each.is_live}
    else:
        assert is_due(new.state, live_of(nodes))


@given(STANDINGS, st.integers(1, 6))
def test_no_zone_has_two_more_than_one_that_could_have_had_it(
    nodes: list[NodeStanding], count: int
) -> None:
    nodes = [each for each in nodes if each.tier() == 0 and each.may_hold()]
    assume(nodes)
    chosen = placed("q", Asked(count), nodes, "a").options.replicas
    used = Counter(by_name(nodes)[name].zone for name in chosen)
    free = Counter(each.zone for each in nodes if each.name not in chosen)
    assert all(used[zone] + 1 >= used[other] for zone in free for other in used)
