"""A stretch on the disk, with messages in memory between those."""

import pytest

from queues.classic.stored import Stored
from queues.log_port import QueueReadBack
from tests.support.queue_log import FakeLog
from tests.support.records import run_of


def test_stored_messages_and_others_come_in_order_from_any_position_on() -> None:
    log = FakeLog()
    run = run_of(*[b"%d" % number for number in range(10)])
    log.append(0, run)
    for first, stop in ((0, 4), (6, 10)):
        log.spill(0, [log.slice_of(run[first:stop], range(first, stop))])
    stored = Stored(0, 10, [log.slice_of(run[4:6], range(4, 6))])
    assert not stored.is_over
    for first in range(10):
        slices = stored.slices(log, 0, first)
        positions = [at for each in slices for at in each.positions if at >= first]
        assert positions == list(range(first, 10))
    assert Stored(3, 3).is_over


def test_where_a_few_are_enough_no_more_is_read_unless_none_is_nearby(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = FakeLog()
    run = run_of(*[b"x"] * 1_000)
    log.append(0, run)
    log.spill(0, [log.slice_of(run, range(1_000))])
    log.settle(range(100, 900))
    asked: list[range] = []
    read_back = log.read_back

    def noting(lane: int, from_position: int, stop_position: int) -> QueueReadBack:
        asked.append(range(from_position, stop_position))
        return read_back(lane, from_position, stop_position)

    monkeypatch.setattr(log, "read_back", noting)
    stored = Stored(0, 1_000)
    assert next(stored.slices(log, 0, 7, 1)).positions[0] == 7
    assert asked == [range(7, 8)]
    assert next(stored.slices(log, 0, 200, 5)).positions[0] == 900
    assert asked[1:] == [range(200, 205), range(200, 1_000)]
