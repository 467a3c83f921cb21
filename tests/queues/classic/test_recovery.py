"""What a restart found: each message at its old place, and the next one behind all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from persistence.record import Record
from queues.classic.priority_ready import PriorityReady
from queues.classic.ready import Ready
from queues.classic.recovery import recover
from queues.memory_log import MemoryLog
from tests.support.queue_log import FakeLog
from tests.support.records import record, run_of

NOW_MS = 500


@dataclass
class Piece:
    records: Sequence[Record]
    positions: Sequence[int]
    expires_at_ms: int | Sequence[int] = 0


@dataclass
class ReadBack:
    messages: Piece | None
    lost_count: int = 0


@dataclass
class Lane:
    unstored: Sequence[Piece]
    stored_count: int = 0
    stored_body_bytes: int = 0
    lane: int = 0


@dataclass
class Found:
    lanes: Sequence[Lane]
    next_position: int
    redeliver_below: int
    requeued: Mapping[int, int] = field(default_factory=dict)


class PagedLog(MemoryLog):
    """A log that has some messages stored."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces

    def read_back(  # type: ignore[override] # it has some
        self, lane: int, from_position: int, stop_position: int
    ) -> ReadBack:
        for piece in self.pieces:
            if from_position <= piece.positions[0] < stop_position:
                return ReadBack(piece)
        return ReadBack(None)


def taken(ready: Ready) -> list[tuple[int, bytes, int, bool]]:
    found = []
    while (batch := ready.take(100, NOW_MS)) is not None:
        each = zip(batch.positions, batch.records, strict=True)
        past = (batch.delivery_count, batch.redelivered)
        found += [(at, message.body, *past) for at, message in each]
    return found


def test_stored_and_unstored_messages_are_ready_at_their_places() -> None:
    ready = Ready()
    log = PagedLog([Piece([record(b"2")], [2]), Piece([record(b"4"), record(b"5")], range(4, 6))])
    unstored = Piece([record(b"7"), record(b"9")], [7, 9])
    recover(ready, log, Found([Lane([unstored], stored_count=3)], 11, 8, {4: 3}))
    assert ready.append([record(b"new")]) == 11
    assert ready.delivered_below == 8
    assert taken(ready) == [
        (2, b"2", 0, True),
        (4, b"4", 3, True),
        (5, b"5", 0, True),
        (7, b"7", 0, True),
        (9, b"9", 0, False),
        (11, b"new", 0, False),
    ]
    assert ready.delivered_below == 12


def test_expiries_are_each_messages_own() -> None:
    ready = Ready()
    messages = [record(b"0"), record(b"1")]
    recover(ready, PagedLog([]), Found([Lane([Piece(messages, range(2), [0, NOW_MS])])], 2, 0))
    assert ready.head_expires_at_ms == 0
    assert taken(ready) == [(0, b"0", 0, False)]
    assert ready.head_expires_at_ms == NOW_MS


@pytest.mark.parametrize("max_priority", [None, 3])
def test_a_recovered_queue_has_what_was_there(max_priority: int | None) -> None:
    log = FakeLog(max_priority)
    run = [record(b"%04d" % number, priority=number % 3) for number in range(30)]
    log.append(0, run, [0] * 29 + [77])
    log.settle(range(8))
    log.store(range(10, 20))
    log.requeued(range(9, 10), 3)
    ready = Ready() if max_priority is None else PriorityReady(max_priority)

    recover(ready, log, log.found())

    assert (ready.count, ready.body_bytes, ready.next_position) == (22, 22 * 4, 30)
    assert ready.delivered_below == 30
    ready.check_invariants()
    assert ready.append(run_of(b"0099")) == 30
    log.append(30, run_of(b"0099"))
    counts: dict[int, int] = {}
    expiries: dict[int, int] = {}
    flags: dict[int, bool] = {}
    while (batch := ready.take(100, 1)) is not None:
        for index, position in enumerate(batch.positions):
            counts[position] = batch.delivery_count
            expiries[position] = (batch.expires_at_ms or [0] * len(batch))[index]
            flags[position] = batch.redelivered
    assert sorted(counts) == list(range(8, 31))
    assert {at: count for at, count in counts.items() if count} == {9: 3}
    assert {at: expiry for at, expiry in expiries.items() if expiry} == {29: 77}
    assert [at for at, redelivered in flags.items() if not redelivered] == [30]


def test_after_a_clean_stop_only_what_was_delivered_is_redelivered() -> None:
    log = FakeLog()
    log.append(0, run_of(*[b"%d" % number for number in range(6)]))
    ready = Ready()
    recover(ready, log, log.found(redeliver_below=2))
    batches = [ready.take(9, 1), ready.take(9, 1)]
    assert [(list(one.positions), one.redelivered) for one in batches if one] == [
        ([0, 1], True),
        ([2, 3, 4, 5], False),
    ]
