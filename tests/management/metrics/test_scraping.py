"""The endpoints for Prometheus: paths, rights, and what a client may do wrong."""

import asyncio
import base64
from contextlib import AsyncExitStack

import pytest

from management.http.request import Request
from management.metrics import scraping
from management.metrics.selection import PATTERN_CHARACTERS_MAX
from management.metrics.text import STRETCH
from management.settings import ManagementSettings
from management.slices import Slices
from tests.support.management_api import Api
from tests.support.scrapes import ask, scrape


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/metrics/per-object"])
def test_each_endpoint_says_once_who_it_is(api: Api, path: str) -> None:
    scraped = scrape(api, path)
    [(endpoint)] = [key for key in scraped.samples if key.startswith("rabbitmq_identity_info{")]
    name = "per-object" if "per" in path else "aggregated"
    assert f'rabbitmq_endpoint="{name}"' in endpoint
    assert scraped.values("rabbitmq_build_info", product_name="HareMQ") == [1]


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/metrics/nope", 404, b"Unknown Registry"),
        ("GET", "/", 404, b'{"error":"Object Not Found","reason":"Not Found"}'),
        ("GET", "/metricsx", 404, b'{"error":"Object Not Found","reason":"Not Found"}'),
        ("POST", "/metrics", 405, b""),
        ("OPTIONS", "/metrics", 200, b""),
    ],
)
def test_other_paths_and_methods_are_refused(
    api: Api, method: str, path: str, status: int, body: bytes
) -> None:
    reply = ask(api, path, method)
    assert (reply.status, reply.body) == (status, body)
    assert ("allow" in reply.headers) is (method != "GET")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%28", b"Invalid 'queue' regex at position 1: missing closing parenthesis"),
        (
            "a" * (PATTERN_CHARACTERS_MAX + 1),
            b"'queue' regex is longer than 2000 characters",
        ),
    ],
)
def test_a_pattern_that_is_none_is_refused(api: Api, pattern: str, text: bytes) -> None:
    reply = ask(api, f"/metrics/detailed?queue={pattern}")
    assert (reply.status, reply.body, reply.headers["content-type"]) == (400, text, "text/plain")
    assert ask(api, f"/metrics?queue={pattern}").status == 200


def test_a_login_may_be_asked_for() -> None:
    with Api(ManagementSettings(metrics_login=True)) as api:
        api.add_user("eve", "management")
        api.add_user("mo", "monitoring")
        assert ask(api, "/metrics").status == 401
        for name, status in (("eve", 401), ("mo", 200), ("guest", 200), ("nobody", 401)):
            header = "Basic " + base64.b64encode(f"{name}:{name}".encode()).decode()
            assert ask(api, "/metrics", headers={"authorization": header}).status == status


@pytest.mark.parametrize("needs_login", [False, True])
def test_where_users_log_in_metrics_are_for_those_who_monitor(needs_login: bool) -> None:
    with Api(ManagementSettings(metrics_login=needs_login, path_prefix="/rabbit")) as api:
        for tag in ("administrator", "monitoring", "policymaker", "management"):
            api.add_user(tag, tag)
        api.add_user("none")
        for path in ("/rabbit/metrics", "/rabbit/metrics/detailed?family=queue_metrics"):
            assert api.get(path, user=None).status == 401
            told = {name: api.get(path, user=name).status for name in api.broker.users.names}
            monitors = {"guest", "administrator", "monitoring"}
            assert {name for name, status in told.items() if status == 200} == monitors
            assert set(told.values()) == {200, 401}
        reply = api.get("/rabbit/metrics")
        assert reply.headers["content-type"] == "text/plain; version=0.0.4"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert b"rabbitmq_queues 0" in reply.body
        assert api.get("/metrics").status == 404
        assert api.get("/rabbit/metricsx").status == 404
        assert api.get("/rabbit/metrics/nope").body == b"Unknown Registry"
        assert api.call("POST", "/rabbit/metrics").status == 405


def test_more_scrapes_than_may_wait_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    places = api.management.services.scrapes

    async def crowd() -> tuple[int, int, bool]:
        async with AsyncExitStack() as stack:

            async def begin() -> int:
                sending = api.management.scraping.answering(Request("GET", "/metrics"))
                response = await stack.enter_async_context(sending)
                return response.status

            worked_on = [await begin() for _ in range(scraping.SCRAPES_MAX)]
            assert set(worked_on) == {200}
            waiting = [asyncio.ensure_future(begin()) for _ in range(scraping.WAITING_MAX)]
            await asyncio.sleep(0)
            refused = await begin()
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return len(worked_on), refused, places.are_taken

    assert api._runner.run(crowd()) == (scraping.SCRAPES_MAX, 503, False)


def test_scrapes_are_metrics_too(api: Api) -> None:
    first = scrape(api)
    assert first.types["telemetry_scrape_duration_seconds"] == "summary"
    assert first.values("telemetry_scrape_size_bytes_count") == []
    scrape(api, "/metrics/per-object")
    second = scrape(api)
    assert second.value("telemetry_scrape_size_bytes_count", registry="default") == 1
    assert second.value("telemetry_scrape_size_bytes_count", registry="per-object") == 1
    assert second.value("telemetry_scrape_size_bytes_sum", registry="default") > 10_000


def test_a_scrape_looks_at_the_time_at_each_thing_and_each_stretch(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn of the loop is as long as what goes on between two looks."""
    client = api.node.open()
    for number in range(250):
        client.declare(f"q{number}")
    looks = []

    def is_spent(_: Slices) -> bool:
        looks.append(1)
        return False

    monkeypatch.setattr(Slices, "is_spent", is_spent)
    samples = scrape(api, "/metrics/per-object").samples
    assert len(samples) > 250 * 10
    assert len(looks) >= 250 + len(samples) // STRETCH
