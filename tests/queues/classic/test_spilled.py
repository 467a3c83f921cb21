"""What of a lane is not in its head: on disk, behind that, and from before a restart."""

from collections.abc import Sequence

import pytest

from queues.classic.requeued import Requeued
from queues.classic.spilled import Spilled
from queues.classic.stored import Stored
from queues.tail import NodeMemory, QueueMemory, Slice, Tail, position_ranges
from tests.support.queue_log import FakeLog
from tests.support.records import run_of


class Lane:
    """A head and what was spilled, with a log that has every message that was appended."""

    def __init__(self, count: int = 0) -> None:
        self.memory = QueueMemory(NodeMemory())
        self.log = FakeLog()
        self.head = Tail(self.memory)
        self.requeued = Requeued(self.memory)
        self.spilled = Spilled(0, self.log, self.head, self.requeued, self.memory)
        run = run_of(*[b"%d" % number for number in range(count)])
        if count:
            self.log.append(0, run)
            self.head.append(run, 0)

    def append(self, *numbers: int) -> None:
        run = run_of(*[b"%d" % number for number in numbers])
        self.log.append(numbers[0], run)
        self.spilled.append(run, numbers[0], 0)

    def take_all(self) -> list[int]:
        found: list[int] = []
        while (batch := self.spilled.take(100, 1 << 20, 1, expired=False)) is not None:
            assert [int(one.body) for one in batch.records] == list(batch.positions)
            found += batch.positions
            self.spilled.check_invariants()
        return found


def spilled(count: int, kept: int = 2) -> Lane:
    """Return a lane of which only the first messages and the last ``kept`` are in memory."""
    lane = Lane(count)
    lane.spilled.split_head(1)
    assert lane.spilled.spill(kept * 48, 1, 1 << 30)
    lane.spilled.check_invariants()
    return lane


def test_what_is_spilled_takes_no_memory_and_comes_back_in_order() -> None:
    lane = spilled(20)
    assert (lane.head.count, lane.spilled.count) == (1, 19)
    assert lane.log.stored() == list(range(1, 18))
    assert lane.memory.used_bytes == 3 * 48
    assert lane.take_all() == list(range(20))
    assert lane.spilled.is_done
    assert (lane.spilled.count, lane.spilled.body_bytes) == (0, 0)


def test_no_more_is_read_than_is_taken() -> None:
    lane = spilled(20)
    lane.log.chunk_count = 3
    lane.spilled.take(1, 1, 1, expired=False)
    assert (lane.log.read_back_count, lane.head.count) == (1, 3)


def test_what_comes_later_is_behind_what_is_stored() -> None:
    lane = spilled(10)
    lane.append(10, 11)
    assert lane.spilled.spill(0, 1, 1 << 30)
    lane.append(12)
    assert lane.take_all() == list(range(13))


def test_a_refusal_leaves_everything_where_it_was() -> None:
    lane = Lane(10)
    lane.log.is_full = True
    lane.spilled.split_head(1)
    assert lane.spilled.spill(0, 1, 1 << 30) is None
    lane.spilled.check_invariants()
    assert (lane.spilled.count, lane.log.stored()) == (9, [])
    assert lane.take_all() == list(range(10))


def test_little_is_not_worth_a_chunk() -> None:
    lane = Lane(10)
    lane.spilled.split_head(1)
    assert lane.spilled.spill(0, 10 * 48, 1 << 30) == 0


def test_no_more_is_spilled_than_wanted() -> None:
    lane = Lane(10)
    lane.spilled.split_head(1)
    assert lane.spilled.spill(8 * 48, 1, 48) == 48
    assert lane.log.stored() == [1]


def test_a_disk_that_cannot_be_asked_is_asked_again() -> None:
    lane = spilled(10)
    lane.log.is_broken = True
    assert lane.take_all() == [0]
    assert (lane.spilled.is_stalled, lane.spilled.count) == (True, 9)
    lane.log.is_broken = False
    assert lane.take_all() == list(range(1, 10))
    assert not lane.spilled.is_stalled


def test_lost_messages_are_counted_out() -> None:
    lane = spilled(10)
    lane.log.lost = {2, 3, 4}
    assert lane.take_all() == [0, 1, 5, 6, 7, 8, 9]
    assert (lane.spilled.count, lane.spilled.body_bytes) == (0, 0)


def test_counts_are_right_again_when_nothing_is_left_on_the_disk() -> None:
    lane = spilled(10, kept=3)
    lane.log.lost = set(range(1, 7))
    lane.spilled.take(1, 1, 1, expired=False)
    assert (lane.spilled.count, lane.head.count) == (0, 3)


def test_a_purge_knows_the_positions_without_reading() -> None:
    lane = spilled(10)
    assert lane.spilled.position_ranges() == [range(1, 10)]
    assert position_ranges(lane.head) == [range(1)]
    lane.spilled.clear()
    lane.head.clear()
    assert (lane.spilled.count, lane.log.read_back_count, lane.memory.used_bytes) == (0, 0, 0)


def unstored(*stretches: Sequence[int]) -> list[Slice]:
    return [
        FakeLog.slice_of(run_of(*[b"%d" % at for at in stretch]), stretch) for stretch in stretches
    ]


@pytest.mark.parametrize("stored", [[3, 4, 5], [0, 1, 3, 9], [1]])
def test_a_restart_finds_some_on_disk_and_some_in_memory(stored: list[int]) -> None:
    lane = Lane()
    lane.log.append(0, run_of(*[b"%d" % number for number in range(10)]))
    lane.log.store(stored)
    (found,) = lane.log.found().lanes
    lane.spilled.recover(Stored(0, 10, found.unstored), len(stored), len(stored))
    lane.spilled.check_invariants()
    assert lane.head.count + lane.spilled.count == 10
    lane.append(10, 11)
    assert lane.take_all() == list(range(12))
    assert lane.spilled.is_done


def test_what_is_in_memory_after_a_restart_is_the_head() -> None:
    lane = Lane()
    lane.spilled.recover(Stored(0, 9, unstored([0, 1], [5])), 0, 0)
    assert (lane.head.count, lane.spilled.is_done) == (3, True)
    assert lane.take_all() == [0, 1, 5]


def test_messages_that_had_come_back_know_how_often() -> None:
    lane = Lane(6)
    lane.head.redeliver_below = 6
    lane.spilled.remember({1: 2, 2: 2, 4: 1})
    assert not lane.spilled.is_done
    batches = [lane.spilled.take(5, 100, 1, expired=False)]
    while (batch := lane.requeued.take(9, 1)) is not None:
        batches.append(batch)
    batches.append(lane.spilled.take(9, 100, 1, expired=False))
    assert [
        (list(one.positions), one.delivery_count, one.redelivered) for one in batches if one
    ] == [([0], 0, True), ([1, 2], 2, True), ([3], 0, True), ([4], 1, True), ([5], 0, True)]
    assert lane.spilled.is_done
