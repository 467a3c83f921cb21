"""Peers: from sockets, from PROXY headers, and from both."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from amqp_server.connections.peer import Peer
from amqp_server.net.origin import behind_proxy, peer_of, read_proxy_header, with_tls
from amqp_server.net.proxy_protocol import ProxyHeader, ProxyHeaderError
from tests.support.loops import NEEDS_IPV6, Run

REMOTE_PROXY = Peer("192.0.2.9", 40000, "192.0.2.2", 5672, is_loopback=False)
LOCAL_PROXY = Peer("127.0.0.1", 40000, "127.0.0.1", 5672, is_loopback=True)


@contextlib.contextmanager
def accepted(family: socket.AddressFamily, host: str, from_host: str) -> Iterator[socket.socket]:
    with socket.socket(family) as listening:
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind((host, 0))
        listening.listen()
        with (
            socket.create_connection((from_host, listening.getsockname()[1])),
            listening.accept()[0] as connection,
        ):
            yield connection


@pytest.mark.parametrize(
    ("family", "host", "from_host", "expected"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1", "127.0.0.1"),
        pytest.param(socket.AF_INET6, "::", "127.0.0.1", "127.0.0.1", marks=NEEDS_IPV6),
        pytest.param(socket.AF_INET6, "::1", "::1", "::1", marks=NEEDS_IPV6),
    ],
)
def test_a_tcp_peer(family: socket.AddressFamily, host: str, from_host: str, expected: str) -> None:
    with accepted(family, host, from_host) as connection:
        peer = peer_of(connection)
        assert (peer.address, peer.server_address) == (expected, expected)
        assert peer.port == connection.getpeername()[1]
        assert peer.server_port == connection.getsockname()[1]
        assert peer.is_loopback
        assert not peer.is_tls


def test_a_unix_socket_is_local() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert peer_of(ours) == Peer("", 0, "", 0, is_loopback=True)


CLIENT = ProxyHeader(False, "198.51.100.5", 51000, "198.51.100.7", 5671)


@pytest.mark.parametrize(
    ("proxy", "header", "expected"),
    [
        (
            REMOTE_PROXY,
            CLIENT,
            Peer("198.51.100.5", 51000, "198.51.100.7", 5671, is_loopback=False),
        ),
        (
            LOCAL_PROXY,
            CLIENT._replace(source_address="::ffff:198.51.100.5"),
            Peer("198.51.100.5", 51000, "198.51.100.7", 5671, is_loopback=False),
        ),
        (
            LOCAL_PROXY,
            CLIENT._replace(source_address="::1"),
            Peer("::1", 51000, "198.51.100.7", 5671, is_loopback=True),
        ),
        (
            REMOTE_PROXY,
            CLIENT._replace(source_address="127.0.0.1"),
            Peer("127.0.0.1", 51000, "198.51.100.7", 5671, is_loopback=False),
        ),
        (LOCAL_PROXY, ProxyHeader(is_local=True), LOCAL_PROXY),
        (LOCAL_PROXY, ProxyHeader(), replace(LOCAL_PROXY, is_loopback=False)),
        (REMOTE_PROXY, ProxyHeader(), REMOTE_PROXY),
    ],
    ids=[
        "remote client, remote proxy",
        "remote client, proxy here",
        "client here, proxy here",
        "local to a remote proxy",
        "the proxy itself",
        "unnamed, proxy here",
        "unnamed, remote proxy",
    ],
)
def test_nobody_becomes_local_by_a_header(proxy: Peer, header: ProxyHeader, expected: Peer) -> None:
    assert behind_proxy(proxy, header) == expected


def test_without_tls_a_peer_stays_as_it_is() -> None:
    assert with_tls(REMOTE_PROXY, None, "common_name") is REMOTE_PROXY


def test_a_header_is_taken_off_the_socket_in_pieces_and_nothing_else(run: Run) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            reading = loop.create_task(read_proxy_header(loop, ours))
            for piece in (b"PRO", b"XY TCP4 198.51.100.5 198.51.100.7 ", b"51000 5671\r"):
                theirs.send(piece)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                assert not reading.done()
            theirs.send(b"\nAMQP")
            assert await reading == CLIENT
            assert ours.recv(100) == b"AMQP"

    run(work())


@pytest.mark.parametrize("sent", [b"", b"PROXY TCP4 1"])
def test_a_proxy_that_closes_early_is_none(run: Run, sent: bytes) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            with theirs:
                theirs.send(sent)
            with pytest.raises(ProxyHeaderError, match="closed"):
                await read_proxy_header(loop, ours)

    run(work())


def test_the_socket_is_not_watched_any_more_when_reading_is_given_up(run: Run) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await read_proxy_header(loop, ours)
            assert not loop.remove_reader(ours)

    run(work())
