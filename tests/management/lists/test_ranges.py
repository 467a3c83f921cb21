"""Ranges of samples: what makes no sense is refused, what is no number is ignored."""

import pytest

from management.http.errors import HttpError
from management.http.request import Query
from management.lists.ranges import NO_RANGES, Range, ranges_of


def query(age: str, incr: str, name: str = "lengths") -> Query:
    return Query([(f"{name}_age", age), (f"{name}_incr", incr)])


def test_a_pair_of_numbers_is_a_range() -> None:
    ranges = ranges_of(query("60", "5", "msg_rates"))
    assert ranges.msg_rates == Range(60, 5)
    assert (Range(60, 5).samples_count, Range(7, 5).samples_count) == (13, 2)
    assert ranges.lengths is None


@pytest.mark.parametrize(("age", "incr"), [("abc", "5"), ("60.5", "5"), ("60", ""), ("--6", "5")])
def test_what_is_no_number_is_no_range(age: str, incr: str) -> None:
    assert ranges_of(query(age, incr)) == NO_RANGES
    assert ranges_of(Query([("lengths_age", "60")])) == NO_RANGES


@pytest.mark.parametrize(("age", "incr"), [("60", "0"), ("-60", "5"), ("6000", "1"), ("501", "1")])
def test_what_makes_no_sense_is_refused(age: str, incr: str) -> None:
    with pytest.raises(HttpError) as refused:
        ranges_of(query(age, incr), "invalid_range_parameters")
    assert refused.value.error == "invalid_range_parameters"
    assert refused.value.reason == f"Invalid range parameters: age {age}, incr {incr}"


def test_the_longest_range() -> None:
    assert ranges_of(query("500", "1")).lengths == Range(500, 1)
