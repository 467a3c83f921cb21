"""Messages as they pass, over HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from management.access.login import Credentials, basic_header
from management.http.request import Request, parsed_query
from management.live import listeners as listeners_module
from tests.support.management_api import Api

QUEUE = "/api/queues/%2F/q/tail"
EXCHANGE = "/api/exchanges/%2F/amq.topic/tail"


def request_of(path: str, user: str = "guest") -> Request:
    raw, _, query = path.partition("?")
    given = {"authorization": basic_header(Credentials(user, user))}
    return Request("GET", raw, parsed_query(query), given)


@pytest.fixture(autouse=True)
def queue(api: Api) -> None:
    api.put("queues/%2F/q", {})
    api.post("bindings/%2F/e/amq.topic/q/q", {"routing_key": "k"})


async def pieces(api: Api, path: str, publish: Any, count: int = 1) -> list[bytes]:  # noqa: ANN401
    """Open a stream, publish, and return the first pieces that it sends."""
    found: list[bytes] = []
    async with api.management.application.answering(request_of(path)) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        assert not isinstance(response.body, bytes)
        async with asyncio.timeout(10):
            stream = response.body
            assert isinstance(stream, AsyncGenerator)
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            publish()
            found.append(await waiting)
            while len(found) < count:
                found.append(await anext(stream))
            await stream.aclose()
    assert len(api.management.services.listeners) == 0
    return found


@pytest.mark.parametrize("path", [QUEUE, EXCHANGE])
def test_a_message_that_passes_is_sent(api: Api, path: str) -> None:
    client = api.node.open()

    def publish() -> None:
        client.publish(b"hello", exchange="amq.topic", routing_key="k")

    (piece,) = api._runner.run(pieces(api, f"{path}?truncate=3&encoding=base64", publish))
    assert piece.startswith(b'event: msg\ndata: {"timestamp":')
    assert b'"routing_key":"k"' in piece
    assert b'"payload_bytes":5,"payload":"aGVs","payload_encoding":"base64"' in piece
    assert api.broker.vhost("/").publisher.taps.exchanges == {}
    assert api.get("queues/%2F/q").json["messages"] == 1


def test_what_is_too_fast_is_told_as_lost(api: Api) -> None:
    client = api.node.open()

    def publish() -> None:
        client.publish(*[b"x"] * 50, routing_key="q")

    (piece,) = api._runner.run(pieces(api, f"{QUEUE}?rate=10", publish))
    assert piece.startswith(b'event: lag\ndata: {"lost":49}\n\nevent: msg\n')


def test_a_stream_ends_with_its_queue(api: Api) -> None:
    async def listen() -> None:
        async with api.management.application.answering(request_of(QUEUE)) as response:
            assert not isinstance(response.body, bytes)
            waiting = asyncio.ensure_future(anext(response.body))
            await asyncio.sleep(0)
            await api.management.node.command(
                "delete_queue",
                vhost="/",
                name="q",
                username="guest",
                if_empty=False,
                if_unused=False,
            )
            async with asyncio.timeout(10):
                with pytest.raises(StopAsyncIteration):
                    await waiting

    api._runner.run(listen())


def test_a_head_begins_nothing(api: Api) -> None:
    assert api.call("HEAD", "queues/%2F/q/tail").status == 200
    assert not api.broker.vhost("/").publisher.taps._queues


def test_who_may_not_watch(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.add_user("ann", "management")
    api.add_user("mona", "monitoring", vhosts=())
    api.broker.users.set_permissions("ann", "/", ".*", ".*", "^other$")
    assert api.get("queues/%2F/q/tail", user="ann").status == 401
    assert api.get("exchanges/%2F/amq.topic/tail", user="ann").json["reason"] == "Not monitor user"
    assert api.get("exchanges/%2F/amq.topic/tail", user="mona").status == 401
    assert api.get("queues/%2F/none/tail").status == 404
    assert api.get("queues/nowhere/q/tail").status == 404
    assert api.get("exchanges/%2F/amq.default/tail").status == 401
    assert api.get("queues/%2F/q/tail?rate=x").status == 400
    assert api.get("queues/%2F/q/tail?encoding=x").status == 400
    monkeypatch.setattr(listeners_module, "LISTENERS_MAX", 0)
    assert api.get("queues/%2F/q/tail").status == 503
