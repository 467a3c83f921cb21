"""The picture of a virtual host in a browser: who publishes, and to which exchange."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.clients.support.server import Server
from tests.web.broker_rig import address_of, connected
from tests.web.chromium import Watched


@pytest.fixture
def publishing(filled_server: Server) -> Iterator[None]:
    """Two programs of a family that publish to a topic exchange, and one to the default."""
    opened = []
    for name, exchange in (("till-1", "orders"), ("till-2", "orders"), ("robot", "")):
        connection = connected(filled_server, {"connection_name": name})
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish(exchange, "payments", b"m")
        opened.append(connection)
    yield
    for connection in opened:
        connection.close()


@pytest.fixture
def watched(browser: Browser, filled_server: Server, publishing: None) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.log_in(address_of(filled_server))
    opened.page.goto(f"{address_of(filled_server)}#/topology")
    yield opened
    assert opened.errors == []
    opened.close()


def test_programs_that_publish_stand_beside_their_exchange(watched: Watched) -> None:
    page = watched.page
    picture = page.locator("svg.net")
    tills = picture.locator("a", has_text="till").first
    expect(tills).to_contain_text("2 channels")
    expect(picture).to_contain_text("Publishers")
    robot = picture.locator("a", has_text="robot").first
    expect(robot).to_contain_text("1 channel")
    expect(picture.locator("a", has_text="(default)").first).to_be_visible()
    expect(picture.locator("title", has_text="publish")).not_to_have_count(0)
    assert watched.axe() == []
    robot.click()
    expect(page.get_by_role("region", name="Connection", exact=True)).to_contain_text("robot")


def test_the_table_has_those_who_publish_too(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("button", name="Table").click()
    row = page.get_by_role("row", name="till")
    expect(row).to_contain_text("orders")
    page.get_by_label("Find in the picture").fill("robot")
    expect(row).to_have_count(0)
    expect(page.get_by_role("row", name="robot")).to_be_visible()
    assert watched.axe() == []
