"""What one does with queues, in a browser: declare, publish, look, filter, purge, delete."""

import json
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import Browser, expect

from tests.web.broker_rig import HOSTILE
from tests.web.chromium import Watched


@pytest.fixture
def watched(browser: Browser, over_filled: str) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.log_in(over_filled)
    opened.page.goto(f"{over_filled}#/queues")
    expect(opened.page.get_by_role("link", name="orders.created")).to_be_visible()
    yield opened
    assert opened.errors == []
    opened.close()


def test_a_queue_is_declared_filled_purged_and_deleted(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("button", name="Declare queue").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("web.one")
    dialog.get_by_label("Arguments").fill("x-max-length = 5")
    dialog.get_by_role("button", name="Declare queue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("web.one")

    page.get_by_role("link", name="Publish").click()
    page.get_by_label("Body", exact=True).fill(HOSTILE)
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("it reached a queue")).to_be_visible()

    page.get_by_role("link", name="Settings").click()
    page.get_by_role("button", name="Purge…").last.click()
    asked = page.get_by_role("alertdialog")
    expect(asked.get_by_role("button", name="Keep messages")).to_be_focused()
    act = asked.get_by_role("button", name="Purge 1")
    expect(act).to_be_disabled()
    asked.get_by_role("textbox").fill("web.one")
    act.click()
    expect(page.get_by_text("Purged web.one")).to_be_visible()

    page.get_by_role("button", name="Delete…").click()
    asked.get_by_role("textbox").fill("web.one")
    asked.get_by_role("button", name="Delete queue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Queues")
    expect(page.get_by_role("link", name="web.one")).to_have_count(0)


def test_what_the_broker_refuses_is_told_in_its_words(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("button", name="Declare queue").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("orders.created")
    dialog.get_by_role("button", name="Declare queue").click()
    expect(dialog.get_by_role("alert")).to_contain_text("inequivalent arg")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_typed_word_becomes_a_chip_and_stands_in_the_address(watched: Watched) -> None:
    page = watched.page
    page.keyboard.press("/")
    page.keyboard.type("type:stream ")
    expect(page.get_by_title("Remove")).to_contain_text("type")
    expect(page.get_by_role("link", name="audit")).to_be_visible()
    expect(page.get_by_role("link", name="payments")).to_have_count(0)
    assert "filter=type%3Astream" in page.url
    page.get_by_title("Remove").click()
    expect(page.get_by_role("link", name="payments")).to_be_visible()


def test_columns_sort_by_one_key_and_with_shift_by_two(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("button", name="Type").click()
    page.get_by_role("button", name="Name").click(modifiers=["Shift"])
    heads = page.locator("th[aria-sort]")
    expect(heads).to_have_count(2)
    assert "sort=type%2Cname" in page.url
    first = page.locator("tbody tr[data-row]").first
    expect(first).to_contain_text("classic")


def test_the_keyboard_moves_selects_and_opens(watched: Watched) -> None:
    page = watched.page
    page.locator("#main").focus()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("region", name="Selected queues")).to_contain_text("1 selected")
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="Selected queues")).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Views")).to_contain_text("Bindings")


def test_the_palette_finds_a_queue(watched: Watched) -> None:
    page = watched.page
    page.keyboard.press("Control+k")
    page.keyboard.type("payments")
    expect(page.get_by_role("option", name="payments").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("payments")


def test_a_message_is_shown_as_text_and_never_run(watched: Watched) -> None:
    page = watched.page
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.get_by_role("link", name=HOSTILE).first.click()
    page.get_by_role("link", name="Messages").click()
    page.locator("tbody tr[data-row]").first.click()
    panel = page.get_by_role("region", name="Message", exact=True)
    expect(panel).to_contain_text(HOSTILE)
    expect(panel.get_by_text("x-tenant")).to_be_visible()
    assert page.locator("img").count() == 0
    assert dialogs == []


def test_what_is_shown_is_exported(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="As CSV").click()
    text = started.value.path().read_text(encoding="utf-8")
    assert text.startswith("Name,Virtual host,Type")
    assert "orders.created" in text


def test_messages_are_looked_for_and_stay_where_they_are(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("link", name="orders.created").click()
    page.get_by_role("link", name="Messages").click()
    page.get_by_label("Look for messages").fill('"number": 7,')
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr[data-row]")).to_have_count(1)
    expect(page.get_by_role("status").first).to_contain_text("1 fits")
    page.get_by_label("Look for messages").fill("header:x-tenant=nobody")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.get_by_role("button", name="Ready 60")).to_be_visible()


def test_what_comes_to_a_queue_is_seen_as_it_comes(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("link", name="orders.dlq").click()
    page.get_by_role("link", name="Live tail").click()
    expect(page.locator("#main .status")).to_contain_text("running")
    answer = page.evaluate(
        """() => fetch("api/exchanges/%2F/dead/publish", {method: "POST", headers: {"x-csrf": "1"},
        body: JSON.stringify({routing_key: "k", properties: {}, payload: "passed by",
        payload_encoding: "string"})}).then((answer) => answer.json())"""
    )
    assert answer == {"routed": True}
    expect(page.locator("tbody tr[data-row]").first).to_contain_text("passed by")


def test_a_stream_is_read_from_an_offset(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("link", name="audit").click()
    page.get_by_role("button", name="Offset", exact=True).click()
    page.get_by_label("Offset", exact=True).fill("20")
    page.get_by_role("button", name="Go", exact=True).click()
    first = page.locator("tbody tr[data-row]").first
    expect(first).to_contain_text("20")
    first.click()
    expect(page.get_by_role("region", name="Message", exact=True)).to_contain_text("Offset 20")


def test_messages_are_found_and_picked_by_a_jsonpath(watched: Watched) -> None:
    page = watched.page
    found = "#/queues/%2F/orders.created?tab=messages&find=%24.number+%3E+57"
    page.evaluate("(address) => { location.hash = address; }", found)
    expect(page.locator(".scan")).to_contain_text("2 fit")
    page.locator("tbody tr[data-row]").first.click()
    panel = page.get_by_role("region", name="Message", exact=True)
    panel.get_by_label("Show only what this JSONPath leads to").fill("$.text")
    expect(panel.get_by_label("Body, JSON")).to_have_text(json.dumps(HOSTILE))
    panel.get_by_label("Show only what this JSONPath leads to").fill("$.none")
    expect(panel.get_by_text("leads nowhere here")).to_be_visible()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel.get_by_role("button", name="Copy as…").click()
    panel.get_by_role("button", name="Python").click()
    expect(page.get_by_text("Copied the message as Python")).to_be_visible()
    compile(page.evaluate("() => navigator.clipboard.readText()"), "copied", "exec")
    page.get_by_role("button", name="Columns").click()
    for pick in ("x-tenant", "$.number"):
        page.get_by_label("Header or JSONPath").fill(pick)
        page.get_by_role("button", name="Add column").click()
    expect(page.get_by_role("columnheader", name="$.number")).to_be_visible()
    expect(page.locator("tbody tr[data-row]").first).to_contain_text(f"{HOSTILE}58")
    page.keyboard.press("Escape")
    field = page.get_by_label("Look for messages")
    field.fill(f"$.text == '{HOSTILE}' && $.number <")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Expected a path")
    field.fill("key:order.created.eu $.text")
    field.press("Enter")
    expect(page.locator(".scan")).to_contain_text("50 fit")
    assert watched.axe() == []


def test_the_topology_is_saved_as_a_picture(watched: Watched) -> None:
    page = watched.page
    page.evaluate("() => { location.hash = '#/topology'; }")
    page.get_by_label("Find in the picture").fill("payments")
    page.get_by_role("checkbox", name="Only these and their neighbours").check()
    # A publisher may be a neighbour, too.
    kinds = ", ".join(f"svg.net a[href*='/{kind}/']" for kind in ("exchanges", "queues"))
    expect(page.locator(kinds)).to_have_count(3)
    page.get_by_role("checkbox", name="Only these and their neighbours").uncheck()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export").click()
        page.get_by_role("button", name="As SVG").click()
    drawn = ET.parse(saved.value.path()).getroot()
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}title")]
    assert {"orders", "payments", HOSTILE} <= set(texts)
    assert [one for one in drawn.iter() if one.tag.endswith(("}a", "}style", "}img"))] == []
    boxes = list(drawn.iter("{http://www.w3.org/2000/svg}rect"))
    assert all(box.get("fill", "").startswith("rgb") for box in boxes)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export").click()
        page.get_by_role("button", name="As PNG").click()
    assert saved.value.path().read_bytes().startswith(b"\x89PNG")
