"""A stream in a browser: its segments as a ruler, and where its readers are."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.clients.support.server import Server
from tests.web.broker_rig import Channel, address_of, connected
from tests.web.chromium import Watched

MESSAGES = 20
TAKEN = 3


@pytest.fixture
def watched(browser: Browser, filled_server: Server) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.log_in(address_of(filled_server))
    yield opened
    assert opened.errors == []
    opened.close()


@pytest.fixture
def reading(filled_server: Server) -> Iterator[Channel]:
    """A stream of several segments, and a consumer that has taken some messages and no more."""
    connection = connected(filled_server, {"connection_name": "slow-reader"})
    channel = connection.channel()
    small = {"x-queue-type": "stream", "x-stream-max-segment-size-bytes": 2_000}
    channel.queue_declare("log.small", durable=True, arguments=small)
    channel.confirm_delivery()
    for _ in range(MESSAGES):
        channel.basic_publish("", "log.small", b"m" * 500)
    taken: list[bytes] = []
    channel.basic_qos(prefetch_count=TAKEN)
    channel.basic_consume(
        "log.small", lambda *given: taken.append(given[3]), arguments={"x-stream-offset": "first"}
    )
    while len(taken) < TAKEN:
        connection.process_data_events(1)
    yield channel
    channel.queue_delete("log.small")
    connection.close()


def test_segments_and_a_reader_of_amqp_have_their_places(
    watched: Watched, filled_server: Server, reading: Channel
) -> None:
    page = watched.page
    page.goto(f"{address_of(filled_server)}#/streams/%2F/log.small")
    log = page.get_by_role("region", name="Log")
    told = re.compile(r"^\d+ segments from offset 0 to 19; slow-reader 17 behind\.$")
    expect(log.get_by_role("img", name=told)).to_be_visible()
    assert log.locator("rect.sg").count() > 1
    page.get_by_role("link", name="Readers").click()
    row = page.get_by_role("row", name="slow-reader")
    for word in ("AMQP", "no credit", "17"):
        expect(row).to_contain_text(word)
    assert watched.axe() == []
