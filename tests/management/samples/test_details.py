"""Rates and samples."""

from itertools import pairwise

import pytest

from management.lists.ranges import Range
from management.samples.details import Looks, details, rate_of
from management.samples.history import History

LOOKS = Looks(20_000, 15_000, 1_000_000)


def history(*points: tuple[int, int]) -> History:
    made = History(2)
    for at_ms, number in points:
        made.note(at_ms, (number, 1))
    return made


def test_a_rate_is_between_the_last_two_looks() -> None:
    assert rate_of(history((10_000, 5), (20_000, 15)), (0,), LOOKS) == 2.0
    assert rate_of(history((10_000, 5)), (0,), LOOKS) == 0.0
    assert rate_of(history((20_000, 10)), (0, 1), LOOKS) == 2.2
    assert rate_of(history((20_000, 10)), (0,), Looks(20_000, 20_000)) == 0.0
    assert rate_of(None, (0,), LOOKS) == 0.0


def test_looks_that_come_a_little_late_are_not_told_twice() -> None:
    late = history(*((look * 5_000 + look % 7 * 300, look * 10) for look in range(1, 101)))
    looks = Looks(100 * 5_000 + 600, 99 * 5_000 + 300)
    shown = details(late, (0,), looks, Range(450, 5))["samples"]
    steps = [one["sample"] - other["sample"] for one, other in pairwise(shown)]
    assert steps == [10] * 90


def test_samples_come_with_the_newest_first() -> None:
    shown = details(history((10_000, 5), (20_000, 15)), (0,), LOOKS, Range(10, 5))
    assert shown == {
        "rate": 2.0,
        "samples": [
            {"sample": 15, "timestamp": 1_020_000},
            {"sample": 5, "timestamp": 1_015_000},
            {"sample": 5, "timestamp": 1_010_000},
        ],
        "avg": pytest.approx(25 / 3),
        "avg_rate": 1.0,
    }


def test_there_are_as_many_samples_as_were_asked_for() -> None:
    for wanted in (Range(60, 5), Range(7, 5), Range(0, 1), Range(500, 1)):
        shown = details(None, (0,), LOOKS, wanted)
        assert len(shown["samples"]) == wanted.samples_count
        assert (shown["rate"], shown["avg"], shown["avg_rate"]) == (0.0, 0.0, 0.0)


def test_without_a_range_there_is_the_rate_alone() -> None:
    assert details(None, (0,), LOOKS) == {"rate": 0.0}
