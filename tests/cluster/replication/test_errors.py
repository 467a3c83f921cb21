"""A broken invariant names its rule and its queue."""

import pytest

from cluster.replication.errors import BrokenInvariantError, hold


def test_what_holds_is_silent() -> None:
    hold(True, "I1", "q", "nothing")


def test_a_broken_invariant_names_rule_and_queue() -> None:
    with pytest.raises(BrokenInvariantError, match="I4 orders: cut") as broken:
        hold(False, "I4", "orders", "cut")
    assert (broken.value.rule, broken.value.queue) == ("I4", "orders")
