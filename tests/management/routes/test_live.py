"""Feeds over HTTP."""

import pytest

from management.access.login import Credentials, basic_header
from management.http.request import Request, parsed_query
from management.live import listeners as listeners_module
from tests.support.management_api import Api


def test_a_picture_comes_first(api: Api) -> None:
    async def listen() -> tuple[str, bytes, int]:
        headers = {"authorization": basic_header(Credentials("guest", "guest"))}
        request = Request("GET", "/api/live", parsed_query("topics=overview"), headers)
        async with api.management.application.answering(request) as response:
            assert not isinstance(response.body, bytes)
            piece = await anext(response.body)
            await response.body.aclose()  # type: ignore[attr-defined] # a generator
        return str(response.content_type), piece, len(api.management.services.hub)

    kind, piece, left = api._runner.run(listen())
    assert (kind, left) == ("text/event-stream", 0)
    assert piece.startswith(b'event: snapshot\ndata: {"topic":"overview"')


def test_what_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.add_user("eve", "management")
    assert api.get("live?topics=weather").status == 400
    assert api.get("live?topics=nodes", user="eve").status == 401
    assert api.get("live").status == 200
    monkeypatch.setattr(listeners_module, "LISTENERS_MAX", 0)
    assert api.get("live").status == 503
