"""The HTTP API on its listeners, beside the rest of a node."""

import asyncio
import base64
import logging

import pytest

from amqp_server.http_api import HttpApi
from amqp_server.net.reactor import Reactor
from amqp_server.net.server import Bound
from amqp_server.settings.load import parse_settings
from tests.support.peer import Node

SETTINGS = parse_settings("management: {listeners: [{port: 0}], metrics_listeners: [{port: 0}]}")
WHOAMI = b"GET /api/whoami HTTP/1.1\r\nAuthorization: Basic " + base64.b64encode(b"guest:guest")


async def reply_of(bound: Bound, head: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(bound.address, bound.port)
    writer.write(head + b"\r\nHost: h\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(10):
        reply = await reader.read(-1)
    writer.close()
    return reply


def test_it_answers_while_it_listens(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> bytes:
        loop = asyncio.get_running_loop()
        broker = Node().broker
        reactor = Reactor(loop, broker, read_buffer_bytes=65_536)
        http_api = HttpApi(loop, broker, reactor, SETTINGS, None)
        http_api.listen()
        bound, scraped = http_api.bound
        assert (bound.protocol, scraped.protocol) == ("http", "http/prometheus")
        assert b"rabbitmq_identity_info" in await reply_of(scraped, b"GET /metrics HTTP/1.1")
        reply = await reply_of(bound, WHOAMI)

        async def fail() -> None:
            raise ValueError("a bug")

        await http_api.stop()
        monkeypatch.setattr(http_api.management, "stop", fail)
        await http_api.stop()
        reactor.close()
        assert list(http_api.bound) == []
        return reply

    caplog.set_level(logging.INFO)
    reply = asyncio.run(work())
    # Node's guest has no tag.
    assert reply.startswith(b"HTTP/1.1 401")
    assert b"Not management user" in reply
    assert "management did not stop in order" in caplog.text
