"""Keys in order: right whenever somebody looks, and nothing to keep while nobody does."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqp_server.broker import ordered_keys
from amqp_server.broker.ordered_keys import OrderedKeys

STEPS = st.lists(st.one_of(st.just(None), st.sampled_from("abcdefghijkl")), max_size=60)


@given(STEPS, st.integers(0, 8))
def test_names_are_those_of_the_table_whenever_somebody_looks(
    steps: list[str | None], at_once_max: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered_keys, "SORTED_AT_ONCE_MAX", at_once_max)
        table: dict[str, None] = {}
        names = OrderedKeys(table)
        for name in steps:
            if name is None:
                assert list(names.in_order()) == sorted(table)
            elif name in table:
                del table[name]
                names.note_removed(name)
            else:
                table[name] = None
                names.note_added(name)
        assert len(names) == len(table)
        assert list(names.in_order()) == sorted(table)


class CountedTable(dict[str, None]):
    """A table that counts how often all of its names are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_count = 0

    def __iter__(self) -> Iterator[str]:
        self.read_count += 1
        return super().__iter__()


def test_a_second_look_sorts_nothing_and_long_after_it_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ordered_keys, "SORTED_AT_ONCE_MAX", 10)
    table = CountedTable()
    names = OrderedKeys(table)
    table["a"] = None
    names.note_added("a")
    assert table.read_count == 0, "nobody looked"
    for _ in range(3):
        names.in_order()
    assert table.read_count == 1
    for _ in range(5):
        del table["a"]
        names.note_removed("a")
        table["a"] = None
        names.note_added("a")
    assert list(names.in_order()) == ["a"]
    assert table.read_count == 2


def test_more_names_than_a_turn_can_sort_are_sorted_as_they_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ordered_keys, "SORTED_AT_ONCE_MAX", 10)
    table = CountedTable()
    names = OrderedKeys(table)
    for number in range(30):
        name = str(number)
        table[name] = None
        names.note_added(name)
    assert table.read_count == 1, "the eleventh name had all of them sorted"
    assert list(names.in_order()) == sorted(map(str, range(30)))
    assert table.read_count == 1
