"""Messages of a queue as a file, from their page: all of them, or all that fit."""

import csv
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Download, Page, expect

from tests.web.chromium import Watched

MESSAGES = "#/queues/%2F/orders.created?tab=messages"


@pytest.fixture
def watched(browser: Browser, over_filled: str) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.log_in(over_filled)
    opened.page.goto(f"{over_filled}{MESSAGES}")
    expect(opened.page.get_by_role("button", name="Export")).to_be_enabled()
    yield opened
    assert opened.errors == []
    opened.close()


def export(page: Page, form: str) -> Download:
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as started:
        page.get_by_role("button", name=form).click()
    return started.value


def test_all_messages_are_exported_not_only_those_that_are_shown(watched: Watched) -> None:
    page = watched.page
    expect(page.locator("#main .status")).to_contain_text("50 shown")
    saved = export(page, "As CSV")
    assert saved.suggested_filename == "orders.created.csv"
    rows = list(csv.DictReader(saved.path().read_text(encoding="utf-8").splitlines()))
    assert [json.loads(row["payload"])["number"] for row in rows] == list(range(60))
    page.get_by_role("button", name="Export", exact=True).click()
    assert watched.axe() == []


def test_what_is_looked_for_is_exported(watched: Watched) -> None:
    page = watched.page
    page.get_by_label("Look for messages").fill("$.number >= 55")
    page.keyboard.press("Enter")
    expect(page.locator(".scan")).to_contain_text("5 fit")
    saved = export(page, "As JSON lines")
    assert saved.suggested_filename == "orders.created.jsonl"
    lines = saved.path().read_text(encoding="utf-8").splitlines()
    assert [json.loads(json.loads(line)["payload"])["number"] for line in lines] == [*range(55, 60)]


def test_what_cannot_be_exported_is_told(watched: Watched) -> None:
    page = watched.page
    page.route("**/messages/export?*", lambda route: route.fulfill(
        status=400, json={"error": "bad_request", "reason": "filter: <b>no</b>"}))  # fmt: skip
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("button", name="As CSV").click()
    told = page.get_by_text("Could not export orders.created: filter: <b>no</b>")
    expect(told).to_be_visible()
    expect(page.get_by_role("button", name="Export", exact=True)).to_be_enabled()
    page.get_by_role("button", name="Unacked").click()
    expect(page.get_by_role("button", name="Export", exact=True)).to_be_disabled()


def test_who_only_watches_may_export_what_he_may_read(browser: Browser, over_filled: str) -> None:
    watched = Watched(browser, phone=True)
    watched.log_in(over_filled, "watcher", "watcher")
    watched.page.goto(f"{over_filled}{MESSAGES}")
    saved = export(watched.page, "As JSON lines")
    assert len(saved.path().read_text(encoding="utf-8").splitlines()) == 60
    assert not watched.is_wider_than_the_screen()
    assert watched.errors == []
    watched.close()
