"""The stream checker convicts offsets that change, records that are gone, and readers that jump."""

import pytest

from load_generator.verifying.history import Value
from load_generator.verifying.stream_checker import Reading, check_stream
from tests.support.fault_history import Script


def read(*counters: int, reader: int = 1, first: int = 0) -> list[Reading]:
    """Read messages of publisher 1 at ascending offsets."""
    return [
        Reading(reader, first + place, Value("q", 1, counter))
        for place, counter in enumerate(counters)
    ]


THREE = Script().published(1, 2, 3)


def test_a_stream_that_two_readers_find_alike_is_all_right() -> None:
    readings = read(1, 2, 3) + read(2, 3, reader=2, first=1)
    verdict = check_stream(THREE.rows, readings)
    assert verdict.is_valid
    assert (verdict.confirmed_count, verdict.read_count) == (3, 3)


def test_two_messages_at_one_offset_are_inconsistent() -> None:
    verdict = check_stream(THREE.rows, read(1, 2, 3) + read(1, 3, 2, reader=2))
    assert verdict.inconsistent == (1, 2)
    assert not verdict.is_valid


def test_a_confirmed_message_that_nobody_finds_is_lost() -> None:
    verdict = check_stream(THREE.rows, read(1, 2))
    assert verdict.lost == (Value("q", 1, 3),)
    assert not verdict.is_valid


def test_a_reader_that_jumps_over_a_message_skips_it() -> None:
    jumping = [Reading(2, 0, Value("q", 1, 1)), Reading(2, 2, Value("q", 1, 3))]
    verdict = check_stream(THREE.rows, read(1, 2, 3) + jumping)
    assert verdict.skipped == (1,)
    assert not verdict.is_valid
    assert check_stream(THREE.rows, read(1, 2, 3) + jumping, reads_in_order=False).is_valid


def test_a_gap_where_nobody_found_anything_is_none() -> None:
    readings = read(1, 2) + read(3, first=1_000_000_000_000)
    assert check_stream(THREE.rows, readings).is_valid


@pytest.mark.parametrize("offset", [1, 0])
def test_a_reader_that_goes_back_is_convicted(offset: int) -> None:
    again = [Reading(1, offset, Value("q", 1, offset + 1))]
    verdict = check_stream(Script().published(1, 2).rows, read(1, 2) + again)
    assert verdict.backwards == (offset,)
    assert not verdict.is_valid


def test_what_nobody_published_is_unexpected() -> None:
    verdict = check_stream(Script().published(1).rows, read(1, 9))
    assert verdict.unexpected == (Value("q", 1, 9),)


def test_refused_recovered_and_duplicated_are_counted() -> None:
    script = Script().published(1).begun(2, 3).refused(3)
    verdict = check_stream(script.rows, read(1, 2, 3, 1))
    assert verdict.is_valid
    assert verdict.refused_read == (Value("q", 1, 3),)
    assert verdict.recovered == (Value("q", 1, 2),)
    assert verdict.duplicated == (Value("q", 1, 1),)
