"""Ten thousand queues: the list scrolls to its end, and only rows in sight exist."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.clients.support.server import Server
from tests.web.broker_rig import address_of, define, haremq
from tests.web.chromium import Watched

MANY = 10_000
ROWS_IN_THE_PAGE_MAX = 120


@pytest.fixture(scope="module")
def server(ui: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A broker with as many queues."""
    with haremq(tmp_path_factory.mktemp("many")) as started:
        queue = {"vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
        define(started, {"queues": [queue | {"name": f"many.{n:05}"} for n in range(MANY)]})
        yield started


@pytest.fixture
def watched(browser: Browser, server: Server) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.log_in(address_of(server))
    opened.page.goto(f"{address_of(server)}#/queues?sort=name")
    expect(opened.page.get_by_role("link", name="many.00000")).to_be_visible()
    yield opened
    assert opened.errors == []
    opened.close()


def test_the_list_is_scrolled_to_its_end(watched: Watched) -> None:
    page = watched.page
    frame = page.get_by_role("region", name="queues", exact=True)
    for place in (0.2, 0.5, 0.999, 1.0):
        frame.evaluate("(e, place) => e.scrollTo(0, e.scrollHeight * place)", place)
        expect(page.locator("tbody tr[data-row] .bone")).to_have_count(0)
        assert page.locator("tbody tr").count() <= ROWS_IN_THE_PAGE_MAX
    expect(page.get_by_role("link", name=f"many.{MANY - 1:05}")).to_be_visible()
    expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", str(MANY + 1))


def test_a_name_is_found_among_them(watched: Watched) -> None:
    page = watched.page
    page.keyboard.press("/")
    page.keyboard.type("many.0777")
    expect(page.locator("tbody tr[data-row]")).to_have_count(10)
    expect(page.get_by_role("link", name="many.07779")).to_be_visible()


def test_a_typed_word_looks_through_all_of_them(watched: Watched) -> None:
    page = watched.page
    page.keyboard.press("/")
    page.keyboard.type("ready:>0 ")
    expect(page.get_by_role("button", name="Clear the filter")).to_be_visible()
