"""Listeners for a protocol of somebody else: counted, over TLS, and closed in order."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import cast

import pytest

from amqp_server.net.asyncio_server import AsyncioServer
from amqp_server.net.listener import ListenError
from amqp_server.net.settings import ListenerSettings, TlsSettings
from amqp_server.net.tls import TlsContexts
from tests.support.loops import Run


class Hello(asyncio.Protocol):
    """Says hello, and tells when it is lost."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(b"hello")

    def connection_lost(self, _exc: Exception | None) -> None:
        self._on_lost()


def server(connections_max: int = 10, tls: TlsContexts | None = None) -> AsyncioServer:
    return AsyncioServer(
        asyncio.get_running_loop(),
        Hello,
        key="management.listeners",
        protocol="http",
        connections_max=connections_max,
        tls=tls,
    )


HERE = ListenerSettings(port=0)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 -- what is waited for tells nobody
        await asyncio.sleep(0)


def test_a_client_has_its_place_until_it_leaves(run: Run) -> None:
    async def work() -> None:
        listening = server(connections_max=1)
        listening.listen([HERE])
        [bound] = listening.bound
        assert (bound.protocol, bound.is_tls) == ("http", False)
        reader, writer = await asyncio.open_connection(bound.address, bound.port)
        assert await reader.readexactly(5) == b"hello"
        assert listening.open_count == 1
        later, later_writer = await asyncio.open_connection(bound.address, bound.port)
        writer.close()
        assert await later.readexactly(5) == b"hello"
        later_writer.close()
        await until(lambda: listening.open_count == 0)
        listening.stop_listening()
        assert listening.bound == []

    run(work())


def test_over_tls(run: Run, files: TlsSettings, client: ssl.SSLContext) -> None:
    async def work() -> None:
        listening = server(tls=TlsContexts(files))
        listening.listen([ListenerSettings(port=0, tls=True)])
        [bound] = listening.bound
        reader, writer = await asyncio.open_connection(
            bound.address, bound.port, ssl=client, server_hostname="localhost"
        )
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        await until(lambda: listening.open_count == 0)
        listening.stop_listening()

    run(work())


def test_a_handshake_that_fails_gives_its_place_back(
    run: Run, files: TlsSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def work() -> None:
        listening = server(tls=TlsContexts(files))
        listening.listen([ListenerSettings(port=0, tls=True)])
        [bound] = listening.bound
        _, writer = await asyncio.open_connection(bound.address, bound.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await until(lambda: "connection refused" in caplog.text)
        assert listening.open_count == 0
        writer.close()
        listening.stop_listening()

    run(work())


def test_all_addresses_or_none(run: Run) -> None:
    async def work() -> None:
        first, second = server(), server()
        first.listen([HERE])
        taken = ListenerSettings(port=first.bound[0].port)
        with pytest.raises(ListenError, match=r"^management\.listeners: cannot listen on"):
            second.listen([HERE, taken])
        assert second.bound == []
        first.stop_listening()

    run(work())
