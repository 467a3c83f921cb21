"""A request in, an answer out, in the order in which RabbitMQ looks at things."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from management import composition
from management.access.login import Credentials, basic_header
from management.call import Call
from management.http.errors import HttpError
from management.http.request import Request, parsed_query
from management.http.response import Response, answer
from management.route_table import ROUTES
from management.routing.route import Right, Route
from management.settings import ManagementSettings
from tests.support.management_api import Api

NOT_FOUND = b'{"error":"Object Not Found","reason":"Not Found"}'


def test_an_unknown_route_is_404_even_without_credentials(api: Api) -> None:
    assert api.get("nope", user=None).body == NOT_FOUND
    assert api.get("/nope", user=None).body == NOT_FOUND
    assert api.get("/api", user=None).status == 404


def test_methods(api: Api) -> None:
    allowed = "HEAD, GET, OPTIONS"
    options = api.call("OPTIONS", "whoami", user=None)
    assert (options.status, options.headers["allow"], options.body) == (200, allowed, b"")
    patch = api.call("PATCH", "whoami")
    assert (patch.status, patch.headers["allow"], patch.body) == (405, allowed, b"")
    assert api.call("FOO", "whoami").status == 501
    assert api.call("HEAD", "whoami").status == 200


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("text/html", 406),
        ("text/plain", 406),
        ("application/bert, application/json;q=0.1", 200),
        ("application/xml, */*;q=0.1", 200),
        ("application/*", 200),
    ],
)
def test_accept(api: Api, accept: str, status: int) -> None:
    assert api.get("whoami", headers={"accept": accept}).status == status


def test_a_condition_is_never_met(api: Api) -> None:
    assert api.get("whoami", headers={"if-none-match": '"x"'}).status == 412


def test_a_prefix_is_in_front_of_everything() -> None:
    with Api(ManagementSettings(path_prefix="/broker")) as api:
        assert api.get("/broker/api/whoami").status == 200
        assert api.get("whoami").status == 404
        assert api.get("/brokerapi/whoami").status == 404


async def _raise(_call: Call) -> Response:
    raise KeyError("a bug")


async def _hang(_call: Call) -> Response:
    await asyncio.Event().wait()
    raise AssertionError("never")


async def _pieces(_call: Call) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield b"[1,"
        yield b"2]"

    return Response(200, body())


async def _typed(_call: Call) -> Response:
    return answer(1)


def route(path: str, handler: object, *, needs_json_type: bool = False) -> Route:
    return Route(
        method="GET",
        path=path,
        right=Right.NOBODY,
        handler=handler,  # type: ignore[arg-type] # one of the above
        summary="",
        needs_json_type=needs_json_type,
    )


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (
        *ROUTES,
        route("bug", _raise),
        route("hang", _hang),
        route("pieces", _pieces),
        route("typed", _typed, needs_json_type=True),
    )
    monkeypatch.setattr(composition, "ROUTES", rows)


@pytest.mark.usefixtures("odd")
def test_a_bug_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with Api() as api:
        reply = api.get("bug")
        assert (reply.status, reply.body) == (500, b"")
        assert "KeyError" in caplog.text
        assert api.get("whoami").status == 200


@pytest.mark.usefixtures("odd")
def test_a_body_without_its_type_is_refused_where_rabbitmq_looks(api: Api) -> None:
    assert api.get("typed").status == 415
    assert api.get("typed", headers={"content-type": "application/json"}).status == 200


@pytest.mark.usefixtures("odd")
def test_an_answer_in_pieces_is_whole() -> None:
    with Api() as api:
        assert api.get("pieces").json == [1, 2]


@pytest.mark.usefixtures("odd")
def test_only_so_many_requests_are_worked_on_and_as_many_wait() -> None:
    with Api(ManagementSettings(requests_max=2)) as api:

        async def crowd() -> list[int]:
            application = api.management.application
            hanging = Request("GET", "/api/hang")
            tasks = [asyncio.create_task(application.handle(hanging)) for _ in range(4)]
            for _ in range(5):
                await asyncio.sleep(0)
            refused = await application.handle(hanging)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            free = await application.handle(Request("GET", "/api/version"))
            return [refused.status, free.status]

        assert api._runner.run(crowd()) == [503, 200]


@pytest.mark.usefixtures("odd")
def test_an_answer_that_takes_too_long_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    with Api() as api:
        monkeypatch.setattr(api.management.application, "_timeout_s", 0)
        assert api.get("hang").status == 503


@pytest.mark.usefixtures("odd")
def test_answers_in_pieces_have_places_of_their_own_until_they_are_sent() -> None:
    with Api(ManagementSettings(requests_max=4)) as api:

        async def held() -> None:
            application = api.management.application
            async with AsyncExitStack() as stack:
                for _ in range(2):
                    sending = application.answering(Request("GET", "/api/pieces"))
                    await stack.enter_async_context(sending)
                assert application._places.working_count == 0
                assert application._places_for_files.are_taken
                refused = await application.handle(Request("GET", "/api/pieces"))
                assert (refused.status, refused.headers["retry-after"]) == (503, "10")
                free = await application.handle(Request("GET", "/api/version"))
                assert free.status == 200
            assert application._places_for_files.working_count == 0
            assert application._places.working_count == 0

        api._runner.run(held())


@pytest.mark.usefixtures("odd")
def test_pieces_that_find_no_place_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with Api(ManagementSettings(requests_max=1)) as api:
        ended: list[str] = []

        async def relayed() -> AsyncGenerator[bytes]:
            try:
                yield b""
            finally:
                ended.append("told the other node")

        async def begun(*_: object) -> Response:
            pieces = relayed()
            await anext(pieces)
            return Response(200, pieces)

        async def held() -> None:
            application = api.management.application
            monkeypatch.setattr(application, "_made_somewhere", begun)
            async with application._places_for_files.place():
                login = {"authorization": basic_header(Credentials("guest", "guest"))}
                request = Request("GET", "/api/whoami", headers=login, is_loopback=True)
                refused = await application.handle(request)
                assert refused.status == 503
                assert ended == ["told the other node"]

        api._runner.run(held())


METHODS = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"])
SEGMENTS = st.lists(
    st.sampled_from(
        ["vhosts", "users", "whoami", "%2F", "guest", "permissions", "limits", "..", ""]
    )
    | st.text(max_size=6),
    max_size=5,
).map("/".join)
PATHS = st.sampled_from([each.path for each in ROUTES]) | SEGMENTS
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "tags", "value", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)
QUERIES = st.sampled_from(
    [
        "",
        "page=1",
        "page=x",
        "page=1&page_size=0",
        "sort=name",
        "columns=a.b",
        "name=(&use_regex=true",
        "lengths_age=60&lengths_incr=5",
        "lengths_age=x",
        "sort=",
        "page=1&name=%FF",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(method=METHODS, path=PATHS, query=QUERIES, body=VALUES)
def test_whatever_is_asked_the_answer_is_no_500(
    api: Api, method: str, path: str, query: str, body: object
) -> None:
    given_path = f"/api/{path}"
    try:
        parsed = parsed_query(query)
    except HttpError:
        return
    request = Request(method, given_path, parsed)
    header = {"authorization": "Basic Z3Vlc3Q6Z3Vlc3Q=", "content-type": "application/json"}
    reply = api.send(replace(request, headers=header, body=json.dumps(body).encode()))
    assert reply.status != 500
