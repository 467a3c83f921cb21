"""The order of lists: that of Erlang."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from management.http.errors import HttpError
from management.http.request import Query
from management.lists.ordering import ordering_of, rank


def order(**parameters: str) -> object:
    return ordering_of(Query(list(parameters.items())))


def test_values_of_several_types() -> None:
    expected = [-1, 0, 0.5, 2, False, None, True, {}, {"a": 1}, [], [1], "", "a", "b"]
    in_order = expected[::-1]
    in_order.sort(key=rank)
    assert in_order == expected


def test_a_missing_value_counts_as_zero() -> None:
    by = ordering_of(Query([("sort", "a.b")]))
    assert by.key({"a": {"b": 5}}) == rank(5)
    assert by.key({}) == by.key({"a": 7}) == rank(0)


def test_what_is_asked_for() -> None:
    assert ordering_of(Query()).is_natural
    assert ordering_of(Query([("sort", "")])).is_natural
    assert ordering_of(Query([("sort_reverse", "true")])) == ((), True)
    assert order(sort="a.b", sort_reverse="false") == (("a", "b"), False)
    with pytest.raises(HttpError):
        order(sort_reverse="yes")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(VALUES))
def test_any_values_can_be_compared(values: list[object]) -> None:
    sorted(values, key=rank)
