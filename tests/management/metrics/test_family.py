"""Families: a thing may be its own value."""

from management.metrics.family import itself


def test_a_number_is_its_own_value() -> None:
    assert itself(7) == 7
