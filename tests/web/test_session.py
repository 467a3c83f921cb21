"""Login, session and rights in a browser, over HareMQ itself."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.chromium import Watched


@pytest.fixture
def watched(browser: Browser, over_haremq: str) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.page.goto(over_haremq)
    yield opened
    assert opened.errors == []
    opened.close()


def log_in(page: Page, password: str = "guest") -> None:
    page.get_by_label("User").fill("guest")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_wrong_password_is_told_and_a_right_one_lets_in(watched: Watched) -> None:
    page = watched.page
    log_in(page, "wrong")
    expect(page.get_by_role("alert")).to_contain_text("Wrong user or password.")
    log_in(page)
    expect(page.get_by_role("navigation", name="Main", exact=True)).to_be_visible()


def test_nothing_but_looks_is_kept_in_the_browser(watched: Watched) -> None:
    page = watched.page
    log_in(page)
    expect(page.get_by_role("navigation", name="Main", exact=True)).to_be_visible()
    kept = page.evaluate("() => JSON.stringify(localStorage) + document.cookie")
    assert "guest" not in kept
    [cookie] = page.context.cookies()
    assert cookie.get("httpOnly") is True
    assert cookie.get("sameSite") == "Strict"


def test_a_session_outlives_the_page_and_ends_with_the_logout(watched: Watched) -> None:
    page = watched.page
    log_in(page)
    main = page.get_by_role("navigation", name="Main", exact=True)
    expect(main).to_be_visible()
    page.reload()
    expect(main).to_be_visible()
    page.get_by_role("button", name="guest, administrator").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in to HareMQ")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Log in to HareMQ")).to_be_visible()


def test_a_first_start_shows_the_address_to_connect_to(watched: Watched) -> None:
    page = watched.page
    log_in(page)
    expect(page.get_by_text("Nobody is connected yet")).to_be_visible()
    expect(page.locator("#main")).to_contain_text("amqp://127.0.0.1:")
    page.get_by_role("link", name="Queues").first.click()
    expect(page.get_by_text("There is no queue yet")).to_be_visible()
    assert watched.axe() == []


def test_a_user_is_added_given_rights_and_deleted(watched: Watched) -> None:
    page = watched.page
    log_in(page)
    page.get_by_role("link", name="Users and rights").first.click()
    page.get_by_role("button", name="Add user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("<b>shop</b>")
    dialog.get_by_label("Password", exact=True).fill("secret")
    dialog.get_by_label("Password again").fill("secret")
    dialog.get_by_role("button", name="Add user").click()
    panel = page.get_by_role("region", name="User", exact=True)
    expect(panel).to_contain_text("may enter no virtual host")

    panel.get_by_role("button", name="Give rights…").click()
    dialog.get_by_role("button", name="Give rights").click()
    expect(panel).not_to_contain_text("may enter no virtual host")
    panel.get_by_role("button", name="Take rights in /").click()
    expect(panel).to_contain_text("may enter no virtual host")
    page.get_by_role("button", name="Undo").first.click()
    expect(panel).not_to_contain_text("may enter no virtual host")

    panel.get_by_role("button", name="Delete user…").click()
    asked = page.get_by_role("alertdialog")
    asked.get_by_role("textbox").fill("<b>shop</b>")
    asked.get_by_role("button", name="Delete user").click()
    expect(page.get_by_role("link", name="<b>shop</b>")).to_have_count(0)


def test_a_virtual_host_is_added_limited_and_deleted(watched: Watched) -> None:
    page = watched.page
    log_in(page)
    page.get_by_role("link", name="Virtual hosts").first.click()
    page.get_by_role("button", name="Add virtual host").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("shop/%2F")
    dialog.get_by_role("button", name="Add virtual host").click()
    panel = page.get_by_role("region", name="Virtual host", exact=True)
    panel.get_by_label("Queues at most").fill("10")
    panel.get_by_role("button", name="Save limits").click()
    expect(page.get_by_text("Saved the limits of shop/%2F")).to_be_visible()
    panel.get_by_role("button", name="Delete virtual host…").click()
    asked = page.get_by_role("alertdialog")
    asked.get_by_role("textbox").fill("shop/%2F")
    asked.get_by_role("button", name="Delete virtual host").click()
    expect(page.get_by_role("link", name="shop/%2F")).to_have_count(0)
