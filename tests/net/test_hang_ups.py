"""Peers that go while nobody reads their socket, on both loops, over loopback sockets."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from amqp_server.net.hang_ups import HangUps
from tests.support.loops import Run

UNREAD = b"u" * 50_000
RESET = struct.pack("ii", 1, 0)


class Ear:
    """Hears what is told, and can be waited for."""

    def __init__(self) -> None:
        self.heard: list[bool] = []
        self._event = asyncio.Event()

    def __call__(self, is_reset: bool) -> None:
        self.heard.append(is_reset)
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()
        self._event.clear()


@contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return our end of a TCP connection, and the peer's."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        peer = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
    with ours, peer:
        yield ours, peer


@contextmanager
def watching() -> Iterator[HangUps]:
    hang_ups = HangUps(asyncio.get_running_loop())
    try:
        yield hang_ups
    finally:
        hang_ups.close()


@pytest.mark.parametrize("unread", [b"", UNREAD])
def test_a_half_close_is_told_once_whatever_is_unread(run: Run, unread: bytes) -> None:
    async def work() -> None:
        with pair() as (ours, peer), watching() as hang_ups:
            ear = Ear()
            hang_ups.watch(ours.fileno(), ear)
            peer.sendall(unread)
            peer.shutdown(socket.SHUT_WR)
            await ear.wait()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert ear.heard == [False]
            assert len(ours.recv(100)) == min(100, len(unread)), "nothing of it was taken"

    run(work())


def test_a_reset_is_told_also_after_a_half_close(run: Run) -> None:
    async def work() -> None:
        with pair() as (ours, peer), watching() as hang_ups:
            ear = Ear()
            hang_ups.watch(ours.fileno(), ear)
            peer.shutdown(socket.SHUT_WR)
            await ear.wait()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            peer.close()
            await ear.wait()
            assert ear.heard == [False, True]

    run(work())


def test_who_has_gone_before_is_told_too(run: Run) -> None:
    async def work() -> None:
        with pair() as (ours, peer), watching() as hang_ups:
            peer.close()
            ear = Ear()
            hang_ups.watch(ours.fileno(), ear)
            await ear.wait()
            assert ear.heard == [False]

    run(work())


def test_who_is_read_again_or_closed_is_not_told(run: Run) -> None:
    async def work() -> None:
        with pair() as (ours, peer), pair() as (others, other_peer), watching() as hang_ups:
            ear, other_ear = Ear(), Ear()
            hang_ups.watch(ours.fileno(), ear)
            hang_ups.watch(others.fileno(), other_ear)
            hang_ups.forget(ours.fileno())
            hang_ups.forget(ours.fileno())
            peer.close()
            other_peer.close()
            await other_ear.wait()
            assert ear.heard == []
            descriptor = others.fileno()
            others.close()
            hang_ups.forget(descriptor)

    run(work())
