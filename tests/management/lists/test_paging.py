"""Pages: every edge that RabbitMQ's answers have."""

import pytest

from management.http.errors import HttpError
from management.http.request import parsed_query
from management.lists.paging import page_wanted

INVALID = "Pagination parameters are invalid"


def refusal(query: str) -> tuple[str, object]:
    with pytest.raises(HttpError) as refused:
        page_wanted(parsed_query(query))
    return refused.value.error, refused.value.reason


def test_only_a_page_turns_pages_on() -> None:
    assert page_wanted(parsed_query("page_size=2&name=x&pagination=true&use_regex=true")) is None


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("page=0", "page number 0, page size undefined"),
        ("page=-1", "page number -1, page size undefined"),
        ("page=1&page_size=0", "page number 1, page size 0"),
        ("page=1&page_size=-1", "page number 1, page size -1"),
        ("page=1&page_size=501", "page number 1, page size 501"),
    ],
)
def test_a_page_that_cannot_be(query: str, shown: str) -> None:
    reason = f"Invalid pagination parameters: {shown}"
    assert refusal(query) == ("invalid_pagination_parameters", reason)


@pytest.mark.parametrize(
    "query",
    [
        "page_size=abc",
        "page_size=",
        "page=abc",
        "page=1.5",
        "page=",
        "page=1&page_size=abc",
        "page=1&page_size=",
        "page=1&name=(&use_regex=true",
        f"page=1&name={'a' * 1025}&use_regex=true",
        "page=" + "9" * 1_001,
    ],
)
def test_what_is_no_page(query: str) -> None:
    assert refusal(query) == ("bad_request", INVALID)


def test_a_page_behind_the_end_is_out_of_range() -> None:
    page = page_wanted(parsed_query("page=3&page_size=2"))
    assert page is not None
    page.check(4)
    with pytest.raises(HttpError) as refused:
        page.check(3)
    assert refused.value.error == "page_out_of_range"
    assert refused.value.reason == "Page out of range, page: 3 page size: 2, len: 3"


@pytest.mark.parametrize(
    ("query", "name", "matches"),
    [
        ("name=PLAIN", "q.plain", True),
        ("name=^q", "q.plain", False),
        ("name=^Q%5C.P&use_regex=true", "q.plain", True),
        ("name=^x&use_regex=true", "q.plain", False),
        ("name=%C3%A9&use_regex=true", "caf\xe9", True),
    ],
)
def test_names(query: str, name: str, *, matches: bool) -> None:
    page = page_wanted(parsed_query(f"page=1&{query}"))
    assert page is not None
    assert page.matches is not None
    assert page.matches(name) is matches


def test_a_pattern_that_backtracks_without_end_finds_nothing_in_little_time() -> None:
    page = page_wanted(parsed_query("page=1&name=(a*)*b&use_regex=true"))
    assert page is not None
    assert page.matches is not None
    assert page.matches("a" * 200) is False
    assert page.is_pattern


@pytest.mark.parametrize("query", ["page=1", "page=1&name=", "page=1&name=&use_regex=true"])
def test_without_a_name_all_are_paged(query: str) -> None:
    page = page_wanted(parsed_query(query))
    assert page is not None
    assert page.matches is None


def test_the_envelope() -> None:
    page = page_wanted(parsed_query("page=2&page_size=2"))
    assert page is not None
    assert page.envelope([1], 3, 7) == {
        "filtered_count": 3,
        "item_count": 1,
        "items": [1],
        "page": 2,
        "page_count": 2,
        "page_size": 2,
        "total_count": 7,
    }
    assert page.envelope([], 0, 7)["page_count"] == 0


def test_a_page_may_have_a_number_of_many_digits() -> None:
    page = page_wanted(parsed_query(f"page={'9' * 40}"))
    assert page is not None
    with pytest.raises(HttpError) as refused:
        page.check(0)
    assert refused.value.error == "page_out_of_range"
