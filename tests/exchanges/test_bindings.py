import pytest

from exchanges.bindings import BindingTable, DestinationCounts
from tests.support.routing import binding, exchange, queue


def test_a_binding_is_its_source_destination_key_and_arguments() -> None:
    first = binding(queue("q"), "k", {"a": 1})
    assert first == binding(queue("q"), "k", {"a": 1})
    assert hash(first) == hash(binding(queue("q"), "k", {"a": 1}))
    assert first != binding(queue("q"), "k", {"a": 2})
    assert first != binding(queue("q"), "other", {"a": 1})
    assert first != binding(exchange("q"), "k", {"a": 1})
    assert first != binding(queue("q"), "k", {"a": 1}, source="y")


def test_the_same_key_with_other_arguments_is_a_second_binding() -> None:
    table = BindingTable()
    assert table.add(binding(queue("q"), "k"))
    assert table.add(binding(queue("q"), "k", {"a": 1}))
    assert len(table) == 2


def test_a_binding_added_again_is_no_change() -> None:
    table = BindingTable()
    first = binding(queue("q"), "k")
    assert table.add(first)
    assert not table.add(binding(queue("q"), "k"))
    assert table.of_source("x")[0] is first
    assert len(table) == 1


def test_bindings_are_found_from_both_ends_oldest_first() -> None:
    table = BindingTable()
    second, first = binding(queue("q"), "b"), binding(queue("q"), "a")
    elsewhere = binding(exchange("q"), "a")
    for each in (second, first, elsewhere):
        table.add(each)
    assert table.of_source("x") == (second, first, elsewhere)
    assert table.of_destination(queue("q")) == (second, first)
    assert table.of_destination(exchange("q")) == (elsewhere,)
    assert table.of_source("missing") == ()
    assert (table.count_of_source("x"), table.count_of_source("missing")) == (3, 0)
    assert table.of_destination(queue("missing")) == ()


def test_removing_returns_the_binding_that_was_stored() -> None:
    table = BindingTable()
    stored = binding(queue("q"), "k", {"a": 1})
    table.add(stored)
    removed = table.remove("x", queue("q"), "k", stored.arguments_key)
    assert removed is stored
    assert removed.arguments == {"a": 1}
    assert len(table) == 0
    assert not table.has_source("x")


@pytest.mark.parametrize(
    ("source", "key", "arguments_key"), [("y", "k", b"[]"), ("x", "l", b"[]"), ("x", "k", b"")]
)
def test_removing_what_is_not_there_is_no_change(
    source: str, key: str, arguments_key: bytes
) -> None:
    table = BindingTable()
    table.add(binding(queue("q"), "k"))
    assert table.remove(source, queue("q"), key, arguments_key) is None
    assert len(table) == 1
    table.check_invariants()


def test_removing_a_source_takes_its_bindings_only() -> None:
    table = BindingTable()
    mine = [binding(queue("q"), "a"), binding(queue("r"), "a")]
    other = binding(queue("q"), "a", source="y")
    for each in (*mine, other):
        table.add(each)
    assert list(table.of_source("x")) == mine
    assert [table.discard(each) for each in (*mine, *mine)] == [True, True, False, False]
    assert list(table) == [other]
    assert table.of_destination(queue("q")) == (other,)
    table.check_invariants()


def test_removing_a_destination_takes_its_bindings_only() -> None:
    table = BindingTable()
    mine = [binding(queue("q"), "a"), binding(queue("q"), "a", source="y")]
    other = binding(exchange("q"), "a")
    for each in (*mine, other):
        table.add(each)
    assert list(table.of_destination(queue("q"))) == mine
    assert [table.discard(each) for each in (*mine, *mine)] == [True, True, False, False]
    assert list(table) == [other]
    assert not table.has_source("y")
    table.check_invariants()


def test_a_destination_stays_until_its_last_binding_goes() -> None:
    counts = DestinationCounts()
    counts.count_up(queue("q"))
    counts.count_up(queue("q"))
    counts.count_down(queue("q"))
    assert list(counts) == [queue("q")]
    counts.count_down(queue("q"))
    assert not counts
    with pytest.raises(KeyError):
        counts.count_down(queue("q"))
