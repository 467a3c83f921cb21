"""Whole chunks at the beginning of octets that were read."""

from persistence.streams.chunk import draw_chunk
from persistence.streams.extent import extent_of
from persistence.streams.gathering import Gathering
from tests.support.stream_logs import appended, messages_of


def chunk(first_offset: int, count: int = 2) -> bytes:
    gathering = Gathering(first_offset, 0)
    gathering.add(appended(*[b"m"] * count))
    ((_, parts),) = gathering.draw(16, 0)
    return b"".join(parts)


ONE, TWO, THREE = chunk(4), chunk(6), chunk(8)


def test_whole_chunks_are_taken() -> None:
    found = extent_of(ONE + TWO + THREE, 5, 100)
    assert found is not None
    assert (found.first_offset, found.next_offset) == (4, 10)
    assert [offset for offset, _ in messages_of(found)] == [4, 5, 6, 7, 8, 9]


def test_what_is_cut_off_is_left_out() -> None:
    whole = ONE + TWO
    for size_bytes in range(len(whole)):
        found = extent_of(whole[:size_bytes], 4, 100)
        assert (found is not None) is (size_bytes >= len(ONE))
        assert found is None or found.octets == ONE


def test_it_ends_below_an_offset() -> None:
    assert extent_of(ONE + TWO, 4, 4) is None
    found = extent_of(ONE + TWO, 4, 6)
    assert found is not None
    assert found.next_offset == 6


def test_a_gap_is_passed_and_no_step_back() -> None:
    found = extent_of(ONE + THREE + TWO, 4, 100)
    assert found is not None
    assert (found.next_offset, found.octets) == (10, ONE + THREE)


def test_the_first_chunk_must_reach_the_offset() -> None:
    assert extent_of(ONE, 6, 100) is None
    assert extent_of(b"?" * 100, 0, 100) is None
    found = extent_of(TWO, 0, 100)
    assert found is not None
    assert found.first_offset == 6


def test_damage_ends_it() -> None:
    found = extent_of(ONE + b"\0" + TWO, 4, 100)
    assert found is not None
    assert found.octets == ONE


def test_a_chunk_of_many_messages_is_read_from_its_middle() -> None:
    parts = draw_chunk(0, 0, (1, 100), b"batch")
    found = extent_of(b"".join(parts.parts), 99, 1)
    assert found is not None
    assert (found.first_offset, found.next_offset) == (0, 100)
