"""What a restart found: each message at its old place, and the next one behind all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from persistence.record import Record
from queues.memory_log import MemoryLog
from queues.ready import Ready
from queues.recovery import recover
from tests.support.records import record

NOW_MS = 500


@dataclass
class Piece:
    records: Sequence[Record]
    positions: Sequence[int]
    expires_at_ms: int | Sequence[int] = 0


@dataclass
class Page:
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
    returned: Mapping[int, int] = field(default_factory=dict)


class PagedLog(MemoryLog):
    """A log that has some messages stored."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces

    def page_in(  # type: ignore[override] # it has some
        self, lane: int, from_position: int, stop_position: int
    ) -> Page:
        for piece in self.pieces:
            if from_position <= piece.positions[0] < stop_position:
                return Page(piece)
        return Page(None)


def taken(ready: Ready) -> list[tuple[int, bytes, int]]:
    found = []
    while (batch := ready.take(100, NOW_MS)) is not None:
        each = zip(batch.positions, batch.records, strict=True)
        found += [(at, message.body, batch.delivery_count) for at, message in each]
    return found


def test_stored_and_unstored_messages_are_ready_at_their_places() -> None:
    ready = Ready()
    log = PagedLog([Piece([record(b"2")], [2]), Piece([record(b"4"), record(b"5")], range(4, 6))])
    unstored = Piece([record(b"7"), record(b"9")], [7, 9])
    recover(ready, log, Found([Lane([unstored], stored_count=3)], 11, 8, {4: 3}))
    assert ready.append([record(b"new")]) == 11
    assert ready.delivered_below == 11
    assert taken(ready) == [
        (2, b"2", 1),
        (4, b"4", 3),
        (5, b"5", 1),
        (7, b"7", 1),
        (9, b"9", 0),
        (11, b"new", 0),
    ]
    assert ready.delivered_below == 12


def test_expiries_are_each_messages_own() -> None:
    ready = Ready()
    messages = [record(b"0"), record(b"1")]
    recover(ready, PagedLog([]), Found([Lane([Piece(messages, range(2), [0, NOW_MS])])], 2, 0))
    assert ready.head_expires_at_ms == 0
    assert taken(ready) == [(0, b"0", 0)]
    assert ready.head_expires_at_ms == NOW_MS
