"""Views of a list that somebody has saved, in a browser: filter, order and columns by a name."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

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


def views(page: Page) -> Locator:
    """Open the menu."""
    page.get_by_role("button", name="Views", exact=True).click()
    return page.get_by_role("group", name="Views")


def save(page: Page, name: str) -> None:
    views(page).get_by_role("button", name="Save this view…").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Saved view {name}")).to_be_visible()


def test_a_view_is_saved_chosen_shared_and_deleted(watched: Watched) -> None:
    page = watched.page
    page.get_by_label("Filter queues").fill("type:stream ")
    page.get_by_role("button", name="Name", exact=True).click()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="Type", exact=True).uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_role("columnheader", name="Type")).to_have_count(0)
    save(page, HOSTILE)

    page.get_by_title("Remove").click()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="Type", exact=True).check()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="payments")).to_be_visible()

    menu = views(page)
    assert watched.axe() == []
    shared = menu.get_by_role("link", name=HOSTILE).get_attribute("href")
    menu.get_by_role("link", name=HOSTILE).click()
    expect(page.get_by_role("link", name="payments")).to_have_count(0)
    expect(page.get_by_role("link", name="audit")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Type")).to_have_count(0)
    expect(views(page).locator("[aria-current]")).to_have_text(HOSTILE)

    page.reload()
    expect(views(page).get_by_role("link", name=HOSTILE)).to_be_visible()
    page.get_by_role("button", name=f"Delete view {HOSTILE}").click()
    expect(page.get_by_role("group", name="Views")).to_contain_text("None yet")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    expect(views(page).get_by_role("link", name=HOSTILE)).to_be_visible()
    assert page.locator("img").count() == 0

    # Elsewhere, where nobody saved it, the link alone shows the same.
    page.evaluate("() => localStorage.clear()")
    page.evaluate("(address) => { location.hash = address; location.reload(); }", shared)
    expect(page.get_by_role("link", name="audit")).to_be_visible()
    expect(page.get_by_role("link", name="payments")).to_have_count(0)
    expect(page.get_by_role("columnheader", name="Type")).to_have_count(0)


def test_the_keyboard_saves_chooses_and_deletes(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("button", name="Views", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Save this view…")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("all of them")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved view all of them")).to_be_visible()
    page.get_by_role("button", name="Views", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="all of them")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Delete view all of them")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Save this view…")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Views", exact=True)).to_be_focused()


@pytest.mark.parametrize("kept", ["{", "null", "7", '{"a":1}', '[7,null,{"name":7}]', '["x"]'])
def test_what_is_broken_in_the_browser_is_passed_over(watched: Watched, kept: str) -> None:
    page = watched.page
    page.evaluate("(kept) => localStorage.setItem('haremq.views.queues', kept)", kept)
    page.reload()
    expect(views(page)).to_contain_text("None yet")
    page.keyboard.press("Escape")
    save(page, "mine")
    held = page.evaluate("() => localStorage.getItem('haremq.views.queues')")
    assert [view["name"] for view in json.loads(held)] == ["mine"]


def test_there_are_no_more_views_than_a_menu_holds(watched: Watched) -> None:
    page = watched.page
    kept = [{"name": f"v{n}", "filter": "", "sort": "", "columns": ""} for n in range(30)]
    page.evaluate(
        "(kept) => localStorage.setItem('haremq.views.queues', kept)", json.dumps(kept * 9)
    )
    page.reload()
    menu = views(page)
    expect(menu.get_by_role("link")).to_have_count(30)
    menu.get_by_role("button", name="Save this view…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("one more")
    expect(dialog).to_contain_text("There are 30 views")
    expect(dialog.get_by_role("button", name="Save view")).to_be_disabled()
    dialog.get_by_label("Name", exact=True).fill("v7")
    expect(dialog.get_by_role("button", name="Replace view")).to_be_enabled()


def test_views_are_at_hand_on_a_phone(browser: Browser, over_filled: str) -> None:
    watched = Watched(browser, phone=True)
    watched.log_in(over_filled)
    page = watched.page
    page.goto(f"{over_filled}#/exchanges?filter=orders")
    save(page, "orders")
    page.evaluate("() => { location.hash = '#/exchanges'; }")
    expect(page.get_by_role("link", name="dead", exact=True)).to_be_visible()
    menu = views(page)
    box = menu.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    menu.get_by_role("link", name="orders").click()
    expect(page.get_by_role("link", name="dead", exact=True)).to_have_count(0)
    assert not watched.is_wider_than_the_screen()
    assert watched.errors == []
    watched.close()
