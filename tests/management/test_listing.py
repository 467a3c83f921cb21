"""Lists: their order, their pages, and their pieces."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from management.access.account import account_of
from management.call import Call
from management.http.request import Request, parsed_query
from management.listing import PIECE_BYTES, Rows, listed
from tests.support.management_api import Api

Pair = tuple[str, int]


def rows(pairs: list[Pair], *, is_paged: bool = True) -> Rows[Pair]:
    return Rows(
        iter(pairs),
        lambda pair: {"name": pair[0], "size": pair[1]},
        lambda pair: pair[0],
        is_paged=is_paged,
    )


def ask(api: Api, query: str, given_rows: Rows[Pair]) -> Any:  # noqa: ANN401 -- JSON
    async def work() -> bytes:
        await api.management.node.slices.begin()
        request = Request("GET", "/", parsed_query(query))
        user = account_of("guest", {"administrator"})
        response = await listed(Call(request, {}, api.management.services, user), given_rows)
        if isinstance(response.body, bytes):
            return response.body
        return b"".join([piece async for piece in response.body])

    return json.loads(asyncio.run(work()))


PAIRS = [("a", 3), ("b", 1), ("c", 2), ("d", 1)]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "abcd"),
        ("sort=", "abcd"),
        ("sort_reverse=true", "dcba"),
        ("sort=size", "bdca"),
        ("sort=size&sort_reverse=true", "acdb"),
        ("sort=nope", "abcd"),
        ("sort=name.deep&sort_reverse=true", "dcba"),
    ],
)
def test_orders(api: Api, query: str, names: str) -> None:
    assert "".join(each["name"] for each in ask(api, query, rows(PAIRS))) == names


@given(
    sizes=st.lists(st.integers(0, 5), max_size=30),
    page=st.integers(1, 8),
    page_size=st.integers(1, 6),
    sort=st.sampled_from(["", "sort=size&", "sort_reverse=true&", "sort=size&sort_reverse=true&"]),
)
def test_a_page_is_a_part_of_the_whole_list(
    sizes: list[int], page: int, page_size: int, sort: str
) -> None:
    pairs = [(f"n{index:02}", size) for index, size in enumerate(sizes)]
    with Api() as api:
        whole = ask(api, sort, rows(pairs))
        start = (page - 1) * page_size
        if start > len(whole):
            return
        answer = ask(api, f"{sort}page={page}&page_size={page_size}", rows(pairs))
    assert answer["items"] == whole[start : start + page_size]
    assert (answer["total_count"], answer["filtered_count"]) == (len(whole), len(whole))


@pytest.mark.parametrize(
    "query", ["", "sort=size&", "sort_reverse=true&", "sort=size&sort_reverse=true&"]
)
def test_a_page_of_a_long_list(api: Api, query: str) -> None:
    """More than are kept as candidates, with many that are equal."""
    pairs = [(f"n{number:04}", number * 7919 % 50) for number in range(3_000)]
    whole = ask(api, query, rows(pairs))
    for page in (1, 2, 29, 30):
        answer = ask(api, f"{query}page={page}&page_size=100", rows(pairs))
        assert answer["items"] == whole[(page - 1) * 100 : page * 100]
        assert (answer["total_count"], answer["filtered_count"]) == (3_000, 3_000)
    found = ask(api, f"{query}page=1&page_size=500&name=n1", rows(pairs))
    assert found["items"] == [each for each in whole if each["name"].startswith("n1")][:500]
    assert (found["total_count"], found["filtered_count"]) == (3_000, 1_000)


def test_a_name_filters_pages_only(api: Api) -> None:
    answer = ask(api, "page=1&name=b&columns=size", rows(PAIRS))
    assert (answer["items"], answer["filtered_count"], answer["total_count"]) == (
        [{"size": 1}],
        1,
        4,
    )
    assert len(ask(api, "name=b", rows(PAIRS))) == 4


def test_a_route_without_pages_ignores_them(api: Api) -> None:
    assert len(ask(api, "page=1&page_size=1", rows(PAIRS, is_paged=False))) == 4


def test_a_long_list_comes_in_pieces(api: Api) -> None:
    pairs = [("x" * 100, number) for number in range(3_000)]

    async def work() -> list[int]:
        request = Request("GET", "/", parsed_query(""))
        user = account_of("guest", {"administrator"})
        response = await listed(Call(request, {}, api.management.services, user), rows(pairs))
        body: Any = response.body
        assert isinstance(body, AsyncIterator)
        return [len(piece) async for piece in body]

    sizes = asyncio.run(work())
    assert len(sizes) > 3
    assert max(sizes) < PIECE_BYTES + 1_000
    assert ask(api, "", rows([])) == []
