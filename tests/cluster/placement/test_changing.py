"""Other replicas for a queue."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from cluster.metadata.records import StoredQueueState
from cluster.placement.asking import RULES, Asked
from cluster.placement.changing import changed, to_take_out
from cluster.placement.nodes import DRAINING, LEAVING, NodeStanding, by_name
from cluster.placement.placing import placed
from cluster.replication.state import ReplicaId
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


def test_who_is_gone_and_no_member_is_replaced_in_one_write() -> None:
    done = changed(stored("abc", "ab", min_isr=2), Asked(3), without("c"), gone=["c"])
    assert done.options.replicas == ("a", "b", "d")
    assert done.leaving == ()


def test_who_was_called_gone_and_lives_stays() -> None:
    present = stored("abc", min_isr=2)
    assert changed(present, Asked(3), NODES, gone=["c"]).options == present.options


def test_a_member_that_is_gone_stays_in_the_list_until_it_is_no_member() -> None:
    present = stored("abc", "ac", min_isr=2)
    done = changed(present, Asked(3), without("c"), gone=["c"])
    assert done.options.replicas == ("a", "b", "d", "c")
    assert done.leaving == ("c",)
    # Nothing is taken out while too few of those who stay are members.
    assert to_take_out(present, done) == []
    grown = replace(present, state=replace(present.state, in_sync_set=members("a", "c", "d")))
    assert to_take_out(grown, done) == ["c"]
    left = replace(
        present, options=done.options, state=replace(present.state, in_sync_set=members("a", "d"))
    )
    assert changed(left, Asked(3), without("c"), gone=["c"]).options.replicas == ("a", "b", "d")


def test_the_leader_of_a_queue_that_leaves_is_not_taken_out_while_it_leads() -> None:
    nodes = [node("a", state=LEAVING), *NODES[1:]]
    present = stored("a")
    done = changed(present, Asked(1), nodes)
    assert done.options.replicas[1:] == ("a",)
    assert done.options.replicas[0] in {"b", "c", "d"}
    target = done.options.replicas[0]
    grown = replace(present, state=replace(present.state, in_sync_set=members("a", target)))
    assert to_take_out(grown, done) == []
    moved = replace(grown, state=replace(grown.state, leader=target))
    assert to_take_out(moved, done) == ["a"]


def test_min_isr_rises_once_there_are_members_and_falls_at_once() -> None:
    nodes = NODES[:3]
    assert changed(stored("ab", "a"), Asked(3), nodes).options.min_isr == 1
    assert changed(stored("ab", "ab"), Asked(3), nodes).options.min_isr == 2
    assert changed(stored("abc", "abc", min_isr=2), Asked(1), nodes).options.min_isr == 1


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
    assert present.state.leader not in to_take_out(present, done)
    taken = to_take_out(present, done)
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
        out = to_take_out(present, done)
        left = frozenset(each for each in grown if each.node not in out)
        present = replace(present, state=replace(state, in_sync_set=left))
    done = changed(present, asked, nodes, gone)
    target = done.options.replicas[: len(done.options.replicas) - len(done.leaving)]
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
