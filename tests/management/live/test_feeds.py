"""Feeds as they stand in a request."""

import pytest

from management.access.account import account_of
from management.http.errors import HttpError
from management.live.feeds import FEEDS_MAX, Feed, feeds_of, require_feeds


def test_feeds_come_once_and_in_order() -> None:
    text = "overview;queues:/:orders,/:orders,w:a%3Ab%2C;alarms;"
    assert feeds_of(text) == (
        Feed("overview"),
        Feed("queues", "/", "orders"),
        Feed("queues", "w", "a:b,"),
        Feed("alarms"),
    )
    assert [feed.text for feed in feeds_of("queues:/:a;nodes")] == ["queues:/:a", "nodes"]


@pytest.mark.parametrize(
    "text", ["", "weather", "overview:x", "queues", "queues:", "queues:orders", "queues:/:%"]
)
def test_what_is_no_feed_is_refused(text: str) -> None:
    with pytest.raises(HttpError) as raised:
        feeds_of(text)
    assert raised.value.status == 400


def test_there_are_not_too_many() -> None:
    places = ",".join([f"/:q{number}" for number in range(FEEDS_MAX)])
    assert len(feeds_of(f"queues:{places}")) == FEEDS_MAX
    with pytest.raises(HttpError):
        feeds_of(f"overview;queues:{places}")


def test_the_node_is_for_who_monitors() -> None:
    require_feeds((Feed("nodes"),), account_of("m", ("monitoring",)))
    with pytest.raises(HttpError):
        require_feeds((Feed("nodes"),), account_of("e", ("management",)))
