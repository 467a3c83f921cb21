"""The HTTP API on its listeners, beside the rest of a node."""

import asyncio
import base64
import json
import logging
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from amqp_server.http_api import HttpApi, control_path, listen_on_all
from amqp_server.net.listener import ListenError
from amqp_server.net.reactor import Reactor
from amqp_server.net.server import Bound, Server
from amqp_server.protocols import connections_of
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


def asked_locally(folder: Path, name: str, head: bytes) -> bytes | None:
    """Return what the control socket answers; None: there is none."""

    async def work() -> bytes | None:
        loop = asyncio.get_running_loop()
        broker = Node().broker
        reactor = Reactor(loop, broker, read_buffer_bytes=65_536)
        settings = replace(
            SETTINGS,
            broker=replace(SETTINGS.broker, data_dir=folder),
            management=replace(SETTINGS.management, control_socket=name),
        )
        http_api = HttpApi(loop, broker, reactor, settings, None)
        http_api.listen()
        path = control_path(name, folder)
        reply = None
        if path is not None and path.is_socket():
            assert all(bound.address != str(path) for bound in http_api.bound)
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(head + b"\r\nHost: h\r\nConnection: close\r\n\r\n")
            async with asyncio.timeout(10):
                reply = await reader.read(-1)
            writer.close()
        await http_api.stop()
        reactor.close()
        assert path is None or not path.is_socket()
        return reply

    return asyncio.run(work())


def test_whoever_runs_the_node_needs_no_password_on_its_socket(tmp_path: Path) -> None:
    anybody = b"GET /api/whoami HTTP/1.1"
    reply = asked_locally(tmp_path, "control.sock", anybody)
    assert reply is not None
    body = json.loads(reply.partition(b"\r\n\r\n")[2])
    assert (body["name"], body["tags"]) == ("operator", ["administrator"])


def test_a_password_counts_on_the_socket_too(tmp_path: Path) -> None:
    reply = asked_locally(tmp_path, "control.sock", WHOAMI)
    assert reply is not None
    # Node's guest has no tag.
    assert b"Not management user" in reply


def test_a_node_goes_on_without_a_socket_whose_path_cannot_be_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert asked_locally(tmp_path, "none/control.sock", WHOAMI) is None
    assert "no control socket: management.control_socket: cannot listen on" in caplog.text
    assert asked_locally(tmp_path, "", WHOAMI) is None


def test_a_relative_path_is_in_the_data_directory() -> None:
    assert control_path("c", Path("d")) == Path("d/c")
    assert control_path("/run/c", Path("d")) == Path("/run/c")
    assert control_path("c", None) is None


def test_where_one_address_is_taken_nobody_listens() -> None:
    """Who is accepted while the loop ends makes it log that it is closed."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        broker = Node().broker
        reactor = Reactor(loop, broker, read_buffer_bytes=65_536)
        taken = socket.create_server(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        settings = parse_settings(
            "net: {listeners: [{port: 0}]}\n"
            f"management: {{listeners: [{{port: 0}}], metrics_listeners: [{{port: {port}}}]}}"
        )
        connections = connections_of(broker, settings)
        server = Server(loop, reactor, connections, settings.net, sockets_max=10)
        http_api = HttpApi(loop, broker, reactor, settings, None)
        with taken, pytest.raises(ListenError, match=r"management\.metrics_listeners"):
            listen_on_all(server, http_api)
        assert [*server.bound, *http_api.bound] == []
        reactor.close()

    asyncio.run(work())
