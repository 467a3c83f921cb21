"""The loop of the process that renews, with a store in memory: what it does for each frame."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from cluster.liveness.frames import FRAME_BYTES, Frame, FrameReader, Kind
from cluster.liveness.renewing import Renewing
from cluster.metadata.memory import MemoryStore
from cluster.metadata.port import Lease
from tests.support.etcd_stores import Clock

TTL_MS = 9_000


class NodeSide:
    """The node's end of the socket, and a clock that stands unless the test moves it."""

    def __init__(self, channel: socket.socket, clock: Clock, store: MemoryStore) -> None:
        self.clock = clock
        self.store = store
        self._channel = channel
        self._frames = FrameReader()

    async def tell(self, *frames: Frame) -> None:
        octets = b"".join(frame.octets() for frame in frames)
        await asyncio.get_running_loop().sock_sendall(self._channel, octets)

    async def hold(self, lease: Lease) -> None:
        await self.tell(Frame(Kind.HOLD, lease.id, lease.ttl_ms, lease.asked_at_ms))

    async def beat(self) -> None:
        await self.tell(Frame(Kind.BEAT, at_ms=self.clock.now_ms))

    async def answer(self) -> Frame:
        octets = await asyncio.get_running_loop().sock_recv(self._channel, FRAME_BYTES)
        (frame,) = self._frames.feed(octets)
        return frame


def play(work: Callable[[NodeSide], Awaitable[None]]) -> None:
    async def both() -> None:
        own, others = socket.socketpair()
        own.settimeout(0)
        others.settimeout(0)
        clock = Clock()
        store = MemoryStore(clock)
        renewing = asyncio.create_task(Renewing(others, store, clock).run())
        try:
            node = NodeSide(own, clock, store)
            assert await node.answer() == Frame(Kind.READY)
            await work(node)
        finally:
            own.close()
            try:
                await renewing
            finally:
                others.close()

    asyncio.run(both())


@pytest.mark.timeout(60)
def test_a_lease_is_renewed_once_its_third_is_over() -> None:
    async def work(node: NodeSide) -> None:
        lease = await node.store.grant(TTL_MS)
        await node.hold(lease)
        node.clock.now_ms = 3_000
        await node.beat()
        assert await node.answer() == Frame(Kind.RENEWED, lease.id, TTL_MS, 3_000)
        node.clock.now_ms = 6_000
        await node.beat()
        assert await node.answer() == Frame(Kind.RENEWED, lease.id, TTL_MS, 6_000)

    play(work)


@pytest.mark.timeout(60)
def test_a_store_that_is_away_is_told_and_asked_again() -> None:
    async def work(node: NodeSide) -> None:
        lease = await node.store.grant(TTL_MS)
        await node.hold(lease)
        node.store.away = True
        node.clock.now_ms = 3_000
        await node.beat()
        assert await node.answer() == Frame(Kind.AWAY, lease.id)
        node.store.away = False
        node.clock.now_ms = 3_900
        await node.beat()
        assert (await node.answer()).kind is Kind.RENEWED

    play(work)


@pytest.mark.timeout(60)
def test_a_lease_that_is_gone_is_told_and_left() -> None:
    async def work(node: NodeSide) -> None:
        lease = await node.store.grant(TTL_MS)
        await node.store.revoke(lease.id)
        await node.hold(lease)
        node.clock.now_ms = 3_000
        await node.beat()
        assert await node.answer() == Frame(Kind.GONE, lease.id)
        other = await node.store.grant(TTL_MS)
        await node.hold(other)
        node.clock.now_ms = 6_000
        await node.beat()
        assert (await node.answer()).lease == other.id

    play(work)


@pytest.mark.timeout(60)
def test_what_is_no_frame_ends_it() -> None:
    async def work(node: NodeSide) -> None:
        await asyncio.get_running_loop().sock_sendall(node._channel, b"X" * FRAME_BYTES)

    with pytest.raises(ValueError, match="not a valid Kind"):
        play(work)
