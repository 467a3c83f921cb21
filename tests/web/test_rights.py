"""What a user without rights sees: no button for what he may not do, and no page that breaks."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.web.chromium import Watched

OPEN_TO_ALL = ("#/", "#/queues", "#/streams", "#/exchanges", "#/connections", "#/channels",
               "#/consumers", "#/vhosts", "#/topology", "#/dead-letters",
               "#/limits", "#/metrics", "#/feature-flags", "#/federation",
               "#/queues/%2F/orders.created")  # fmt: skip


@pytest.fixture(params=["watcher", "owner"])
def watched(
    browser: Browser, over_filled: str, request: pytest.FixtureRequest
) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.log_in(over_filled, request.param, request.param)
    opened.page.goto(over_filled)
    expect(opened.page.get_by_role("heading", level=1)).to_be_visible()
    yield opened
    opened.close()


def test_pages_open_for_a_user_with_few_rights(watched: Watched) -> None:
    for address in OPEN_TO_ALL:
        watched.page.evaluate("(address) => { location.hash = address; }", address)
        expect(watched.page.get_by_role("heading", level=1)).to_be_visible()
        expect(watched.page.locator("#main")).not_to_contain_text("Loading")
        expect(watched.page.get_by_role("heading", name="Log in to HareMQ")).to_have_count(0)
    assert watched.errors == []
    navigation = watched.page.get_by_role("navigation", name="Main", exact=True)
    expect(navigation.get_by_role("link", name="Users and rights")).to_have_count(0)


def test_who_watches_sees_no_button_that_changes_things(browser: Browser, over_filled: str) -> None:
    watched = Watched(browser)
    watched.log_in(over_filled, "watcher", "watcher")
    page = watched.page
    page.goto(f"{over_filled}#/queues")
    expect(page.get_by_text("Read-only")).to_be_visible()
    expect(page.get_by_role("link", name="orders.created")).to_be_visible()
    expect(page.get_by_role("button", name="Declare queue")).to_have_count(0)
    expect(page.locator("#main").get_by_role("checkbox")).to_have_count(0)
    page.get_by_role("link", name="orders.created").click()
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    expect(page.get_by_role("link", name="Publish")).to_have_count(0)
    expect(page.get_by_role("button", name="Purge…")).to_have_count(0)
    assert watched.errors == []
    watched.close()
