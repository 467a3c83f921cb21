"""What the node measures of itself in a browser: how late its loop is, and every metric."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.broker_rig import HOSTILE
from tests.web.chromium import Watched

LAG = "#/nodes"
READY = "rabbitmq_detailed_queue_messages_ready"
OF_QUEUES = f"#/metrics?of=queue_coarse_metrics&metric={READY}"


@pytest.fixture
def watched(browser: Browser, over_filled: str) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.log_in(over_filled)
    opened.page.goto(over_filled)
    expect(opened.page.get_by_role("heading", level=1)).to_be_visible()
    yield opened
    assert opened.errors == []
    opened.close()


def show(page: Page, address: str) -> None:
    page.evaluate("(address) => { location.hash = address; }", address)


def test_the_lag_of_the_loop_is_drawn_and_is_a_table_too(watched: Watched) -> None:
    page = watched.page
    show(page, LAG)
    panel = page.locator(".lag-panel")
    told = re.compile(r"^Loop lag: half of the probes up to .* the longest .*s\.$")
    expect(panel.get_by_role("img", name=told)).to_be_visible()
    assert panel.locator(".lag-bar").count() == 13
    assert panel.locator("rect.bar").count() >= 1
    expect(panel).to_contain_text(re.compile(r"\d probes? in \d"))
    panel.get_by_role("button", name="Since the start").click()
    assert "lag=all" in page.url
    panel.get_by_role("button", name="Show as table").click()
    classes = panel.get_by_role("region", name="Classes of lag")
    expect(classes.get_by_role("row")).to_have_count(14)
    for words in ("up to 1 ms", "over 5 s"):
        expect(classes.get_by_role("row", name=words)).to_be_visible()
    assert watched.axe() == []


def test_a_metric_has_help_series_and_a_line_of_what_came_meanwhile(watched: Watched) -> None:
    page = watched.page
    show(page, "#/metrics")
    table = page.get_by_role("region", name="metrics")
    page.get_by_label("Filter metrics").fill("scheduler_run")
    expect(table.get_by_role("row")).to_have_count(2)
    expect(page.locator(".status")).to_contain_text("1 of")
    table.get_by_role("row").nth(1).click()
    panel = page.get_by_role("region", name="Metric", exact=True)
    expect(panel).to_contain_text("Queues and jobs that wait for a turn")
    expect(panel).to_contain_text("A line comes with the next answers")
    told = re.compile(r"^rabbitmq_erlang_scheduler_run_queue: value now ")
    expect(panel.get_by_role("img", name=told)).to_be_visible()
    panel.get_by_role("button", name="Show as table").click()
    assert panel.get_by_role("row").count() >= 3
    assert watched.axe() == []


def test_series_of_each_queue_are_asked_for_by_choice(watched: Watched) -> None:
    page = watched.page
    show(page, OF_QUEUES)
    panel = page.get_by_role("region", name="Metric", exact=True)
    series = panel.get_by_role("list").get_by_role("button")
    expect(series.filter(has_text=HOSTILE)).to_be_visible()
    series.filter(has_text="queue=orders.created").click()
    expect(panel.locator(".bigno")).to_have_text("60")
    assert "series=" in page.url
    page.get_by_label("Queues whose names fit a pattern").fill("^orders")
    page.keyboard.press("Enter")
    expect(series).to_have_count(2)
    page.get_by_label("Queues whose names fit a pattern").fill("(")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_contain_text("missing closing parenthesis")
    assert watched.axe() == []


def test_metrics_are_walked_by_keys(watched: Watched) -> None:
    page = watched.page
    show(page, "#/metrics")
    expect(page.get_by_role("region", name="metrics").locator("tr[data-row]").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("loop_lag")
    table = page.get_by_role("region", name="metrics")
    expect(table.get_by_role("row")).to_have_count(2)
    page.keyboard.press("Enter")
    page.locator("#main").focus()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name="Metric", exact=True)
    expect(panel).to_contain_text("How late the event loop was")
    expect(panel).to_contain_text("15 series")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    assert "metric=" not in page.url


def test_nothing_fits_a_filter_and_it_is_cleared(watched: Watched) -> None:
    page = watched.page
    show(page, "#/metrics?filter=no.such.metric")
    expect(page.locator("#main")).to_contain_text("fits the filter")
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.locator("tr[data-row]").first).to_be_visible()


@pytest.mark.parametrize(("user", "is_told"), [("watcher", True), ("owner", False)])
def test_metrics_are_for_who_monitors(
    browser: Browser, over_filled: str, user: str, is_told: bool
) -> None:
    watched = Watched(browser)
    watched.log_in(over_filled, user, user)
    watched.page.goto(f"{over_filled}#/metrics")
    words = "rabbitmq_connections" if is_told else "You do not see the metrics of the node"
    expect(watched.page.locator("#main")).to_contain_text(words)
    expect(watched.page.get_by_role("heading", name="Log in to HareMQ")).to_have_count(0)
    assert watched.errors == []
    watched.close()
