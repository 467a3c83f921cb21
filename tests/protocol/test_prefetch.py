"""Windows: how many deliveries fit."""

import pytest

from amqp_server.protocol.prefetch import Prefetch


@pytest.mark.parametrize(
    ("limit", "used", "wanted", "expected"),
    [
        (0, 0, 7, 7),
        (0, 1_000_000, 7, 7),
        (5, 0, 7, 5),
        (5, 0, 3, 3),
        (5, 4, 7, 1),
        (5, 5, 7, 0),
        (65_535, 0, 100_000, 65_535),
    ],
)
def test_what_fits_is_what_is_left(limit: int, used: int, wanted: int, expected: int) -> None:
    window = Prefetch(limit)
    window.used = used
    assert window.clip(wanted) == expected


def test_a_limit_lowered_below_what_is_out_leaves_nothing() -> None:
    window = Prefetch(10)
    window.used = 8
    window.limit = 3
    assert window.clip(1) == 0
