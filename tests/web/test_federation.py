"""Federation in a browser: links, upstreams and sets, over answers as RabbitMQ gives them."""

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.clients.support.server import Server
from tests.web.broker_rig import HOSTILE, address_of
from tests.web.chromium import Watched

LINK: Final = {
    "node": "rabbit@hare-1", "vhost": "/", "id": "631d09ad", "type": "exchange",
    "exchange": "orders", "upstream_exchange": "orders", "upstream": "east", "status": "running",
    "uri": "amqp://links:secret@east.example", "timestamp": "2026-11-29 10:00:00",
    "local_connection": "<rabbit@hare-1.1.2>",
}  # fmt: skip
LINKS: Final[list[dict[str, str]]] = [
    LINK,
    LINK | {"id": "7", "exchange": HOSTILE, "upstream": HOSTILE, "status": "error",
            "error": HOSTILE, "uri": f"amqp://{HOSTILE}"},
]  # fmt: skip


class Links:
    """The answers of a broker with links, and what it was asked to do."""

    def __init__(self) -> None:
        self.links = list(LINKS)
        self.parameters: dict[tuple[str, ...], Any] = {
            ("federation-upstream", "/", HOSTILE): {"uri": f"amqp://{HOSTILE}"}
        }
        self.policies: list[dict[str, Any]] = []
        self.asked: list[str] = []

    def answer(self, page: Page) -> None:
        """Stand in front of the broker for this page."""
        page.route("**/api/openapi.json", self._describe)
        page.route("**/api/federation-links*", self._links)
        page.route("**/api/federation-links/**", self._links)
        page.route("**/api/parameters/federation-*/**", self._parameters)
        page.route("**/api/parameters/federation-*", self._parameters)
        page.route("**/api/policies", self._policies)
        page.route("**/api/policies/**", self._policies)

    def _describe(self, route: Route) -> None:
        described = route.fetch().json()
        described["paths"]["/api/federation-links"] = {"get": {}}
        route.fulfill(json=described)

    def _links(self, route: Route) -> None:
        if route.request.method == "GET":
            route.fulfill(json=self.links)
        else:
            self.asked.append(f"{route.request.method} {unquote(route.request.url)}")
            route.fulfill(status=204)

    def _policies(self, route: Route) -> None:
        if route.request.method == "GET":
            route.fulfill(json=self.policies)
        else:
            vhost, name = map(unquote, route.request.url.split("/api/policies/")[1].split("/"))
            body = json.loads(route.request.post_data or "")
            self.policies.append({"vhost": vhost, "name": name, **body})
            route.fulfill(status=201)

    def _parameters(self, route: Route) -> None:
        path = route.request.url.split("?")[0].split("/api/parameters/")[1]
        segments = tuple(map(unquote, path.split("/")))
        if route.request.method == "GET":
            rows = [
                {"component": key[0], "vhost": key[1], "name": key[2], "value": value}
                for key, value in self.parameters.items()
                if key[: len(segments)] == segments
            ]
            route.fulfill(json=rows)
        elif route.request.method == "DELETE":
            del self.parameters[segments]
            route.fulfill(status=204)
        else:
            body = json.loads(route.request.post_data or "")
            if segments[-1] == "refused":
                told = {"error": "bad_request", "reason": f"Validation failed\n\n{HOSTILE}\n"}
                route.fulfill(status=400, json=told)
                return
            self.parameters[segments] = body["value"]
            route.fulfill(status=201)


@pytest.fixture
def links() -> Links:
    return Links()


@pytest.fixture
def watched(browser: Browser, over_filled: str, links: Links) -> Iterator[Watched]:
    opened = Watched(browser)
    links.answer(opened.page)
    opened.log_in(over_filled)
    opened.page.goto(f"{over_filled}#/federation")
    expect(opened.page.get_by_role("heading", level=1)).to_contain_text("Federation")
    yield opened
    assert opened.errors == []
    opened.close()


def go(page: Page, address: str) -> None:
    page.evaluate("(address) => { location.hash = address; }", address)


def test_a_link_of_haremq_runs_is_restarted_and_ends_with_its_upstream(
    browser: Browser, filled_server: Server
) -> None:
    watched = Watched(browser)
    page = watched.page
    watched.log_in(address_of(filled_server))
    page.goto(f"{address_of(filled_server)}#/federation?new=upstream")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(HOSTILE)
    dialog.get_by_label("Address").fill("bogus")
    dialog.get_by_role("button", name="Add upstream").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Validation failed")
    dialog.get_by_label("Address").fill(filled_server.uri)
    dialog.get_by_label("Exchange there").fill("orders")
    dialog.get_by_role("button", name="Add upstream").click()
    panel = page.get_by_role("region", name="Upstream", exact=True)
    panel.get_by_label("Name matches").fill("^fed")
    panel.get_by_role("button", name="Save policy for 0").click()
    expect(panel.get_by_role("link", name=f"federate-{HOSTILE}")).to_be_visible()

    go(page, "#/exchanges?filter=fed")
    page.get_by_role("button", name="Declare exchange").first.click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("fed.orders")
    page.get_by_role("dialog").get_by_role("button", name="Declare exchange").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("fed.orders")
    go(page, "#/federation")
    row = page.get_by_role("row", name="fed.orders")
    expect(row).to_contain_text("running")
    expect(page.locator("#main")).not_to_contain_text("guest:guest")
    page.get_by_role("button", name="Restart the link to fed.orders").click()
    expect(page.get_by_text(f"Restarted the link from {HOSTILE} to fed.orders")).to_be_visible()
    expect(row).to_contain_text("running")

    page.get_by_role("link", name="Upstreams", exact=True).click()
    page.get_by_role("link", name=HOSTILE).click()
    panel.get_by_role("button", name="Delete upstream…").click()
    asked = page.get_by_role("alertdialog")
    asked.get_by_role("textbox").fill(HOSTILE)
    asked.get_by_role("button", name="Delete upstream").click()
    page.get_by_role("link", name="Links").click()
    expect(page.get_by_text("There is no link")).to_be_visible()
    assert page.locator("#main img").count() == 0
    assert watched.errors == []
    watched.close()


def test_links_are_listed_and_restarted_and_no_password_is_shown(
    watched: Watched, links: Links
) -> None:
    page = watched.page
    expect(page.get_by_role("row", name="orders exchange /")).to_contain_text("running")
    expect(page.locator("#main")).to_contain_text("links:•••@east.example")
    expect(page.locator("#main")).not_to_contain_text("secret")
    expect(page.locator("#main img")).to_have_count(0)
    assert watched.axe() == []
    page.get_by_role("button", name="Restart the link to orders").click()
    expect(page.get_by_text("Restarted the link from east to orders")).to_be_visible()
    assert links.asked[0].endswith("/federation-links/vhost///631d09ad/rabbit@hare-1/restart")


def test_an_upstream_is_added_previewed_changed_and_deleted(watched: Watched, links: Links) -> None:
    page = watched.page
    page.get_by_role("button", name="Add upstream").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("east")
    dialog.get_by_label("Address").fill("amqp://links:secret@east\namqp://east.two")
    dialog.get_by_label("Prefetch").fill("50")
    assert watched.axe() == []
    dialog.get_by_role("button", name="Add upstream").click()
    expect(page.get_by_text("Added upstream east")).to_be_visible()
    key = ("federation-upstream", "/", "east")
    assert links.parameters[key] == {
        "uri": ["amqp://links:secret@east", "amqp://east.two"],
        "ack-mode": "on-confirm",
        "prefetch-count": 50,
    }

    panel = page.get_by_role("region", name="Upstream", exact=True)
    expect(panel).to_contain_text("None: it feeds nothing yet.")
    expect(panel).not_to_contain_text("secret")
    panel.get_by_label("Name matches").fill("^orders$")
    panel.get_by_role("button", name="Save policy for 1").click()
    expect(panel.get_by_role("link", name="federate-east")).to_be_visible()
    assert watched.axe() == []

    panel.get_by_role("button", name="Edit…").click()
    address = dialog.get_by_label("Address")
    expect(address).to_have_value("amqp://links:•••@east\namqp://east.two")
    address.fill("amqp://links:•••@evil")
    dialog.get_by_role("button", name="Save and connect anew").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Type the password of")
    address.fill("amqp://links:•••@east\namqp://east.two")
    dialog.get_by_label("Hops at most").fill("2")
    dialog.get_by_role("button", name="Save and connect anew").click()
    expect(panel).to_contain_text("max-hops")
    assert links.parameters[key]["max-hops"] == 2
    assert links.parameters[key]["uri"] == ["amqp://links:secret@east", "amqp://east.two"]

    panel.get_by_role("button", name="Delete upstream…").click()
    asked = page.get_by_role("alertdialog")
    asked.get_by_role("textbox").fill("east")
    asked.get_by_role("button", name="Delete upstream").click()
    expect(page.get_by_text("Deleted upstream east")).to_be_visible()
    assert key not in links.parameters


def test_a_set_is_added_from_the_upstreams_there_are_and_deleted(
    watched: Watched, links: Links
) -> None:
    page = watched.page
    page.get_by_role("link", name="Upstream sets").click()
    expect(page.get_by_text("There is no set")).to_be_visible()
    page.get_by_role("button", name="Add set").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("coasts")
    dialog.get_by_role("checkbox").first.check()
    dialog.get_by_role("button", name="Add set").click()
    expect(page.get_by_text("Added set coasts")).to_be_visible()
    assert links.parameters["federation-upstream-set", "/", "coasts"] == [{"upstream": HOSTILE}]
    expect(page.locator("#main img")).to_have_count(0)
    page.get_by_role("button", name="Delete coasts…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete set").click()
    expect(page.get_by_text("There is no set")).to_be_visible()


def test_what_the_broker_refuses_is_told_in_the_form(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("button", name="Add upstream").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("refused")
    dialog.get_by_label("Address").fill("bogus")
    dialog.get_by_role("button", name="Add upstream").click()
    expect(dialog.get_by_role("alert")).to_contain_text(f"Validation failed {HOSTILE}")


def test_no_link_and_an_error_are_told(watched: Watched, links: Links) -> None:
    page = watched.page
    links.links.clear()
    page.reload()
    expect(page.get_by_text("There is no link")).to_be_visible()
    page.route("**/api/federation-links*", lambda route: route.fulfill(
        status=500, json={"error": "internal", "reason": HOSTILE}))  # fmt: skip
    page.reload()
    expect(page.locator("#main")).to_contain_text(HOSTILE)


def test_who_watches_sees_links_and_no_button(
    browser: Browser, over_filled: str, links: Links
) -> None:
    watched = Watched(browser)
    links.answer(watched.page)
    watched.log_in(over_filled, "watcher", "watcher")
    page = watched.page
    page.goto(f"{over_filled}#/federation")
    expect(page.get_by_role("row", name="orders exchange /")).to_be_visible()
    expect(page.get_by_role("button", name="Restart the link to orders")).to_have_count(0)
    expect(page.get_by_role("button", name="Add upstream")).to_have_count(0)
    expect(page.get_by_role("link", name="Upstreams", exact=True)).to_have_count(0)
    assert watched.errors == []
    watched.close()
