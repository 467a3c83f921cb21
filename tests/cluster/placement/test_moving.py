"""Leaders that move."""

from collections.abc import Generator
from dataclasses import replace
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from cluster.placement.moving import (
    QUEUES_PER_STEP,
    Drain,
    LeaderMove,
    PlacedQueue,
    drain_of,
    rebalance_of,
    successors,
)
from cluster.placement.nodes import DRAINING, NodeStanding, by_name
from tests.support.placements import node, stored

Found = TypeVar("Found")

THREE = [node("a"), node("b"), node("c")]


def queue(key: str, replicas: str, in_sync: str | None = None, rate: float = 0.0) -> PlacedQueue:
    return PlacedQueue(key, stored(replicas, in_sync), rate)


def ended(steps: Generator[None, None, Found]) -> tuple[Found, int]:
    """Return what was found, and in how many steps."""
    count = 0
    while True:
        try:
            next(steps)
            count += 1
        except StopIteration as stop:
            return stop.value, count


def drained(name: str, queues: list[PlacedQueue], nodes: list[NodeStanding]) -> Drain:
    return ended(drain_of(name, queues, nodes))[0]


def moves_of(queues: list[PlacedQueue], nodes: list[NodeStanding]) -> list[LeaderMove]:
    return ended(rebalance_of(queues, nodes))[0]


def moved(queues: list[PlacedQueue], moves: list[LeaderMove]) -> list[PlacedQueue]:
    targets = {move.key: move.target for move in moves}
    return [
        replace(
            each,
            stored=replace(
                each.stored,
                state=replace(
                    each.stored.state, leader=targets.get(each.key, each.stored.state.leader)
                ),
            ),
        )
        for each in queues
    ]


def test_only_members_that_live_succeed_and_who_drains_comes_last() -> None:
    nodes = by_name([node("b", state=DRAINING), node("c"), node("d", incarnation=0), node("e")])
    names = [each.name for each in successors(stored("abcde", "abcd"), nodes)]
    assert names == ["c", "b"]
    other_disk = by_name([node("b", disk="new")])
    assert successors(stored("ab"), other_disk) == []


def test_a_drain_moves_each_queue_to_the_member_that_leads_least() -> None:
    queues = [queue(f"q{number}", "abc") for number in range(10)]
    drain = drained("a", queues, THREE)
    assert len(drain.moves) == 10
    targets = [move.target for move in drain.moves]
    assert targets.count("b") == targets.count("c") == 5


def test_a_drain_says_which_queues_nobody_else_can_lead() -> None:
    queues = [queue("alone", "a"), queue("late", "ab", "a"), queue("others", "ba")]
    assert drained("a", queues, THREE) == Drain((), ("alone", "late"))


def test_a_drain_moves_nothing_to_a_node_that_drains() -> None:
    nodes = [node("a", state=DRAINING), node("b", state=DRAINING), node("c")]
    assert drained("a", [queue("q", "abc")], nodes).moves == (LeaderMove("q", "c"),)
    assert drained("a", [queue("q", "ab")], nodes).staying == ("q",)


def test_a_rebalance_moves_from_who_leads_all() -> None:
    queues = [queue(f"q{number}", "abc") for number in range(6)]
    moves = moves_of(queues, THREE)
    assert sorted(move.target for move in moves) == ["b", "b", "c", "c"]


def test_a_rebalance_looks_at_messages_too() -> None:
    busy = [queue("x", "abc", rate=1000.0), queue("y", "abc", rate=1000.0)]
    idle = [queue(f"b{number}", "bac") for number in range(2)]
    other = [queue(f"c{number}", "cab") for number in range(2)]
    moves = moves_of([*busy, *idle, *other], THREE)
    assert len({"x", "y"} & {move.key for move in moves}) == 1


def test_nothing_is_moved_for_nothing() -> None:
    assert moves_of([], THREE) == []
    assert moves_of([queue("q", "abc")], THREE) == []
    assert moves_of([queue("q", "abc"), queue("r", "bca"), queue("s", "cab")], THREE) == []
    assert moves_of([queue("q", "abc")], []) == []


def test_a_rebalance_moves_nothing_to_a_node_that_drains() -> None:
    nodes = [node("a"), node("b", state=DRAINING), node("c", state=DRAINING)]
    assert moves_of([queue(f"q{number}", "abc") for number in range(9)], nodes) == []


def test_long_lists_are_looked_at_in_steps() -> None:
    queues = [queue(f"q{number}", "abc") for number in range(4 * QUEUES_PER_STEP)]
    assert ended(rebalance_of(queues, THREE))[1] == 4 + 4 + 4
    assert ended(drain_of("a", queues, THREE))[1] == 4


@given(
    st.lists(
        st.tuples(st.permutations("abcd"), st.integers(1, 4), st.integers(0, 1000)), max_size=40
    )
)
def test_a_rebalance_ends_and_moves_only_to_members(
    drawn: list[tuple[list[str], int, int]],
) -> None:
    nodes = [*THREE, node("d")]
    queues = [
        queue(f"q{number}", "".join(order[:count]), rate=float(rate))
        for number, (order, count, rate) in enumerate(drawn)
    ]
    for _ in range(60):
        moves = moves_of(queues, nodes)
        before = {each.key: each.stored.state for each in queues}
        for move in moves:
            assert move.target != before[move.key].leader
            assert move.target in {each.node for each in before[move.key].in_sync_set}
        queues = moved(queues, moves)
        if not moves:
            return
    raise AssertionError("the rebalance does not end")


def test_queues_that_are_everywhere_are_shared_out_evenly() -> None:
    queues = [queue(f"q{number}", "abc") for number in range(31)]
    queues = moved(queues, moves_of(queues, THREE))
    leaders = [each.stored.state.leader for each in queues]
    assert sorted(map(leaders.count, "abc")) == [10, 10, 11]
    assert moves_of(queues, THREE) == []
