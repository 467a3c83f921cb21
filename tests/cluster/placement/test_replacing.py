"""Nodes that have been away for too long are replaced where another one can, and only there."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.placement.asking import Asked
from cluster.placement.changing import next_step
from cluster.placement.nodes import DRAINING, LEAVING, NodeStanding, by_name
from cluster.placement.replacing import GoneNodes, replaced_nodes
from cluster.replication.state import Kept
from tests.support.placements import members, node, stored

ALL = [node(name) for name in "abcde"]


def away(*names: str, among: str = "abcde") -> list[NodeStanding]:
    return [node(each, incarnation=0 if each in names else 10) for each in among]


def test_a_node_is_gone_once_it_was_away_for_so_long_without_a_break() -> None:
    gone = GoneNodes(1_000)
    gone.see(away("b", "c"), 100)
    assert (gone.names(1_099), gone.next_ms(1_099)) == ((), 1)
    gone.see(away("c"), 500)
    gone.see(away("b", "c"), 600)
    assert gone.names(1_100) == ("c",)
    assert gone.next_ms(1_100) == 500
    assert gone.names(1_600) == ("c", "b")
    assert gone.next_ms(1_600) is None


def test_nobody_is_gone_where_nobody_asked_for_it_or_it_was_drained() -> None:
    never, gone = GoneNodes(0), GoneNodes(1)
    never.see(away("b"), 0)
    assert (never.names(10**9), never.next_ms(0)) == ((), None)
    gone.see([node("b", incarnation=0, state=DRAINING), node("c", state=LEAVING)], 0)
    assert (gone.names(10**9), gone.next_ms(0)) == ((), None)


def test_who_has_another_node_is_replaced_and_who_has_none_stays() -> None:
    present = stored("abc", "a", min_isr=1)
    assert replaced_nodes(present, Asked(3), away("c", among="abc"), ["c"]) == ()
    assert replaced_nodes(present, Asked(3), away("c", among="abcd"), ["c"]) == ("c",)
    assert replaced_nodes(present, Asked(3), away("b", "c", among="abcd"), ["c", "b"]) == ("c",)
    assert replaced_nodes(present, Asked(3), away("b", "c"), ["c", "b"]) == ("c", "b")
    assert replaced_nodes(present, Asked(3), away("d"), ["d"]) == ()
    drained = [*away("c", among="abc"), node("d", state=DRAINING)]
    assert replaced_nodes(present, Asked(3), drained, ["c"]) == ()
    assert replaced_nodes(present, Asked(3), away("c", "d", among="abcd"), ["c"]) == ()


def test_who_asks_for_certain_nodes_or_for_all_gets_no_other() -> None:
    present = stored("abc", "ab", min_isr=2)
    named = Asked(3, ("a", "b", "c"))
    assert replaced_nodes(present, named, away("c"), ["c"]) == ()
    whole = stored("abcde", "abd", min_isr=3)
    assert replaced_nodes(whole, Asked(None), away("c"), ["c"]) == ()


def test_named_nodes_of_which_none_is_there_do_not_make_a_list_longer_and_longer() -> None:
    present, asked = stored("abc", "ab", min_isr=2), Asked(2, ("x", "y"))
    for _ in range(4):
        done = next_step(present, asked, away("c"), ["c"]).options
        assert len(done.replicas) == 4
        assert done.replicas[::3] == ("a", "c")
        present = replace(present, options=done)


def test_a_list_that_a_command_made_keeps_its_length() -> None:
    present = stored("abcd", "abd", min_isr=2)
    made = replace(present, options=replace(present.options, kept=Kept(4, 3)))
    assert replaced_nodes(made, Asked(3), away("c"), ["c"]) == ("c",)
    done = next_step(made, Asked(3), away("c"), ["c"])
    assert (done.options.replicas, done.options.kept) == (tuple("abdec"), Kept(4, 3))


@settings(max_examples=40)
@given(
    st.sampled_from(["ab", "abc", "abcde", "ac"]),
    st.integers(1, 5),
    st.booleans(),
    st.lists(st.sets(st.sampled_from("bcdef"), max_size=3), min_size=1, max_size=12),
)
def test_in_the_end_no_queue_has_more_than_it_asks_for_and_none_falls_below_min_isr(
    replicas: str, count: int, lowers: bool, absences: list[set[str]]
) -> None:
    """Nodes go and come at every step; at the end all are there."""
    asked = Asked(max(count, len(replicas)))
    present = stored(replicas, replicas, min_isr=(len(replicas) + 1) // 2)
    for absent in [*absences, *[set[str]()] * 12]:
        nodes = away(*absent, among="abcdef")
        known = by_name(nodes)
        before = present.state.in_sync_set
        # Who is away is taken out as far as may be; the others catch up, one at a time.
        kept = frozenset(each for each in before if each.node not in absent)
        if len(kept) < present.options.min_isr:
            kept = before
        late = [
            x for x in present.options.replicas if x not in absent and known[x].replica not in kept
        ]
        kept |= members(*late[:1])
        present = replace(present, state=replace(present.state, in_sync_set=kept))
        gone = replaced_nodes(present, asked, nodes, sorted(absent), lowers=lowers)
        done = next_step(present, asked, nodes, gone, lowers=lowers)
        left = frozenset(each for each in kept if each.node in done.options.replicas)
        assert left == kept or len(left) >= done.options.min_isr
        assert len(left) >= 1
        assert not done.leader, "the leader never was away"
        # A replica is given up for another one that is in sync.
        for name in set(present.options.replicas).difference(done.options.replicas):
            assert len(left) >= len(done.options.replicas) or not gone, name
        present = replace(
            present, options=done.options, state=replace(present.state, in_sync_set=left)
        )
    assert len(present.options.replicas) == min(asked.replicas_count or 0, 6)
    assert {each.node for each in present.state.in_sync_set} == set(present.options.replicas)
    assert present.options.kept is None
