"""The way in, in a browser: what stands there before anybody is known."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.web.chromium import Watched
from tests.web.stand_in import StandIn


@pytest.fixture(params=["light", "dark", "phone"])
def login(
    browser: Browser, without_broker: StandIn, request: pytest.FixtureRequest
) -> Iterator[Watched]:
    watched = Watched(browser, dark=request.param == "dark", phone=request.param == "phone")
    watched.page.goto(without_broker.url)
    expect(watched.page.get_by_role("heading", name="Log in to HareMQ")).to_be_visible()
    yield watched
    watched.close()


def test_the_login_is_shown_without_an_error(login: Watched) -> None:
    expect(login.page.get_by_label("User")).to_be_focused()
    assert login.errors == []


def test_axe_finds_nothing_serious_at_the_login(login: Watched) -> None:
    assert login.axe() == []


def test_a_login_that_fails_says_why(login: Watched) -> None:
    login.page.get_by_label("User").fill("guest")
    login.page.get_by_label("Password", exact=True).fill("wrong")
    login.page.get_by_role("button", name="Log in").click()
    expect(login.page.get_by_role("alert")).to_be_visible()
    assert login.errors == []
