"""Shares add up, and a write is small against what limits it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_generator.load import Load, publishes_per_write, share


@given(total=st.integers(0, 1_000), part_count=st.integers(1, 50))
def test_shares_add_up_and_differ_by_one_at_most(total: int, part_count: int) -> None:
    parts = [share(total, part_count, index) for index in range(part_count)]
    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts, reverse=True)


@pytest.mark.parametrize(
    ("load", "message_bytes", "count"),
    [
        (Load(), 64, 1_024),
        (Load(), 1 << 20, 1),
        (Load(publishes_per_write=3), 64, 3),
        (Load(backlog_max=800), 64, 100),
        (Load(confirm_window=200), 64, 10),
        (Load(confirm_window=1, backlog_max=4), 64, 1),
    ],
)
def test_a_write_is_small_against_its_limits(load: Load, message_bytes: int, count: int) -> None:
    assert publishes_per_write(load, message_bytes) == count
