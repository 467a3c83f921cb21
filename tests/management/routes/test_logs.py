"""The log over HTTP: the last lines, and those that come."""

from collections.abc import Iterator
from typing import Any

import pytest

from amqp_server.net.log_lines import LogLine, RecentLines
from management.access.login import Credentials, basic_header
from management.http.request import Request, parsed_query
from management.live import listeners as listeners_module
from tests.support.management_api import Api


@pytest.fixture
def api() -> Iterator[Api]:
    recent = RecentLines()
    for number, level in enumerate(("info", "warning", "error", "info"), start=1):
        recent.add(LogLine(number, number * 1_000, level, "net", f"line {number}"))
    with Api(log=recent) as made:
        yield made


def numbers(api: Api, query: str = "") -> list[int]:
    return [line["number"] for line in api.get(f"logs{query}").json]


def test_the_last_lines_come_oldest_first(api: Api) -> None:
    assert api.get("logs").json[1] == {
        "number": 2,
        "timestamp": 2_000,
        "severity": "warning",
        "source": "net",
        "message": "line 2",
    }
    assert numbers(api, "?level=warning") == [2, 3]
    assert numbers(api, "?since=3000") == [3, 4]
    assert numbers(api, "?after=3") == [4]
    assert numbers(api, "?count=2") == [3, 4]
    assert numbers(api, "?count=0") == []


def test_what_makes_no_sense_is_refused(api: Api) -> None:
    assert api.get("logs?level=loud").status == 400
    assert api.get("logs?since=yesterday").status == 400
    assert api.get("livelog?level=loud").status == 400
    api.add_user("mona", "monitoring")
    assert api.get("logs", user="mona").status == 401
    assert api.get("livelog", user="mona").status == 401


async def first_piece(api: Api, request: Request) -> tuple[str, bytes, int]:
    async with api.management.application.answering(request) as response:
        assert not isinstance(response.body, bytes)
        piece = await anext(response.body)
        count = len(api.management.services.listeners)
        await response.body.aclose()  # type: ignore[attr-defined] # a generator
    return str(response.content_type), piece, count


def request_of(query: str, **headers: str) -> Request:
    given: dict[str, Any] = {name.replace("_", "-"): value for name, value in headers.items()}
    given["authorization"] = basic_header(Credentials("guest", "guest"))
    return Request("GET", "/api/livelog", parsed_query(query), given)


def test_lines_are_sent_as_they_come(api: Api) -> None:
    kind, piece, count = api._runner.run(first_piece(api, request_of("after=3")))
    assert (kind, count) == ("text/event-stream", 1)
    assert piece.startswith(b'id: 4\ndata: {"number":4')
    assert len(api.management.services.listeners) == 0
    again = request_of("", last_event_id="3", accept="text/event-stream")
    assert api._runner.run(first_piece(api, again))[1] == piece


def test_a_stream_keeps_no_place_of_a_request(api: Api) -> None:
    async def listen() -> None:
        application = api.management.application
        async with application.answering(request_of("after=0")) as response:
            assert response.is_live
            assert application._places.working_count == 0

    api._runner.run(listen())


def test_there_are_not_too_many(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners_module, "LISTENERS_MAX", 0)
    assert api.get("livelog").status == 503
