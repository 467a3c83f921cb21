"""What no segment has yet: let go as soon as it is settled or stored."""

import gc
import weakref

from hypothesis import given
from hypothesis import strategies as st

from persistence.recent import SWEEP_PIECES_MIN, Recent
from persistence.record import Record
from persistence.settled import PositionSet
from persistence.slices import Slice
from tests.support.records import run_of


class Run(list[Record]):
    """A run that can be watched."""


def piece(first: int, count: int) -> Slice:
    return Slice(
        Run(run_of(*[b"%d" % at for at in range(first, first + count)])),
        range(first, first + count),
    )


def recent_of(*counts: int) -> Recent:
    recent, first = Recent(), 0
    for count in counts:
        recent.add(piece(first, count), PositionSet())
        first += count
    return recent


def positions_in(recent: Recent) -> list[int]:
    found = [at for each in recent for at in each.positions]
    assert found == [int(record.body) for each in recent for record in each.records]
    return found


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), max_size=6),
    st.integers(0, 40),
)
def test_what_is_stored_or_below_the_floor_is_gone_and_all_else_is_there(
    counts: list[int], stored: list[tuple[int, int]], floor: int
) -> None:
    recent = recent_of(*counts)
    left = set(range(sum(counts)))
    for first, count in stored:
        recent.remove(range(first, first + count))
        left -= set(range(first, first + count))
        assert positions_in(recent) == sorted(left)
    recent.forget_below(floor)
    assert [at for at in positions_in(recent) if at >= floor] == [
        at for at in sorted(left) if at >= floor
    ]
    assert bool(recent) is bool(list(recent))
    if recent:
        assert recent.head_last_position >= floor


def test_settled_messages_give_their_memory_back() -> None:
    recent = Recent()
    first = piece(0, 3)
    run = weakref.ref(first.records)
    recent.add(first, PositionSet())
    for number in range(1, 9):
        recent.add(piece(3 * number, 3), PositionSet())
    del first
    recent.forget_below(3)
    gc.collect()
    assert run() is None


def test_what_is_settled_behind_an_unsettled_message_is_let_go_in_time() -> None:
    recent, settled = Recent(), PositionSet()
    for position in range(10 * SWEEP_PIECES_MIN):
        recent.add(piece(position, 1), settled)
        if position:
            settled.add(range(position, position + 1))
    assert len(list(recent)) <= SWEEP_PIECES_MIN


def test_the_first_unsettled_ones_are_found_up_to_a_size() -> None:
    recent = recent_of(4, 4, 4)
    settled = PositionSet()
    settled.add(range(1, 6))
    found = recent.unsettled(settled, max_bytes=1)
    assert [list(each.positions) for each in found] == [[0]]
    found = recent.unsettled(settled, max_bytes=1 << 30)
    assert [list(each.positions) for each in found] == [[0], [6, 7], [8, 9, 10, 11]]
    assert recent.size_bytes == sum(each.size_bytes for each in recent)


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=12),
    st.integers(0, 30),
    st.integers(1, 30),
    st.lists(st.integers(0, 40), max_size=6),
)
def test_those_between_two_positions_are_found(
    counts: list[int], first: int, count: int, settled: list[int]
) -> None:
    recent, members = recent_of(*counts), PositionSet()
    for position in settled:
        members.add(range(position, position + 1))
    found = recent.between(first, first + count, members, 1 << 30)
    assert [at for each in found for at in each.positions] == [
        at for at in range(first, min(first + count, sum(counts))) if at not in settled
    ]
    assert all(int(one.body) == at for each in found for one, at in zip(*each[:2], strict=True))


def test_no_more_between_two_positions_is_returned_than_asked_for() -> None:
    recent = recent_of(5, 5, 5)
    assert [list(each.positions) for each in recent.between(3, 15, PositionSet(), 1)] == [[3, 4]]
