"""The process that renews a lease, as its node sees it."""

import asyncio
import os
import signal
import socket

import pytest

from cluster.liveness import child as liveness_child
from cluster.liveness.child import UNHEARD_BEATS_MAX, RenewalChild
from cluster.liveness.frames import LENGTH, Frame, FrameReader, Kind
from cluster.metadata.etcd.address import EtcdAddress
from cluster.metadata.port import Lease
from tests.support.etcd_server import EtcdServer
from tests.support.leased_node import running


@pytest.mark.timeout(180)
def test_a_process_that_is_killed_or_hangs_is_started_again(etcd: EtcdServer) -> None:
    async def work() -> None:
        async with running(etcd, "killed") as node:
            child, heard = node.liveness.child, node.heard
            for number, ending in enumerate((signal.SIGKILL, signal.SIGSTOP), start=2):
                heard.renewals.clear()
                os.kill(child.pid, ending)
                await heard.until(lambda: len(heard.renewals) > 1)
                assert child.starts_count >= number

    asyncio.run(work())


@pytest.mark.timeout(180)
def test_its_process_ends_with_it(etcd: EtcdServer) -> None:
    async def work() -> None:
        async with running(etcd, "ends") as node:
            pid = node.liveness.child.pid
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    asyncio.run(work())


class Started:
    """Stands for a process; the test has its end of the socket."""

    pid = 1

    def wait(self, _timeout_s: float = 0.0) -> int:
        return 0


async def beats(channel: socket.socket, reader: FrameReader, count: int) -> bool:
    """Wait for so many signs of life; return whether they came before the end of the socket."""
    loop = asyncio.get_running_loop()
    while count > 0:
        octets = await loop.sock_recv(channel, 1 << 12)
        if not octets:
            return False
        count -= sum(frame.kind is Kind.BEAT for frame in reader.feed(octets))
    return True


def test_a_process_that_starts_slowly_is_not_ended_before_it_is_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others: asyncio.Queue[socket.socket] = asyncio.Queue()

    def started(fd: int) -> Started:
        channel = socket.socket(fileno=os.dup(fd))
        channel.setblocking(False)
        others.put_nowait(channel)
        return Started()

    async def work() -> None:
        monkeypatch.setattr(liveness_child, "_started", started)
        address = EtcdAddress(("http://127.0.0.1:1",))
        child = RenewalChild(address, 10, lambda: 0, lambda _lease: None, lambda _id: None)
        child.hold(Lease(1, 10, 0))
        running = asyncio.create_task(child.run())
        channel, reader = await others.get(), FrameReader()
        (length,) = LENGTH.unpack(await received(channel, LENGTH.size))
        await received(channel, length)
        assert await beats(channel, reader, 3 * UNHEARD_BEATS_MAX)
        channel.send(Frame(Kind.READY).octets())
        await child.ready.wait()
        assert not await beats(channel, reader, 10 * UNHEARD_BEATS_MAX), "its silence ends it"
        channel.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(work())


async def received(channel: socket.socket, count: int) -> bytes:
    octets = b""
    while len(octets) < count:
        octets += await asyncio.get_running_loop().sock_recv(channel, count - len(octets))
    return octets
