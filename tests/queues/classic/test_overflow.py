"""What fits within the limits, and what must go."""

import pytest

from queues.classic.overflow import Limits, all_fit, excess, fitting_count
from tests.support.records import run_of

RUN = run_of(b"aa", b"bbb", b"c")
SIZES = [2, 3, 1]


@pytest.mark.parametrize(
    ("limits", "fits"),
    [
        (Limits(None, None), True),
        (Limits(5, None), True),
        (Limits(4, None), False),
        (Limits(None, 16), True),
        (Limits(None, 15), False),
        (Limits(5, 15), False),
        (Limits(4, 16), False),
    ],
)
def test_a_run_fits_within_both_limits_or_not(limits: Limits, fits: bool) -> None:
    assert all_fit(RUN, limits, ready_count=2, ready_bytes=10) is fits


@pytest.mark.parametrize(
    ("limits", "first_index", "expected"),
    [
        (Limits(None, None), 1, 2),
        (Limits(4, None), 0, 2),
        (Limits(2, None), 0, 0),
        (Limits(1, None), 0, 0),
        (Limits(None, 12), 0, 1),
        (Limits(None, 15), 0, 2),
        (Limits(None, 12), 1, 0),
        (Limits(None, 12), 2, 1),
        (Limits(3, 100), 0, 1),
    ],
)
def test_as_many_fit_as_come_before_the_first_too_many(
    limits: Limits, first_index: int, expected: int
) -> None:
    assert fitting_count(SIZES, first_index, limits, ready_count=2, ready_bytes=10) == expected


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(None, None), (0, 0)),
        (Limits(3, None), (0, 0)),
        (Limits(1, None), (2, 0)),
        (Limits(0, None), (3, 0)),
        (Limits(None, 6), (0, 0)),
        (Limits(None, 5), (0, 1)),
        (Limits(None, 0), (0, 6)),
        (Limits(1, 5), (2, 1)),
        (Limits(9, 9), (0, 0)),
    ],
)
def test_what_is_over_a_limit_must_go(limits: Limits, expected: tuple[int, int]) -> None:
    assert excess(limits, ready_count=3, ready_bytes=6) == expected


def test_a_limit_of_zero_is_a_limit() -> None:
    assert Limits(0, None).are_set
    assert Limits(None, 0).are_set
    assert not Limits(None, None).are_set
