"""What many nodes would carry, from what a hop costs."""

import pytest

from benchmarks.hop_model import Costs, anywhere_us, table, times_faster


def test_one_node_has_no_hop() -> None:
    assert anywhere_us(Costs(0.1, 0.2, 0.3), 1) == pytest.approx(0.1)
    assert times_faster(Costs(0.1, 0.2, 0.3), 1) == pytest.approx(1.0)


def test_clients_are_elsewhere_as_often_as_there_are_other_nodes() -> None:
    # A half of the publishers and a half of the consumers.
    assert anywhere_us(Costs(0.1, 0.2, 0.4), 2) == pytest.approx(0.1 + 0.1 + 0.2)
    assert times_faster(Costs(0.1, 0.2, 0.4), 2) == pytest.approx(0.5)


def test_with_a_free_hop_each_core_counts() -> None:
    assert times_faster(Costs(0.1, 0.0, 0.0), 64) == pytest.approx(64.0)


def test_the_table_has_a_row_for_each_count() -> None:
    lines = table(Costs(0.1, 0.2, 0.3), (1, 8))
    assert [line.split() for line in lines[2:]] == [
        ["1", "0.100", "1.0", "1"],
        ["8", "0.537", "1.5", "8"],
    ]
