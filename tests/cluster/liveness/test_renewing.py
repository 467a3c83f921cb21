"""The loop of the process that renews, with a store in memory: what it does for each frame."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from cluster.liveness.frames import FRAME_BYTES, Frame, FrameReader, Kind
from cluster.liveness.renewing import ASKED_MAX, Renewing
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


class SlowStore(MemoryStore):
    """Answers to a renewal once it is told to; each takes as long as the test wants."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.asked_count = 0
        self.asked = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def keep_alive(self, lease: int) -> Lease | None:
        asked_at_ms = self._now_ms()
        self.asked_count += 1
        self.asked.set()
        await self.goes_on.wait()
        renewed = await super().keep_alive(lease)
        return renewed and Lease(lease, renewed.ttl_ms, asked_at_ms)


def play(
    work: Callable[[NodeSide], Awaitable[None]],
    *,
    stores: Callable[[Clock], list[MemoryStore]] = lambda clock: [MemoryStore(clock)],
) -> None:
    async def both() -> None:
        own, others = socket.socketpair()
        own.settimeout(0)
        others.settimeout(0)
        clock = Clock()
        made = stores(clock)
        renewing = asyncio.create_task(Renewing(others, made, clock).run())
        try:
            node = NodeSide(own, clock, made[0])
            assert await node.answer() == Frame(Kind.READY)
            await work(node)
        finally:
            own.close()
            try:
                await renewing
            finally:
                others.close()

    asyncio.run(both())


def one_slow_store(clock: Clock) -> list[MemoryStore]:
    return [SlowStore(clock)]


def slow_store_of(node: NodeSide) -> SlowStore:
    assert isinstance(node.store, SlowStore)
    return node.store


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


SHORT_TTL_MS = 150


@pytest.mark.timeout(60)
def test_an_answer_that_is_slow_counts_from_when_it_was_asked_for() -> None:
    """A fifth of the lease was its end: a store that answered later, each time, kept no lease."""

    async def work(node: NodeSide) -> None:
        store = slow_store_of(node)
        lease = await store.grant(SHORT_TTL_MS)
        await node.hold(lease)
        node.clock.now_ms = SHORT_TTL_MS // 3
        await node.beat()
        while store.asked_count < 2:
            await store.asked.wait()
            store.asked.clear()
        store.goes_on.set()
        assert await node.answer() == Frame(Kind.RENEWED, lease.id, SHORT_TTL_MS, 50)

    play(work, stores=one_slow_store)


@pytest.mark.timeout(60)
def test_a_member_that_says_nothing_has_another_one_asked_beside_it_and_from_then_on() -> None:
    made: list[MemoryStore] = []

    def stores(clock: Clock) -> list[MemoryStore]:
        made.extend([MemoryStore(clock), SlowStore(clock)])
        return [made[1], made[0]]

    async def work(node: NodeSide) -> None:
        good, silent = made
        assert isinstance(silent, SlowStore)
        lease = await good.grant(SHORT_TTL_MS)
        await node.hold(lease)
        for at_ms in (50, 100):
            node.clock.now_ms = at_ms
            await node.beat()
            assert await node.answer() == Frame(Kind.RENEWED, lease.id, SHORT_TTL_MS, at_ms)
        assert silent.asked_count == 1

    play(work, stores=stores)


@pytest.mark.timeout(60)
def test_a_loop_that_hangs_meanwhile_has_nobody_else_asked() -> None:
    async def work(node: NodeSide) -> None:
        store = slow_store_of(node)
        lease = await store.grant(SHORT_TTL_MS)
        await node.hold(lease)
        node.clock.now_ms = 50
        await node.beat()
        await store.asked.wait()
        node.clock.now_ms = 100
        assert await node.answer() == Frame(Kind.AWAY, lease.id), "in the end it was no answer"
        assert store.asked_count == 1

    play(work, stores=one_slow_store)


@pytest.mark.timeout(60)
def test_a_store_that_says_nothing_is_asked_so_often_and_then_it_is_told() -> None:
    async def work(node: NodeSide) -> None:
        store = slow_store_of(node)
        lease = await store.grant(SHORT_TTL_MS)
        await node.hold(lease)
        node.clock.now_ms = 50
        await node.beat()
        assert await node.answer() == Frame(Kind.AWAY, lease.id)
        assert store.asked_count == ASKED_MAX

    play(work, stores=one_slow_store)


@pytest.mark.timeout(60)
def test_what_is_no_frame_ends_it() -> None:
    async def work(node: NodeSide) -> None:
        await asyncio.get_running_loop().sock_sendall(node._channel, b"X" * FRAME_BYTES)

    with pytest.raises(ValueError, match="not a valid Kind"):
        play(work)
