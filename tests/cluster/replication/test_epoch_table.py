"""Epoch tables: which epoch wrote an index, and where two logs part."""

import pytest

from cluster.replication import epoch_table
from cluster.replication.epoch_table import EpochTable

TABLE: EpochTable = ((1, 1), (3, 5), (4, 9))


@pytest.mark.parametrize(("index", "epoch"), [(0, 0), (1, 1), (4, 1), (5, 3), (9, 4), (99, 4)])
def test_an_index_has_the_epoch_that_began_last(index: int, epoch: int) -> None:
    assert epoch_table.epoch_at(TABLE, index) == epoch


def test_an_epoch_is_entered_once() -> None:
    assert epoch_table.with_epochs(TABLE, ((4, 12), (5, 20))) == (*TABLE, (5, 20))


def test_a_cut_forgets_epochs_that_began_behind_it() -> None:
    assert epoch_table.cut_to(TABLE, 8) == TABLE[:2]


def test_spans_say_which_epochs_wrote_a_range() -> None:
    assert epoch_table.spans_of(TABLE, 2, 9) == ((1, 3), (3, 5), (4, 9))
    assert epoch_table.spans_of(TABLE, 5, 8) == ((3, 6),)
    assert epoch_table.spans_of(TABLE, 4, 4) == ()


@pytest.mark.parametrize(
    ("mine", "my_end", "other", "other_end", "point"),
    [
        (((1, 1),), 7, ((1, 1),), 5, 5),
        (((1, 1), (2, 6)), 9, ((1, 1),), 8, 5),
        (((1, 1), (3, 6)), 9, ((1, 1), (2, 4)), 12, 3),
        ((), 0, ((1, 1),), 3, 0),
        (((2, 1),), 4, ((1, 1),), 4, 0),
    ],
)
def test_logs_part_at_the_end_of_the_last_epoch_that_both_have(
    mine: EpochTable, my_end: int, other: EpochTable, other_end: int, point: int
) -> None:
    assert epoch_table.divergence(mine, my_end, other, other_end) == point
    assert epoch_table.divergence(other, other_end, mine, my_end) == point
