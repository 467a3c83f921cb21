"""Which segments go: by size from the newest on, by age from the oldest on."""

import pytest

from persistence.streams.retention import Retention, due_count

SIZES = (100, 50, 30)
LAST_MS = (1_000, 2_000, 3_000)


def count(retention: Retention, wall_ms: int = 0) -> int:
    return due_count(retention, wall_ms, SIZES, LAST_MS.__getitem__)


@pytest.mark.parametrize(
    ("max_bytes", "expected"), [(None, 0), (180, 0), (179, 1), (80, 1), (79, 2), (30, 2), (0, 2)]
)
def test_size_keeps_the_newest(max_bytes: int | None, expected: int) -> None:
    assert count(Retention(max_bytes=max_bytes)) == expected


@pytest.mark.parametrize(
    ("wall_ms", "expected"), [(1_500, 0), (1_501, 1), (2_500, 1), (2_501, 2), (9_999, 2)]
)
def test_age_is_that_of_the_last_chunk(wall_ms: int, expected: int) -> None:
    assert count(Retention(max_age_ms=500), wall_ms) == expected


def test_either_limit_is_enough() -> None:
    assert count(Retention(max_bytes=80, max_age_ms=500), 2_501) == 2
    assert count(Retention(max_bytes=79, max_age_ms=500), 0) == 2


def test_the_only_segment_stays() -> None:
    assert due_count(Retention(0, 0), 10**15, [5], lambda _: 0) == 0
    assert due_count(Retention(0, 0), 10**15, [], lambda _: 0) == 0


def test_ages_are_asked_of_the_oldest_alone() -> None:
    asked: list[int] = []

    def last_ms(index: int) -> int:
        asked.append(index)
        return LAST_MS[index]

    assert due_count(Retention(max_age_ms=500), 1_501, SIZES, last_ms) == 1
    assert asked == [0, 1]
