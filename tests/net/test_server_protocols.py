"""Another protocol is one class and one row: the toy of lines over loopback sockets, on both loops.

Nothing of settings, net and broker is told of it but its row.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from amqp_server.broker.alarms import Resource
from amqp_server.broker.settings import BrokerSettings
from amqp_server.net.reactor import Reactor
from amqp_server.net.server import SHUTDOWN_REASON, Server
from amqp_server.net.settings import TlsSettings
from amqp_server.protocols import PROTOCOLS, connections_of
from amqp_server.settings.load import parse_settings
from tests.support.certificates import Authority
from tests.support.frames import PROTOCOL_HEADER
from tests.support.loops import Run
from tests.support.peer import Node
from tests.support.server_place import Streams
from tests.support.tls_handshake import client_context
from tests.support.toy.lines import LineConnection, lines_row

LOGIN = b"login guest guest /\n"
WELCOME = b"welcome guest@/ from 127.0.0.1\n"
MUCH_BYTES = 100_000
MANY = 300
PROXY_HEADER = b"PROXY TCP4 192.0.2.7 198.51.100.7 51000 5552\r\n"


class Place:
    """A broker behind one listener of lines and one of AMQP, up while the ``async with`` lasts."""

    def __init__(self, listener: str = "", tls: TlsSettings | None = None) -> None:
        settings = parse_settings(
            f"net: {{listeners: [{{port: 0, protocol: lines{listener}}}, {{port: 0}}],"
            " proxy_networks: [127.0.0.0/8], write_high_watermark_bytes: 65536,"
            " tls: {certificate_file: c, key_file: k}}"
        )
        settings = replace(settings, net=replace(settings.net, tls=tls))
        loop = asyncio.get_running_loop()
        self.broker = Node(broker=BrokerSettings()).broker
        self._turned = asyncio.Event()
        self.reactor = Reactor(
            loop, self.broker, read_buffer_bytes=65_536, after_turn=self._turned.set
        )
        connections = connections_of(self.broker, settings)
        self.server = Server(loop, self.reactor, connections, settings.net)

    async def __aenter__(self) -> Self:
        self.server.listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.server.stop()
        self.reactor.close()
        assert self.server.transports == set()
        assert self.broker.count_connections(vhost="/") == 0

    @contextlib.asynccontextmanager
    async def client(
        self, tls: ssl.SSLContext | None = None, listener: int = 0, hello: bytes = b""
    ) -> AsyncIterator[Streams]:
        sock = socket.create_connection(self.server.bound[listener][:2])
        sock.sendall(hello)
        sock.setblocking(False)
        name = "" if tls is not None else None
        reader, writer = await asyncio.open_connection(
            sock=sock, ssl=tls, server_hostname=name, limit=2 * MUCH_BYTES
        )
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def turn(self) -> None:
        """Wait for the end of a turn."""
        self._turned.clear()
        await self._turned.wait()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[LineConnection]:
    """The toy's row is in the table; the connections that were made."""
    made: list[LineConnection] = []
    monkeypatch.setitem(PROTOCOLS, "lines", lines_row(made.append))
    return made


@pytest.fixture
def tls(tmp_path: Path) -> TlsSettings:
    authority = Authority()
    leaf = authority.issue(tmp_path, name="server")
    ca_file = authority.write(tmp_path / "ca.pem")
    return TlsSettings(
        certificate_file=leaf.certificate_file, key_file=leaf.key_file, ca_file=ca_file
    )


async def ask(streams: Streams, line: bytes) -> bytes:
    """Send a line and return the answer."""
    reader, writer = streams
    writer.write(line)
    return await reader.readline()


def test_each_listener_speaks_its_protocol(run: Run, made: list[LineConnection]) -> None:
    async def work() -> None:
        async with Place() as place, place.client() as lines, place.client(listener=1) as amqp:
            assert [bound.protocol for bound in place.server.bound] == ["lines", "amqp"]
            assert await ask(lines, LOGIN) == WELCOME
            assert place.broker.count_connections(vhost="/") == 1
            amqp[1].write(PROTOCOL_HEADER)
            assert await amqp[0].readexactly(3) == b"\x01\x00\x00"
            assert await ask(lines, b"echo hello\n") == b"hello\n"
            assert await ask(lines, b"quit\n") == b"bye\n"
            assert await lines[0].read() == b""

    run(work())


def test_tls_and_the_proxy_header_come_before_it(
    run: Run, made: list[LineConnection], tls: TlsSettings
) -> None:
    context = client_context(str(tls.ca_file))

    async def work() -> None:
        async with Place(", tls: true", tls) as place, place.client(context) as streams:
            assert await ask(streams, LOGIN) == WELCOME
            assert made[-1].session.peer.is_tls
        proxied = ", proxy_protocol: true"
        async with Place(proxied) as place, place.client(hello=PROXY_HEADER) as streams:
            answer = await ask(streams, LOGIN)
            assert answer.startswith(b"error Login was refused"), "guest is from elsewhere"
            assert made[-1].session.peer.address == "192.0.2.7"
        both = Place(f", tls: true{proxied}", tls)
        async with both as place, place.client(context, hello=PROXY_HEADER) as streams:
            await ask(streams, LOGIN)
            peer = made[-1].session.peer
            assert (peer.address, peer.is_tls) == ("192.0.2.7", True)

    run(work())


def test_its_deadlines_are_kept(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROTOCOLS, "lines", lines_row(handshake_ms=50))

    async def silent() -> None:
        async with Place() as place, place.client() as streams:
            assert await streams[0].read() == b""

    run(silent())


def test_heartbeats_come_and_a_silent_client_goes(run: Run, made: list[LineConnection]) -> None:
    async def work() -> None:
        async with Place() as place, place.client() as streams:
            await ask(streams, LOGIN)
            streams[1].write(b"beat 1\n")
            assert set(await streams[0].read()) == set(b"\n")

    run(work())


def test_a_client_that_does_not_read_is_not_read(run: Run, made: list[LineConnection]) -> None:
    async def work() -> None:
        async with Place() as place, place.client() as (reader, writer):
            assert await ask((reader, writer), LOGIN) == WELCOME
            writer.write(b"much %d\n" % MUCH_BYTES * MANY)
            while made[0].reading.is_wanted:
                await place.turn()
            assert made[0].output_bytes < 4 * MUCH_BYTES
            assert await ask((reader, writer), b"") == b"x" * MUCH_BYTES + b"\n"
            for _ in range(MANY - 1):
                assert len(await reader.readline()) == MUCH_BYTES + 1
            assert await ask((reader, writer), b"echo end\n") == b"end\n"
            assert made[0].reading.is_wanted

    run(work())


def test_an_alarm_stops_it_until_it_is_over(run: Run, made: list[LineConnection]) -> None:
    async def work() -> None:
        async with Place() as place, place.client() as streams:
            await ask(streams, LOGIN)
            place.broker.alarms.set(Resource.DISK, is_low=True, now_ms=1)
            assert await ask(streams, b"put one\n") == b"put one\n"
            assert made[0].reading.is_blocked
            assert not made[0].reading.is_wanted
            streams[1].write(b"put two\n")
            place.broker.alarms.set(Resource.DISK, is_low=False, now_ms=2)
            assert await streams[0].readline() == b"put two\n"

    run(work())


def test_a_node_that_stops_says_so(run: Run, made: list[LineConnection]) -> None:
    async def work() -> None:
        async with Place() as place, place.client() as streams:
            await ask(streams, LOGIN)
            stopping = asyncio.create_task(place.server.stop())
            assert await streams[0].readline() == f"closing {SHUTDOWN_REASON}\n".encode()
            assert await streams[0].read() == b""
            streams[1].close()
            await stopping

    run(work())


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"login guest wrong /\n", b"error Login was refused using authentication mechanism"),
        (b"login guest guest nowhere\n", b"error vhost nowhere not found"),
        (b"echo hello\n", b"error that is not said here"),
        (b"x" * 2_000, b"error the line is too long"),
        (LOGIN + b"much x\n", WELCOME + b"error "),
    ],
)
def test_who_breaks_its_rules_is_told_and_closed(
    run: Run, made: list[LineConnection], said: bytes, answer: bytes
) -> None:
    async def work() -> None:
        async with Place() as place, place.client() as streams:
            streams[1].write(said)
            assert (await streams[0].read()).startswith(answer)

    run(work())
