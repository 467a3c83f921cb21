"""The end of a stream in memory, and the bound of all tails."""

from persistence.streams.gathering import Gathering
from persistence.streams.tail import Tail, Tails
from tests.support.stream_logs import appended, messages_of


def add(tail: Tail, first_offset: int, *messages: bytes) -> int:
    gathering = Gathering(first_offset, 0)
    gathering.add(appended(*messages))
    ((header, parts),) = gathering.draw(16, 0)
    tail.add(header, b"".join(parts))
    return header.size_bytes


def filled() -> tuple[Tail, int]:
    tail = Tail()
    sizes = [add(tail, offset, b"a", b"b") for offset in (4, 6, 8)]
    return tail, sizes[0]


def test_chunks_are_read_from_the_one_that_holds_the_offset() -> None:
    tail, _ = filled()
    found = tail.read(7, 1 << 20, 100)
    assert found is not None
    assert (found.first_offset, found.next_offset) == (6, 10)
    assert [offset for offset, _ in messages_of(found)] == [6, 7, 8, 9]
    assert tail.read(10, 1 << 20, 100) is None
    assert tail.read(0, 1, 100) is not None


def test_a_read_ends_at_its_size_and_below_an_offset() -> None:
    tail, one_bytes = filled()
    for max_bytes, below, next_offset in ((0, 100, 6), (2 * one_bytes, 100, 8), (9_999, 8, 8)):
        found = tail.read(4, max_bytes, below)
        assert found is not None
        assert found.next_offset == next_offset
    assert tail.read(4, 9_999, 4) is None


def test_a_read_ends_before_a_place_that_a_segment_has() -> None:
    tail, _ = filled()
    add(tail, 20, b"z")
    found = tail.read(4, 9_999, 100)
    assert found is not None
    assert found.next_offset == 10
    found = tail.read(10, 9_999, 100)
    assert found is not None
    assert found.first_offset == 20


def test_what_a_segment_has_is_forgotten() -> None:
    tail, one_bytes = filled()
    assert [chunk.header.first_offset for chunk in tail.from_offset(6)] == [6, 8]
    tail.forget_below(6)
    assert (tail.first_offset(), tail.size_bytes) == (6, 2 * one_bytes)
    tail.forget_below(100)
    assert (tail.first_offset(), tail.size_bytes) == (None, 0)


class Holder:
    def __init__(self, tails: Tails, *, is_refused: bool = False) -> None:
        self.tails = tails
        self.spill_count = 0
        self.is_refused = is_refused

    def spill(self) -> bool:
        self.spill_count += 1
        if not self.is_refused:
            self.tails.note(self, 0)
        return not self.is_refused


def test_over_the_bound_the_tails_that_grew_longest_ago_are_written() -> None:
    tails = Tails(100)
    stuck, old, young = Holder(tails, is_refused=True), Holder(tails), Holder(tails)
    for holder, size_bytes in ((young, 1), (stuck, 10), (old, 60), (young, 30)):
        tails.note(holder, size_bytes)
    assert tails.total_bytes == 100
    tails.relieve()
    assert old.spill_count == 0
    tails.note(young, 31)
    tails.relieve()
    assert (stuck.spill_count, old.spill_count, young.spill_count) == (1, 1, 0)
    assert tails.total_bytes == 41
