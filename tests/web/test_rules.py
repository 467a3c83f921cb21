"""Exchanges, bindings, policies, definitions and connections in a browser: each act is clicked."""

import json
from collections.abc import Iterator
from pathlib import Path

import pika.exceptions
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.clients.support.server import Server
from tests.web.broker_rig import HOSTILE, address_of, connected
from tests.web.chromium import Watched


@pytest.fixture
def watched(browser: Browser, filled_server: Server) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.log_in(address_of(filled_server))
    opened.page.goto(address_of(filled_server))
    expect(opened.page.get_by_role("heading", level=1)).to_be_visible()
    yield opened
    assert opened.errors == []
    opened.close()


def go(page: Page, address: str) -> None:
    page.evaluate("(address) => { location.hash = address; }", address)


def test_an_exchange_is_declared_bound_used_and_deleted(watched: Watched) -> None:
    page = watched.page
    go(page, "#/exchanges")
    page.get_by_role("button", name="Declare exchange").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("web.x")
    dialog.get_by_role("button", name="Declare exchange").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("web.x")

    page.get_by_role("link", name="Bindings").click()
    page.get_by_role("button", name="Bind…").first.click()
    dialog.get_by_label("Queue", exact=True).last.fill("orders.dlq")
    dialog.get_by_label("Routing key").fill("web.key")
    dialog.get_by_role("button", name="Bind", exact=True).click()
    bound = page.locator("#main").get_by_role("link", name="orders.dlq")
    expect(bound).to_be_visible()
    page.get_by_role("button", name="Unbind orders.dlq from web.x").click()
    expect(bound).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(bound).to_be_visible()

    page.get_by_role("link", name="Publish").click()
    page.get_by_label("Routing key").fill("nobody")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("no queue took it")).to_be_visible()
    page.get_by_label("Routing key").fill("web.key")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("it reached a queue")).to_be_visible()

    page.get_by_role("button", name="Delete…").click()
    asked = page.get_by_role("alertdialog")
    asked.get_by_role("textbox").fill("web.x")
    asked.get_by_role("button", name="Delete exchange").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Exchanges")


def test_a_policy_is_made_changed_and_deleted(watched: Watched) -> None:
    page = watched.page
    go(page, "#/policies")
    page.get_by_role("button", name="Add policy").first.click()
    form = page.get_by_role("form").or_(page.locator("form"))
    form.get_by_label("Name", exact=True).fill("web-policy")
    form.get_by_label("Name matches").fill("^payments$")
    form.get_by_role("button", name="Add a setting").click()
    page.get_by_role("button", name="max-length", exact=False).first.click()
    form.get_by_role("textbox").or_(form.get_by_role("spinbutton")).last.fill("70000")
    expect(page.get_by_text("What would change")).to_be_visible()
    form.get_by_role("button", name="Save and apply to 1").click()
    expect(page.get_by_text("Saved policy web-policy")).to_be_visible()

    go(page, "#/queues/%2F/payments")
    expect(page.locator("#main")).to_contain_text("web-policy")
    go(page, "#/policies?open=%2F%2Fweb-policy")
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete policy").click()
    expect(page.get_by_role("link", name="web-policy")).to_have_count(0)


def test_definitions_are_exported_and_imported_after_a_look(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    go(page, "#/definitions")
    with page.expect_download() as started:
        page.get_by_role("button", name="Export the whole broker").click()
    document = json.loads(started.value.path().read_text(encoding="utf-8"))
    assert "orders" in [exchange["name"] for exchange in document["exchanges"]]
    document["queues"].append(document["queues"][0] | {"name": "web.imported"})
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(document), encoding="utf-8")
    page.locator("input[type=file]").set_input_files(changed)
    expect(page.get_by_text("1 new")).to_be_visible()
    page.get_by_role("button", name="Import 1").click()
    expect(page.get_by_text("Imported changed.json")).to_be_visible()
    go(page, "#/queues?filter=web.imported")
    expect(page.get_by_role("link", name="web.imported")).to_be_visible()
    page.get_by_role("checkbox").last.check()
    page.get_by_role("button", name="Delete…").click()
    asked = page.get_by_role("alertdialog")
    asked.get_by_role("textbox").fill("web.imported")
    asked.get_by_role("button", name="Delete queue").click()
    expect(page.get_by_text("Deleted web.imported")).to_be_visible()


def test_a_connection_is_closed(watched: Watched, filled_server: Server) -> None:
    doomed = connected(filled_server, {"connection_name": "to be closed"})
    page = watched.page
    go(page, "#/connections")
    page.get_by_role("link", name="to be closed").click()
    panel = page.get_by_role("region", name="Connection", exact=True)
    panel.get_by_role("button", name="Close connection…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Close connection").click()
    expect(page.get_by_text("Closed to be closed")).to_be_visible()
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker):
        doomed.process_data_events(5)


def test_several_queues_are_deleted_at_once_after_a_typed_name(watched: Watched) -> None:
    page = watched.page
    for number in (1, 2):
        go(page, "#/queues")
        page.get_by_role("button", name="Declare queue").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name", exact=True).fill(f"bulk.{number}")
        dialog.get_by_role("button", name="Declare queue").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(f"bulk.{number}")
    go(page, "#/queues?filter=bulk.")
    expect(page.locator("tbody tr[data-row]")).to_have_count(2)
    page.get_by_role("checkbox").first.check()
    expect(page.get_by_role("region", name="Selected queues")).to_contain_text("2 selected")
    page.get_by_role("button", name="Delete…").click()
    asked = page.get_by_role("alertdialog")
    asked.get_by_role("textbox").fill("delete 2 queues")
    asked.get_by_role("button", name="Delete 2 queues").click()
    expect(page.get_by_text("Deleted 2 queues")).to_be_visible()


def test_limits_are_set_for_a_hostile_name(watched: Watched) -> None:
    page = watched.page
    go(page, "#/vhosts")
    page.get_by_role("link", name=HOSTILE).first.click()
    panel = page.get_by_role("region", name="Virtual host", exact=True)
    expect(panel.get_by_label("Queues at most")).to_have_value("9")
    panel.get_by_label("Queues at most").fill("12")
    panel.get_by_role("button", name="Save limits").click()
    expect(page.get_by_text(f"Saved the limits of {HOSTILE}")).to_be_visible()


def test_the_rights_of_a_user_are_tried_and_his_limits_are_set(watched: Watched) -> None:
    page = watched.page
    go(page, "#/users?open=owner")
    panel = page.get_by_role("region", name="User", exact=True)
    tried = panel.get_by_role("group", name="Try the rights")
    tried.get_by_label("Queue or exchange").fill("orders")
    expect(tried).to_contain_text("No. ^mine does not match.")
    tried.get_by_role("button", name="Read").click()
    expect(tried).to_contain_text("Yes. .* matches.")
    panel.get_by_label("Channels at most").fill("7")
    panel.get_by_role("button", name="Save limits").click()
    expect(page.get_by_text("Saved the limits of owner")).to_be_visible()
    go(page, "#/limits?kind=users")
    expect(page.get_by_role("row", name="owner")).to_contain_text("7")
    page.get_by_role("link", name="owner").click()
    # What the page knew of the user before is shown first; to empty what is empty changes nothing.
    expect(panel.get_by_label("Channels at most")).to_have_value("7")
    panel.get_by_label("Channels at most").fill("")
    panel.get_by_role("button", name="Save limits").click()
    go(page, "#/limits?kind=users")
    expect(page.get_by_text("No user has a limit")).to_be_visible()


def test_what_prometheus_is_told_is_copied(watched: Watched) -> None:
    page = watched.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    go(page, "#/metrics?tab=scrape")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_text("Copied the scrape configuration")).to_be_visible()
    assert "job_name: haremq" in page.evaluate("() => navigator.clipboard.readText()")
    page.evaluate("() => { Object.defineProperty(navigator, 'clipboard', { value: undefined }); }")
    page.get_by_role("button", name="Copy the rule for: A queue grows").click()
    expect(page.get_by_text("Copied the rule")).to_be_visible()
