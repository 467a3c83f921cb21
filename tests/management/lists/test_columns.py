"""Columns: what an object is cut down to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from management.http.request import Query
from management.lists.columns import Columns

QUEUE = {
    "name": "q",
    "messages": 3,
    "message_stats": {"publish": 1, "publish_details": {"rate": 0.5}},
    "arguments": {"x-max-priority": 5, "x-expires": 6},
    "consumer_details": [{"consumer_tag": "t", "queue": {"name": "q"}}, 5],
    "policy": None,
}


def cut(columns: str) -> object:
    return Columns(Query([("columns", columns)])).of(QUEUE)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("name", {"name": "q"}),
        ("messages,name", {"name": "q", "messages": 3}),
        ("message_stats.publish", {"message_stats": {"publish": 1}}),
        (
            "message_stats.publish_details.rate",
            {"message_stats": {"publish_details": {"rate": 0.5}}},
        ),
        ("message_stats.publish,message_stats", {"message_stats": QUEUE["message_stats"]}),
        ("message_stats,message_stats.publish", {"message_stats": QUEUE["message_stats"]}),
        ("name.deep", {"name": "q"}),
        ("name,,nope.deep", {"name": "q"}),
        ("arguments.x-max-priority", {"arguments": QUEUE["arguments"]}),
        ("consumer_details.queue.name", {"consumer_details": [{"queue": {"name": "q"}}, 5]}),
        ("policy", {"policy": None}),
        ("NAME", []),
        ("message_stats.nope", []),
        ("", []),
        (".", []),
    ],
)
def test_columns(columns: str, expected: object) -> None:
    assert cut(columns) == expected


def test_without_columns_all_is_kept() -> None:
    assert Columns(Query()).of(QUEUE) is QUEUE
    assert Columns(Query()).wanted is None


@given(st.text(alphabet="am.,_", max_size=50))
def test_no_text_breaks_it(columns: str) -> None:
    cut(columns)
