"""Super streams in a browser: a list, and a matrix of partitions and groups of readers."""

from collections.abc import Iterator

import pytest
from pika.exchange_type import ExchangeType
from playwright.sync_api import Browser, expect

from tests.clients.support.server import Server
from tests.web.broker_rig import HOSTILE, Channel, address_of, connected
from tests.web.chromium import Watched

MESSAGES = 1_500
TAKEN = 3
PARTITIONS = ("trips-0", "trips-1", HOSTILE + "-2")


@pytest.fixture(scope="module")
def reading(filled_server: Server) -> Iterator[Channel]:
    """A super stream whose first partition is read by a group that has taken some and no more."""
    connection = connected(filled_server)
    channel = connection.channel()
    channel.exchange_declare(
        "trips", ExchangeType("direct"), durable=True, arguments={"x-super-stream": True}
    )
    for order, name in enumerate(PARTITIONS):
        channel.queue_declare(name, durable=True, arguments={"x-queue-type": "stream"})
        place = {"x-stream-partition-order": order}
        channel.queue_bind(name, "trips", str(order), arguments=place)
    channel.queue_bind(PARTITIONS[2], "trips", HOSTILE)
    channel.confirm_delivery()
    for _ in range(MESSAGES - 1):
        channel.basic_publish("trips", "0", b"m")
    channel.basic_publish("trips", "0", b"m")
    channel.basic_publish("trips", "1", b"m")
    taken: list[bytes] = []
    channel.basic_qos(prefetch_count=TAKEN)
    channel.basic_consume(
        PARTITIONS[0],
        lambda *given: taken.append(given[3]),
        arguments={"x-stream-offset": "first", "x-stream-group": HOSTILE},
    )
    while len(taken) < TAKEN:
        connection.process_data_events(1)
    yield channel
    for name in PARTITIONS:
        channel.queue_delete(name)
    channel.exchange_delete("trips")
    connection.close()


@pytest.fixture(params=["desktop", "phone", "dark"])
def watched(
    browser: Browser, filled_server: Server, reading: Channel, request: pytest.FixtureRequest
) -> Iterator[Watched]:
    size = {"desktop": {}, "phone": {"phone": True}, "dark": {"dark": True}}[request.param]
    opened = Watched(browser, **size)
    opened.log_in(address_of(filled_server))
    opened.page.goto(f"{address_of(filled_server)}#/streams")
    yield opened
    assert opened.errors == []
    opened.close()


def test_a_super_stream_is_a_matrix_of_partitions_and_groups(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Super streams").click()
    page.get_by_role("link", name="trips").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("trips")
    matrix = page.get_by_role("region", name="Partitions")
    expect(matrix.get_by_role("row")).to_have_count(4)
    behind = f"{MESSAGES - TAKEN:,}"
    first = matrix.get_by_role("row", name="trips-0")
    expect(first).to_contain_text(f"{MESSAGES:,}")
    expect(first.locator(".hot")).to_contain_text(behind)
    expect(first.locator(".hot")).to_contain_text(f"reads {TAKEN} next")
    expect(matrix.get_by_role("row", name="trips-1")).to_contain_text("\u2013")
    expect(matrix.get_by_role("columnheader", name=HOSTILE)).to_have_count(1)
    expect(page.locator(".verdict")).to_contain_text(f"{HOSTILE} is {behind} messages behind")
    expect(page.locator(".strip")).to_contain_text("in 2 segments")
    groups = page.get_by_label("Groups that have a column")
    groups.select_option(HOSTILE)
    assert "group=" in page.url
    assert watched.axe() == []
    assert not watched.is_wider_than_the_screen()
    assert page.locator("main img, main script").count() == 0
    matrix.get_by_role("link", name=PARTITIONS[2]).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(PARTITIONS[2])


def test_a_super_stream_without_partitions_says_so(watched: Watched, reading: Channel) -> None:
    page = watched.page
    reading.exchange_declare("bare", "x-super-stream")  # type: ignore[arg-type]
    page.evaluate("() => { location.hash = '#/super-streams/%2F/bare'; }")
    expect(page.locator("#main")).to_contain_text("It has no partition")
    assert watched.axe() == []
    page.evaluate("() => { location.hash = '#/super-streams/%2F/orders'; }")
    expect(page.locator("#main")).to_contain_text("is no super stream")
    reading.exchange_delete("bare")


def test_a_list_is_filtered_and_opened_by_keys(watched: Watched) -> None:
    page = watched.page
    page.evaluate("() => { location.hash = '#/super-streams?filter=partitions:>2'; }")
    expect(page.get_by_role("link", name="trips")).to_be_visible()
    page.locator("#main").focus()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Partitions")).to_be_visible()
