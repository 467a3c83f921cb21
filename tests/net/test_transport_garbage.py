"""A connection over a real socket leaves nothing to the cyclic collector, on both loops."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from pamqp import commands

from amqp_server.broker.settings import BrokerSettings
from amqp_server.connections.peer import Peer
from amqp_server.net.connection import OnOutput
from amqp_server.net.reactor import Reactor
from amqp_server.net.server import Server
from amqp_server.net.settings import NetSettings, TlsSettings
from amqp_server.protocol.connection import Connection
from tests.support.certificates import Authority
from tests.support.frames import PROTOCOL_HEADER, content_frames, method_frame
from tests.support.garbage import without_collector
from tests.support.loops import Run
from tests.support.peer import Node
from tests.support.server_place import PLAIN, TLS, reset
from tests.support.sessions import HANDSHAKE, publish
from tests.support.tls_handshake import client_context

ROUNDS = 5
TURNS = 20
TIMEOUT_S = 4
BODY = b"the body that goes round"
MIB = 1_048_576
OPENED = [
    *HANDSHAKE,
    method_frame(1, commands.Channel.Open),
    method_frame(1, commands.Queue.Declare, queue="jobs", exclusive=True),
    method_frame(1, commands.Basic.Consume, queue="jobs", consumer_tag="me"),
    method_frame(1, commands.Confirm.Select),
]
WRONG_LOGIN = method_frame(
    0,
    commands.Connection.StartOk,
    client_properties={"capabilities": {"authentication_failure_close": True}},
    mechanism="PLAIN",
    response=b"\0guest\0wrong",
    locale="en_US",
)
CLOSE = method_frame(0, commands.Connection.Close, reply_code=200, reply_text="bye")


def read_until(client: socket.socket, awaited: bytes) -> None:
    seen = b""
    while awaited not in seen:
        seen += client.recv(65_536)


def read_to_end(client: socket.socket) -> None:
    try:
        while client.recv(65_536):
            pass
    except ConnectionResetError:
        pass


def used(client: socket.socket) -> None:
    """Log in, publish and consume."""
    client.sendall(b"".join([*OPENED, *publish(BODY)]))
    read_until(client, BODY)


def closed(client: socket.socket) -> None:
    used(client)
    client.sendall(CLOSE)
    read_to_end(client)


def left(client: socket.socket) -> None:
    used(client)
    client.close()


def was_reset(client: socket.socket) -> None:
    used(client)
    reset(client)


def half_closed(client: socket.socket) -> None:
    used(client)
    client.shutdown(socket.SHUT_WR)
    read_to_end(client)


def reset_with_output_unread(client: socket.socket) -> None:
    used(client)
    method, _ = publish(b"")
    large = method + content_frames(1, b"d" * MIB)
    for _ in range(8):
        client.sendall(large)
    reset(client)


def at_fault(client: socket.socket) -> None:
    used(client)
    client.sendall(b"no frame at all, but long enough to be looked at")
    read_until(client, b"FRAME_ERROR")


def failed_login(client: socket.socket) -> None:
    client.sendall(PROTOCOL_HEADER + WRONG_LOGIN)
    read_until(client, b"ACCESS_REFUSED")


def not_amqp(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    read_to_end(client)


LIVES = (
    closed,
    left,
    was_reset,
    half_closed,
    reset_with_output_unread,
    at_fault,
    failed_login,
    not_amqp,
)


class Shell:
    """A real broker behind real sockets, and clients in threads."""

    def __init__(self, settings: NetSettings, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        self._broker = Node(broker=BrokerSettings(refused_login_delay_max_ms=0)).broker
        self._protocol = Node().protocol
        self._tls = tls
        self._turned = asyncio.Event()
        self.reactor = Reactor(
            loop, self._broker, read_buffer_bytes=65_536, after_turn=self._turned.set
        )
        self.server = Server(loop, self.reactor, {"amqp": self._make}, settings)
        self.server.listen()

    def _make(self, peer: Peer, on_output: OnOutput, at_ms: int) -> Connection:
        return Connection(self._broker, self._protocol, peer, on_output, at_ms)

    async def live(self, life: Callable[[socket.socket], None]) -> None:
        """Have a client live, and wait until nothing of it is left to be done."""
        await asyncio.to_thread(self._connect, life)
        while self.server.transports:
            self._turned.clear()
            await self._turned.wait()
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def _connect(self, life: Callable[[socket.socket], None]) -> None:
        with socket.create_connection(self.server.bound[0][:2], TIMEOUT_S) as client:
            if self._tls is None:
                life(client)
                return
            with self._tls.wrap_socket(client) as encrypted:
                life(encrypted)


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> tuple[NetSettings, ssl.SSLContext]:
    folder: Path = tmp_path_factory.mktemp("tls")
    authority = Authority()
    leaf = authority.issue(folder, name="server")
    files = TlsSettings(certificate_file=leaf.certificate_file, key_file=leaf.key_file)
    context = client_context(str(authority.write(folder / "ca.pem")))
    return NetSettings(listeners=(TLS,), tls=files), context


async def live_without_collector(shell: Shell, life: Callable[[socket.socket], None]) -> None:
    for _ in range(2):
        await shell.live(life)
    with without_collector() as kinds:
        for _ in range(ROUNDS):
            await shell.live(life)
    await shell.server.stop()
    shell.reactor.close()
    assert not kinds, f"{kinds.total() / ROUNDS:.1f} objects a round: {dict(kinds)}"


@pytest.mark.parametrize("life", LIVES)
def test_no_socket_leaves_anything_to_the_cyclic_collector(
    run: Run, life: Callable[[socket.socket], None]
) -> None:
    async def work() -> None:
        await live_without_collector(Shell(NetSettings(listeners=(PLAIN,)), None), life)

    run(work())


@pytest.mark.parametrize("life", LIVES)
def test_no_encrypted_socket_leaves_anything_to_the_cyclic_collector(
    run: Run,
    encrypted: tuple[NetSettings, ssl.SSLContext],
    life: Callable[[socket.socket], None],
) -> None:
    async def work() -> None:
        await live_without_collector(Shell(*encrypted), life)

    run(work())
