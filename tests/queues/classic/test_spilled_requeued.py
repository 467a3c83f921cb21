"""Requeued messages on disk alone: what is kept of them in memory, and how they come back."""

import random

import pytest

from queues.batch import Batch
from queues.classic.spilled_requeued import BUCKET_POSITIONS, SpilledRequeued
from tests.support.queue_log import FakeLog
from tests.support.records import record


def batch(positions: range, delivery_count: int = 1, expires: int = 0) -> Batch:
    return Batch(
        positions,
        [record(b"m%d" % at) for at in positions],
        [expires] * len(positions) if expires else None,
        delivery_count,
        redelivered=True,
    )


def log_of(count: int, expires: int = 0) -> FakeLog:
    log = FakeLog()
    log.chunk_count = 700
    log.append(0, [record(b"m%d" % at) for at in range(count)], expires)
    return log


def read_all(spilled: SpilledRequeued) -> list[Batch]:
    found: list[Batch] = []
    while spilled.count:
        found += spilled.read_next()
        spilled.check_invariants()
    assert spilled.body_bytes == 0
    return found


def test_a_long_stretch_comes_back_in_the_chunks_that_the_log_returns() -> None:
    spilled = SpilledRequeued(0, log_of(5_000))
    assert spilled.spill([batch(range(1_000, 4_000))])
    spilled.check_invariants()
    assert (spilled.count, spilled.first_position) == (3_000, 1_000)
    assert spilled.position_ranges() == [range(1_000, 4_000)]
    found = read_all(spilled)
    assert [each.positions for each in found] == [
        range(first, min(first + 700, 4_000)) for first in range(1_000, 4_000, 700)
    ]
    assert all(each.redelivered and each.delivery_count == 1 for each in found)
    assert b"".join(one.body for each in found for one in each.records) == b"".join(
        b"m%d" % at for at in range(1_000, 4_000)
    )


def test_each_message_keeps_how_often_it_came_back_and_when_it_expires() -> None:
    spilled = SpilledRequeued(0, log_of(10, expires=90))
    assert spilled.spill([batch(range(0, 9, 2), 3, 90), batch(range(1, 8, 2), 1 << 20, 90)])
    found = read_all(spilled)
    counts = [each.delivery_count for each in found for _ in each.positions]
    assert counts == [3 if not at % 2 else 1 << 20 for at in range(9)]
    assert [at for each in found for at in each.expires_at_ms or ()] == [90] * 9


def test_positions_between_buckets_are_found_whatever_their_distance() -> None:
    chance = random.Random(5)
    count = 6 * BUCKET_POSITIONS
    spilled, left = SpilledRequeued(0, log_of(count)), set(range(count))
    expected: dict[int, int] = {}
    for _ in range(60):
        first, step = chance.randrange(count), chance.choice((1, 1, 1, 2, 700, 1_024, 3_000))
        positions = range(first, min(first + 1_500 * step, count), step)
        if set(positions) <= left:
            left -= set(positions)
            times = chance.randrange(4)
            assert spilled.spill([batch(positions, times)])
            expected.update(dict.fromkeys(positions, times))
            spilled.check_invariants()
            assert [at for each in spilled.position_ranges() for at in each] == sorted(expected)
    found = {at: each.delivery_count for each in read_all(spilled) for at in each.positions}
    assert found == expected
    assert list(found) == sorted(found), "in order"


@pytest.mark.parametrize("lost", [range(3), range(3, 10), range(10)])
def test_what_the_disk_has_lost_is_forgotten(lost: range) -> None:
    log = log_of(12)
    spilled = SpilledRequeued(0, log)
    spilled.spill([batch(range(10))])
    log.lost = set(lost)
    found = [at for each in read_all(spilled) for at in each.positions]
    assert found == [at for at in range(10) if at not in lost]


def test_a_full_disk_takes_nothing_over() -> None:
    log = log_of(12)
    log.is_full = True
    spilled = SpilledRequeued(0, log)
    assert not spilled.spill([batch(range(10))])
    assert (spilled.count, spilled.body_bytes, spilled.position_ranges()) == (0, 0, [])
