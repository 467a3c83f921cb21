"""The web UI by the keyboard alone: all is reached, the focus is seen, and layers give it back."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.chromium import Watched
from tests.web.test_pages import PAGES

TABBABLE = """
() => {
  const wanted = "a[href], button, input, select, textarea, [tabindex]";
  const isIn = (one) => one.tabIndex >= 0 && !one.disabled && one.type !== "file"
    && one.checkVisibility({ visibilityProperty: true });
  const within = document.querySelector("dialog:modal, [aria-modal=true]") ?? document;
  const found = [...within.querySelectorAll(wanted)].filter(isIn);
  found.forEach((one, index) => { one.dataset.walked = String(index); });
  found[0]?.focus();
  return found.length;
}
"""
"""Number what can be reached, in the order of the document, and focus the first of it.

In an open dialog that is what the dialog has: nothing behind it can be reached.
"""

FOCUSED = """
() => {
  const one = document.activeElement;
  const frame = one.closest(".input") ?? one;
  const style = getComputedStyle(frame);
  const isSeen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  return [one.dataset?.walked ?? "", isSeen, one.outerHTML.slice(0, 120)];
}
"""


WALKS_MAX = 2
"""What comes while one walks has no number: then one walks again."""


class Walk(NamedTuple):
    """What was reached, in order; all there is; and where no focus was seen."""

    walked: list[int]
    wanted: list[int]
    unseen: list[str]


def walk(page: Page) -> Walk:
    """Go through all of a page by the tabulator."""
    count = page.evaluate(TABBABLE)
    found = Walk([], list(range(count)), [])
    for step in range(count):
        if step > 0:
            page.keyboard.press("Tab")
        number, is_seen, html = page.evaluate(FOCUSED)
        if number == "":
            break  # behind the last
        found.walked.append(int(number))
        if not is_seen:
            found.unseen.append(html)
    return found


@pytest.fixture(scope="module")
def watched(browser: Browser, over_filled: str) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.log_in(over_filled)
    opened.page.goto(over_filled)
    expect(opened.page.get_by_role("heading", level=1)).to_be_visible()
    yield opened
    opened.close()


@pytest.mark.parametrize("address", PAGES)
def test_all_of_a_page_is_reached_in_order_and_the_focus_is_seen(
    watched: Watched, address: str
) -> None:
    page = watched.page
    title, text = PAGES[address]
    page.evaluate("(address) => { location.hash = address; }", address)
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    expect(page.locator("#main")).to_contain_text(text)
    # Rows that come while one walks would be others.
    page.keyboard.press("Space") if page.evaluate(_IS_LIVE) else None
    walks = [walk(page) for _ in range(WALKS_MAX)]
    assert any(one.walked == one.wanted for one in walks), walks[-1]
    assert walks[-1].unseen == []


_IS_LIVE = "() => document.querySelector('[aria-label=\"Pause\"]') !== null"


def test_the_palette_is_opened_walked_and_left_by_keys(watched: Watched) -> None:
    page = watched.page
    page.evaluate("() => { location.hash = '#/queues'; }")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Queues")
    expect(page.locator("#main .bone")).to_have_count(0)
    link = page.get_by_role("link", name="orders.created")
    link.focus()
    expect(link).to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(link).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("federation")
    expect(page.get_by_role("option", name="Federation")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Federation")


def test_nothing_moves_for_who_wants_no_motion(browser: Browser, over_filled: str) -> None:
    watched = Watched(browser)
    watched.page.emulate_media(reduced_motion="reduce")
    watched.log_in(over_filled)
    watched.page.goto(f"{over_filled}#/queues")
    expect(watched.page.get_by_role("link", name="orders.created")).to_be_visible()
    watched.page.keyboard.press("Control+k")
    expect(watched.page.get_by_role("dialog")).to_be_visible()
    moving = watched.page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((one) => {
          const style = getComputedStyle(one);
          const longest = (text) => Math.max(...text.split(",").map(parseFloat));
          return longest(`${style.transitionDuration},${style.animationDuration}`) > 0.01;
        }).map((one) => one.className)"""
    )
    assert moving == []
    watched.close()


def test_what_has_the_focus_is_pressed_and_not_the_row_of_the_list(
    browser: Browser, over_filled: str
) -> None:
    watched = Watched(browser)
    watched.log_in(over_filled)
    page = watched.page
    page.goto(f"{over_filled}#/queues")
    expect(page.get_by_role("link", name="orders.created")).to_be_visible()
    page.keyboard.press("j")
    for key in ("Enter", "Space"):
        page.get_by_role("button", name="Columns").focus()
        page.keyboard.press(key)
        expect(page.get_by_role("group", name="Columns")).to_be_visible()
        page.keyboard.press("Escape")
    page.get_by_role("link", name="payments").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("payments")
    assert watched.errors == []
    watched.close()
