"""Which lane a position is in, as far as anybody knows."""

import pytest

from persistence.lane_map import LaneMap, lane_of, lanes_of
from persistence.record import Record
from persistence.settled import BUCKET_POSITIONS, PositionSet


def test_a_lane_is_the_priority_up_to_the_queues() -> None:
    assert [lane_of(9, None), lane_of(3, 5), lane_of(9, 5), lane_of(255, 255)] == [0, 3, 5, 254]


@pytest.mark.parametrize("max_priority", [0, 1, 9, 247, 254, 255])
def test_the_lanes_of_a_run_are_those_of_each(max_priority: int) -> None:
    run = [Record(b"\0\0", b"", b"", priority=priority) for priority in range(256)]
    assert [*lanes_of(run, max_priority)] == [lane_of(each, max_priority) for each in range(256)]


def test_lanes_are_kept_across_buckets_and_forgotten_below_the_floor() -> None:
    lanes = LaneMap()
    first = BUCKET_POSITIONS - 2
    lanes.note(first, bytes((1, 2, 3, 4)))
    assert lanes.lanes_at(range(first, first + 4)) == [1, 2, 3, 4]
    assert lanes.may_be_in(3, [range(first, first + 3)])
    assert not lanes.may_be_in(4, [range(first, first + 2), range(first + 2, first + 3)])
    lanes.forget_settled(PositionSet(BUCKET_POSITIONS))
    assert lanes.lanes_at(range(first + 2, first + 4)) == [3, 4]
    assert lanes.may_be_in(4, [range(first, first + 1)]), "nothing is known of it any more"


def test_what_was_never_noted_may_be_in_any_lane() -> None:
    lanes = LaneMap()
    lanes.note(0, bytes((1,)))
    assert lanes.may_be_in(7, [range(5, 6)])
    assert not lanes.may_be_in(7, [range(1)])
