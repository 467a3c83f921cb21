"""Every page, in a browser: it shows what is there, without an error, a violation or a finding."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from tests.web.broker_rig import HOSTILE
from tests.web.chromium import Watched

HOSTILE_PATH = quote(HOSTILE, safe="")
PAGES = {
    "#/": ("Overview", "Needs attention"),
    "#/queues": ("Queues", "orders.created"),
    "#/queues/%2F/orders.created": ("orders.created", "Effective settings"),
    "#/queues/%2F/orders.created?tab=messages": ("orders.created", "order.created.eu"),
    "#/queues/%2F/orders.created?tab=tail": ("orders.created", "Nothing has come yet"),
    "#/queues/%2F/payments?tab=consumers": ("payments", HOSTILE),
    "#/queues/%2F/orders.created?tab=bindings": ("orders.created", "order.created.#"),
    "#/queues/%2F/orders.created?tab=publish": ("orders.created", "Publish a message"),
    "#/queues/%2F/orders.created?tab=settings": ("orders.created", "What cannot be undone"),
    f"#/queues/%2F/{HOSTILE_PATH}": (HOSTILE, "Effective settings"),
    "#/streams": ("Streams", "audit"),
    "#/streams/%2F/audit": ("audit", "Written"),
    "#/streams/%2F/audit?tab=readers": ("audit", "Nobody reads"),
    "#/super-streams": ("Streams", "There is no super stream"),
    "#/exchanges": ("Exchanges", "orders"),
    "#/exchanges/%2F/orders": ("orders", "Goes to"),
    "#/exchanges/%2F/orders?tab=publish": ("orders", "Publish a message"),
    "#/dead-letters": ("Dead letters", "orders.dlq"),
    "#/topology?exchange=orders&key=order.paid": ("Topology", "1 queue gets it"),
    "#/connections": ("Connections", HOSTILE),
    "#/connections?group=user": ("Connections", HOSTILE),
    "#/channels": ("Channels", HOSTILE),
    "#/consumers": ("Consumers", "payments"),
    "#/policies": ("Policies", "^orders"),
    "#/policies?open=%2F%2Forders": ("Policies", "What would change"),
    "#/users?open=guest": ("Users and rights", "New password"),
    "#/vhosts?open=%2F": ("Virtual hosts", "Who may enter"),
    "#/definitions": ("Definitions", "Import"),
    "#/nodes": ("Cluster", "Event-loop lag"),
    "#/logs": ("Logs", "listening"),
    "#/shovels": ("Shovels", "There is no shovel"),
    "#/shovels?new=shovel": ("Shovels", "Source address"),
    "#/federation": ("Federation", "There is no link"),
    "#/limits": ("Limits", HOSTILE),
    "#/limits?kind=users": ("Limits", "No user has a limit"),
    "#/metrics": ("Metrics", "rabbitmq_queues"),
    "#/metrics?metric=rabbitmq_message_size_bytes": ("Metrics", "11 series"),
    "#/metrics?of=queue_coarse_metrics&metric=rabbitmq_detailed_queue_messages": (
        "Metrics",
        "vhost=/ queue=orders.created",
    ),
    "#/metrics?tab=scrape": ("Metrics", "scrape_configs"),
    "#/feature-flags": ("Feature flags", "quorum_queue"),
    "#/feature-flags?kind=deprecated": ("Feature flags", "Nothing here will go"),
}

DRAWN_MOST = (
    "#/",
    "#/queues",
    "#/queues/%2F/orders.created",
    "#/topology?exchange=orders&key=order.paid",
    "#/policies?open=%2F%2Forders",
    "#/users?open=guest",
    "#/streams/%2F/audit",
    "#/nodes",
    "#/metrics?metric=rabbitmq_message_size_bytes",
)
"""Pages that together have every part."""


@pytest.fixture(scope="module")
def light(browser: Browser, over_filled: str) -> Iterator[Watched]:
    yield from opened(Watched(browser), over_filled)


@pytest.fixture(scope="module")
def dark(browser: Browser, over_filled: str) -> Iterator[Watched]:
    yield from opened(Watched(browser, dark=True), over_filled)


@pytest.fixture(scope="module")
def phone(browser: Browser, over_filled: str) -> Iterator[Watched]:
    yield from opened(Watched(browser, phone=True), over_filled)


@pytest.fixture(scope="module")
def tablet(browser: Browser, over_filled: str) -> Iterator[Watched]:
    yield from opened(Watched(browser, tablet=True), over_filled)


def opened(watched: Watched, url: str) -> Iterator[Watched]:
    watched.log_in(url)
    watched.page.goto(url)
    expect(watched.page.get_by_role("heading", level=1)).to_be_visible()
    yield watched
    watched.close()


def show(watched: Watched, address: str) -> None:
    """Go to a page, and wait until what it is about stands there."""
    title, text = PAGES[address]
    watched.errors.clear()
    watched.page.evaluate("(address) => { location.hash = address; }", address)
    expect(watched.page.get_by_role("heading", level=1)).to_contain_text(title)
    expect(watched.page.locator("#main")).to_contain_text(text)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_shown_without_an_error_or_a_finding(light: Watched, address: str) -> None:
    show(light, address)
    assert light.axe() == []
    assert light.errors == []


@pytest.mark.parametrize("address", DRAWN_MOST)
def test_a_dark_page_has_enough_contrast(dark: Watched, address: str) -> None:
    show(dark, address)
    assert dark.axe("color-contrast") == []
    assert dark.errors == []


@pytest.mark.parametrize("address", PAGES)
def test_a_page_fits_a_phone(phone: Watched, address: str) -> None:
    show(phone, address)
    assert not phone.is_wider_than_the_screen()
    assert phone.errors == []


OUTSIDE = """
() => [...document.querySelectorAll("#main :is(h1, h2, h3, button, input, dd)")]
  .filter((one) => one.checkVisibility() && one.closest(".scroll, .tabs, .graph") === null)
  .filter((one) => one.getBoundingClientRect().right > innerWidth)
  .map((one) => one.outerHTML.slice(0, 80))
"""
"""What is cut by the edge of the window, and is not in a frame that scrolls."""


@pytest.mark.parametrize("address", PAGES)
def test_a_page_fits_a_tablet_held_upright(tablet: Watched, address: str) -> None:
    show(tablet, address)
    assert not tablet.is_wider_than_the_screen()
    assert tablet.page.evaluate(OUTSIDE) == []
    title = tablet.page.locator("h1 .cut")
    assert title.evaluate("(one) => one.clientWidth") > 40
    assert tablet.errors == []


def test_an_address_that_is_none_offers_a_way_on(light: Watched) -> None:
    light.page.evaluate("() => { location.hash = '#/nowhere'; }")
    light.page.get_by_role("button", name="Go to the overview").click()
    expect(light.page.get_by_role("heading", level=1)).to_contain_text("Overview")
