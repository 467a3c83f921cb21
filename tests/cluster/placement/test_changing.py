"""Other replicas for a queue."""

from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from cluster.metadata.records import StoredQueueState
from cluster.placement.asking import RULES, Asked
from cluster.placement.changing import NextStep, by_command, changed, next_step, to_take_out
from cluster.placement.nodes import ACTIVE, DRAINING, LEAVING, NodeStanding, by_name
from cluster.placement.placing import placed
from cluster.replication.state import Kept, QueueOptions, QueueState, ReplicaId
from tests.support.placements import ASKED, STANDINGS, members, node, stored

NODES = [node("a"), node("b"), node("c"), node("d")]


def without(name: str) -> list[NodeStanding]:
    return [node(each.name, incarnation=0) if each.name == name else each for each in NODES]


def test_a_queue_that_is_as_asked_for_stays() -> None:
    present = stored("abc", min_isr=2)
    done = changed(present, Asked(3), NODES)
    assert done.options == present.options
    assert (done.leaving, done.missing_count) == ((), 0)


def test_who_is_away_for_a_while_is_not_replaced() -> None:
    present = stored("abc", "ab", min_isr=2)
    assert changed(present, Asked(3), without("c")).options == present.options


def test_who_is_gone_and_no_member_stays_in_the_list_until_its_replacement_is_in_sync() -> None:
    done = changed(stored("abc", "ab", min_isr=2), Asked(3), without("c"), gone=["c"])
    assert done.options.replicas == ("a", "b", "d", "c")
    assert (done.leaving, done.waiting) == ((), ("c",))
    assert done.options.kept == Kept(3, 3)
    for in_sync, replicas, kept in (("ab", "abdc", Kept(3, 3)), ("abd", "abd", None)):
        present = with_options(stored("abdc", in_sync, min_isr=2), done.options)
        again = changed(present, Asked(3), without("c"), gone=["c"]).options
        assert (again.replicas, again.kept) == (tuple(replicas), kept)


@pytest.mark.parametrize("lowers", [True, False])
@pytest.mark.parametrize("first", ["c", "d", "cd"])
def test_who_comes_back_before_its_replacement_is_in_sync_makes_no_list_longer(
    first: str, *, lowers: bool
) -> None:
    gone = changed(
        stored("abc", "ab", min_isr=2), Asked(3), without("c"), gone=["c"], lowers=lowers
    )
    back = with_options(stored("abdc", "ab", min_isr=2), gone.options)
    waits = next_step(back, Asked(3), NODES, lowers=lowers).options
    assert set(waits.replicas) == set("abcd")
    present = with_options(stored("abdc", f"ab{first}", min_isr=2), waits)
    for _ in range(3):
        done = next_step(present, Asked(3), NODES, lowers=lowers).options
        left = frozenset(x for x in present.state.in_sync_set if x.node in done.replicas)
        state = replace(present.state, in_sync_set=left)
        present = replace(present, options=done, state=state)
    assert len(present.options.replicas) == 3
    assert {"a", "b", first[-1]} == set(present.options.replicas)
    assert (present.options.kept, present.options.min_isr) == (None, 2)


def test_who_was_called_gone_and_lives_stays() -> None:
    present = stored("abc", min_isr=2)
    assert changed(present, Asked(3), NODES, gone=["c"]).options == present.options


def test_a_member_that_is_gone_stays_in_the_list_until_it_is_no_member() -> None:
    present = stored("abc", "ac", min_isr=2)
    done = changed(present, Asked(3), without("c"), gone=["c"])
    assert done.options.replicas == ("a", "b", "d", "c")
    assert done.waiting == ("c",)
    # Nothing is taken out while those who stay are not members.
    assert to_take_out(present, done, without("c")) == []
    grown = replace(present, state=replace(present.state, in_sync_set=members(*"abcd")))
    done = changed(with_options(grown, done.options), Asked(3), without("c"), gone=["c"])
    assert done.leaving == ("c",)
    assert to_take_out(grown, done, without("c")) == ["c"]
    # A member of them that does not run is none to rely on: an idle queue keeps it in the set.
    fallen = [
        replace(each, incarnation=each.incarnation * (each.name not in "bcd")) for each in NODES
    ]
    assert to_take_out(grown, done, fallen) == []
    left = replace(
        present, options=done.options, state=replace(present.state, in_sync_set=members("a", "d"))
    )
    assert changed(left, Asked(3), without("c"), gone=["c"]).waiting == ("c",)
    whole = replace(left, state=replace(present.state, in_sync_set=members("a", "b", "d")))
    assert changed(whole, Asked(3), without("c"), gone=["c"]).options.replicas == ("a", "b", "d")


def test_the_leader_of_a_queue_that_leaves_is_not_taken_out_while_it_leads() -> None:
    nodes = [node("a", state=LEAVING), *NODES[1:]]
    present = stored("a")
    done = changed(present, Asked(1), nodes)
    assert done.options.replicas[1:] == ("a",)
    assert done.options.replicas[0] in {"b", "c", "d"}
    target = done.options.replicas[0]
    grown = replace(present, state=replace(present.state, in_sync_set=members("a", target)))
    assert to_take_out(grown, done, nodes) == []
    moved = replace(grown, state=replace(grown.state, leader=target))
    assert to_take_out(moved, done, nodes) == ["a"]


def test_min_isr_rises_once_there_are_members_and_falls_at_once() -> None:
    nodes = NODES[:3]
    assert changed(stored("ab", "a"), Asked(3), nodes).options.min_isr == 1
    assert changed(stored("ab", "ab"), Asked(3), nodes).options.min_isr == 2
    assert changed(stored("ab", "ab"), Asked(3), without("b")[:3]).options.min_isr == 1
    assert changed(stored("abc", "abc", min_isr=2), Asked(1), nodes).options.min_isr == 1


def test_after_an_unclean_promotion_min_isr_rises_again_with_the_members() -> None:
    """Such a promotion leaves one member and a ``min_isr`` of 1."""
    steps = [
        next_step(stored("abc", members), Asked(3), NODES[:3]) for members in ("a", "ab", "abc")
    ]
    assert [step.options.min_isr for step in steps] == [1, 2, 2]
    assert [step.options.replicas for step in steps] == [("a", "b", "c")] * 3


def test_fewer_replicas_keep_the_leader_then_members() -> None:
    done = changed(stored("abc", "bc", leader="b", min_isr=2), Asked(2), NODES)
    assert done.options.replicas == ("b", "c")
    assert changed(
        stored("abc", "bc", leader="c", min_isr=2), Asked(1), NODES
    ).options.replicas == ("c", "b")


def test_a_node_that_is_there_for_nobody_is_missed() -> None:
    assert changed(stored("ab"), Asked(5), NODES[:2]).missing_count == 3


def test_a_queue_whose_named_nodes_are_all_gone_stays_as_it_is() -> None:
    present = stored("abc", min_isr=2)
    assert changed(present, Asked(2, ("x", "y")), NODES).options == present.options


def test_a_queue_that_nobody_may_hold_stays_as_it_is() -> None:
    present = stored("a")
    assert changed(present, Asked(1), [node("a", state=LEAVING)]).options == present.options


def test_one_that_drains_keeps_its_replicas() -> None:
    nodes = [*NODES[:2], node("c", state=DRAINING), node("d")]
    present = stored("abc", min_isr=2)
    assert changed(present, Asked(3), nodes).options == present.options


def test_a_new_disk_of_a_node_is_no_other_node() -> None:
    nodes = [*NODES[:2], node("c", disk="new"), node("d")]
    present = stored("abc", min_isr=2)
    assert changed(present, Asked(3), nodes).options == present.options


@st.composite
def _queues(draw: st.DrawFn) -> tuple[StoredQueueState, list[NodeStanding]]:
    """Return a queue that was placed on some nodes, and how they stand since."""
    before = [each for each in draw(STANDINGS) if each.may_hold()]
    assume(before)
    new = placed("q", draw(ASKED), before, draw(st.sampled_from("abcdefgh")))
    some = draw(st.lists(st.sampled_from(sorted(new.state.in_sync_set)), unique=True, min_size=1))
    return replace(new, state=replace(new.state, in_sync_set=frozenset(some))), draw(STANDINGS)


@given(_queues(), ASKED, st.lists(st.sampled_from("abcdefgh"), max_size=3))
def test_no_member_falls_out_of_the_list(
    queue: tuple[StoredQueueState, list[NodeStanding]], asked: Asked, gone: list[str]
) -> None:
    present, nodes = queue
    done = changed(present, asked, nodes, gone)
    names = done.options.replicas
    assert len(set(names)) == len(names)
    assert {each.node for each in present.state.in_sync_set} <= set(names)
    assert done.options.min_isr <= max(present.options.min_isr, len(present.state.in_sync_set))
    assert present.state.leader not in to_take_out(present, done, nodes)
    taken = to_take_out(present, done, nodes)
    left = {each.node for each in present.state.in_sync_set} - set(taken)
    assert not taken or len(left) >= present.options.min_isr


@given(_queues(), ASKED, st.lists(st.sampled_from("abcdefgh"), max_size=3))
def test_a_list_gets_whole_once_mirrors_catch_up(
    queue: tuple[StoredQueueState, list[NodeStanding]], asked: Asked, gone: list[str]
) -> None:
    present, nodes = queue
    known = by_name(nodes)
    assume(any(each.may_lead() for each in nodes if each.name not in gone))
    for _ in range(5):
        done = changed(present, asked, nodes, gone)
        grown: set[ReplicaId] = set(present.state.in_sync_set)
        grown |= {
            known[name].replica
            for name in done.options.replicas
            if name in known and known[name].is_live
        }
        leader = next(
            (name for name in done.options.replicas if name in known and known[name].is_live), ""
        )
        state = replace(present.state, in_sync_set=frozenset(grown), leader=leader)
        present = replace(present, options=done.options, state=state)
        out = to_take_out(present, done, nodes)
        left = frozenset(each for each in grown if each.node not in out)
        present = replace(present, state=replace(state, in_sync_set=left))
    done = changed(present, asked, nodes, gone)
    over_count = len(done.leaving) + len(done.waiting)
    target = done.options.replicas[: len(done.options.replicas) - over_count]
    assert not done.waiting or not all(known[name].is_live for name in target if name in known)
    live_count = sum(known[name].is_live for name in target if name in known)
    # Only where too few of those who stay live does anyone have to stay who should not.
    assert (
        not done.leaving
        or live_count < present.options.min_isr
        or done.leaving == (present.state.leader,)
    )
    assert done.options.replicas == present.options.replicas
    if not done.leaving and live_count >= RULES.min_isr(len(target)):
        assert done.options.min_isr == RULES.min_isr(len(target))


def step(present: StoredQueueState, asked: Asked, *, lowers: bool = True) -> QueueOptions:
    return next_step(present, asked, NODES, lowers=lowers).options


def with_options(present: StoredQueueState, options: QueueOptions) -> StoredQueueState:
    return replace(present, options=options)


def test_what_a_command_says_is_not_taken_back_until_another_number_is_asked_for() -> None:
    present = stored("abc", min_isr=2)
    fewer = with_options(present, by_command(present.options, ("a", "b"), Asked(3), NODES))
    assert fewer.options.kept == Kept(2, 3)
    # The number of members that are needed is still that of so many replicas.
    assert step(fewer, Asked(3)) == replace(fewer.options, min_isr=1)
    assert step(fewer, Asked(3)).replicas == ("a", "b")
    four = step(fewer, Asked(4))
    assert (len(four.replicas), four.kept) == (4, None)
    more = with_options(present, by_command(present.options, tuple("abcd"), Asked(3), NODES))
    assert step(more, Asked(3)).replicas == tuple("abcd")
    assert step(more, Asked(2)).replicas == ("a", "b")
    back = by_command(more.options, tuple("abc"), Asked(3), NODES)
    assert back == present.options


def test_a_node_that_leaves_is_replaced_in_a_list_that_a_command_made() -> None:
    nodes = [*NODES[:2], node("c", incarnation=0, state=LEAVING), node("d"), node("e")]
    present = stored("abc", "ab", min_isr=1)
    made = with_options(present, replace(present.options, kept=Kept(3, 1)))
    done = next_step(made, Asked(1), nodes).options
    assert (len(done.replicas), set(done.replicas) & {"a", "b", "c"}) == (3, {"a", "b"})


def test_a_policy_that_says_nothing_of_mirrors_takes_none_away() -> None:
    present = stored("abc", min_isr=2)
    assert step(present, Asked(1), lowers=False) == present.options
    less = with_options(present, step(present, Asked(1)))
    assert (less.options.replicas, less.options.min_isr) == (("a", "b", "c"), 1)
    assert step(less, Asked(1)).replicas == ("a",)
    nodes = [*NODES[:2], node("c", incarnation=0, state=LEAVING), node("d")]
    done = next_step(present, Asked(1), nodes, lowers=False).options
    assert done.replicas == ("a", "b", "d")
    assert done.kept == Kept(3, 1)


def test_a_replacement_in_two_steps_makes_no_list_longer() -> None:
    nodes = [*NODES[:2], node("c", incarnation=0, state=LEAVING), node("d"), node("e")]
    present = stored("abc", "ac", min_isr=2)
    for _ in range(3):
        present = with_options(present, next_step(present, Asked(3), nodes, lowers=False).options)
        assert len(present.options.replicas) == 4
        assert present.options.replicas[-1] == "c"


def test_a_leader_that_is_to_have_no_replica_hands_over_first() -> None:
    present = stored("abc", min_isr=2)
    named = Asked(2, ("b", "c"))
    done = next_step(present, named, NODES)
    assert (done.options.replicas, done.leader) == (("b", "c", "a"), "")
    done = next_step(with_options(present, done.options), named, NODES)
    assert done.leader == "b"


A_AND_C = frozenset({ReplicaId("a", "1"), ReplicaId("c", "1")})
LEAVING_AND_NEEDED = (
    StoredQueueState("q", QueueState("", 0, 0, A_AND_C), QueueOptions(("a", "c", "b"), 2)),
    [
        NodeStanding("a", "1", 0),
        NodeStanding("b", "1", 5, state=LEAVING),
        NodeStanding("c", "1", 0),
        NodeStanding("d", "1", 0),
    ],
)
"""b is to leave, and a is the only other one that lives: the set has two with b."""


@given(_queues(), ASKED, st.booleans(), st.sampled_from([ACTIVE, ACTIVE, LEAVING]))
@example(queue=LEAVING_AND_NEEDED, asked=Asked(), lowers=False, state_of_first=ACTIVE)
def test_steps_come_to_an_end_and_nobody_stays_who_should_not(
    queue: tuple[StoredQueueState, list[NodeStanding]],
    asked: Asked,
    lowers: bool,
    state_of_first: str,
) -> None:
    present, nodes = queue
    first = min(present.state.in_sync_set)
    nodes = [each for each in nodes if each.name != first.node]
    nodes.append(NodeStanding(first.node, first.disk, 9, state=state_of_first))
    known = by_name(nodes)
    live = {each.replica for each in nodes if each.is_live}
    done = NextStep(present.options)
    for _ in range(12):
        members_before = present.state.in_sync_set
        # Somebody leads; the others that live catch up and are taken in.
        leader = present.state.leader
        if leader not in known or known[leader].replica not in members_before & live:
            leader = min(members_before & live).node
        grown = {known[name].replica for name in present.options.replicas if name in known} & live
        kept = {each for each in members_before if each.node not in {one.node for one in grown}}
        state = replace(present.state, leader=leader, in_sync_set=frozenset(grown | kept))
        present = replace(present, state=state)
        done = next_step(present, asked, nodes, lowers=lowers)
        left = {each for each in state.in_sync_set if each.node in done.options.replicas}
        assert leader in done.options.replicas
        assert left & live
        assert left == state.in_sync_set or len(left) >= done.options.min_isr
        state = replace(state, in_sync_set=frozenset(left), leader=done.leader or leader)
        present = replace(present, options=done.options, state=state)
    assert next_step(present, asked, nodes, lowers=lowers).options == present.options
    stray = {
        name for name in present.options.replicas if name not in known or not known[name].may_hold()
    }
    # A member stays where without it too few that live would be in the set, and one that leads
    # stays where nobody else may lead.
    leaving = changed(present, asked, nodes, lowers=lowers).leaving
    staying = {each for each in present.state.in_sync_set if each.node not in leaving}
    assert (
        not stray
        or not any(each.may_hold() for each in nodes)
        or len(staying & live) < max(1, present.options.min_isr)
        or (stray == {present.state.leader} and not done.leader)
    )
