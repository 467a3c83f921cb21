"""A node's lease with a real etcd and a real process that renews it, and with neither."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cluster.liveness import liveness as module
from cluster.liveness.__main__ import monotonic_ms
from cluster.liveness.frames import Frame, Kind
from cluster.liveness.live_key import LiveRecord, NameTakenError, register
from cluster.liveness.liveness import Liveness
from cluster.metadata.errors import StoreAwayError
from cluster.metadata.etcd.address import EtcdAddress
from cluster.metadata.memory import MemoryStore
from cluster.metadata.port import Lease, Outcome, Transaction
from tests.support.etcd_server import EtcdServer
from tests.support.etcd_stores import Clock
from tests.support.leased_node import TTL_MS, Heard, Node, running


@pytest.mark.timeout(180)
def test_it_lasts_while_the_loop_moves_and_ends_when_it_hangs(etcd: EtcdServer) -> None:
    async def work() -> None:
        async with running(etcd, "hangs") as node:
            heard = node.heard
            await heard.until(lambda: heard.renewed_for_ms > TTL_MS)
            pid = node.liveness.child.pid
            # The loop hangs: it does nothing at all until etcd has ended its lease.
            incarnations = list(heard.incarnations)
            request = {"ID": str(heard.leases[-1].id)}
            while etcd.post("lease/timetolive", request).get("TTL") != "-1":
                pass
            last = heard.renewals[-1]
            assert last.asked_at_ms + last.ttl_ms <= monotonic_ms(), "its own clock said so before"
            await heard.until(lambda: len(heard.incarnations) > len(incarnations))
            assert heard.incarnations[-1] > incarnations[-1]
            assert node.liveness.child.pid == pid, "the process was well"

    asyncio.run(work())


@pytest.mark.timeout(180)
def test_a_store_that_is_away_for_a_while_ends_nothing_before_its_time(
    own_etcd: EtcdServer,
) -> None:
    async def work() -> None:
        async with running(own_etcd, "away") as node:
            heard = node.heard
            own_etcd.stop()
            own_etcd.start()
            heard.renewals.clear()
            await heard.until(lambda: bool(heard.renewals))

    asyncio.run(work())


@pytest.mark.timeout(180)
def test_a_clean_stop_tells_the_others_at_once(etcd: EtcdServer) -> None:
    async def work() -> None:
        async with running(etcd, "leaves") as node:
            await node.liveness.leave(node.heard.leases[-1].id)
            assert await node.item() is None

    asyncio.run(work())


@pytest.mark.timeout(180)
def test_a_taken_name_ends_it(etcd: EtcdServer) -> None:
    async def work() -> None:
        address = EtcdAddress((etcd.url,))
        store = address.opened(monotonic_ms)
        try:
            node = Node(store, address, "taken")
            await register(store, node.key, LiveRecord("other", "b"), 60_000)
            with pytest.raises(NameTakenError):
                await node.liveness.run()
            assert node.liveness.child.pid == 0
        finally:
            await store.close()

    asyncio.run(work())


class BusyStore(MemoryStore):
    """Carries a transaction out when it is told to."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.may_go_on = asyncio.Event()
        self.refuses = False

    async def transact(self, transaction: Transaction) -> Outcome:
        await self.may_go_on.wait()
        if self.refuses:
            raise StoreAwayError("busy")
        return await super().transact(transaction)


class Alone:
    """A node's liveness with a process that does only what the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.heard = Clock(), Heard()
        self.store = BusyStore(self.clock)
        self.liveness = Liveness(
            self.store,
            EtcdAddress(("http://127.0.0.1:1",)),
            key=b"live/a",
            record=LiveRecord("disk", "b"),
            ttl_ms=TTL_MS,
            now_ms=self.clock,
            listener=self.heard,
        )
        self.held: list[Lease] = []
        self.let_go_count = 0
        child = self.liveness.child
        hold, release = child.hold, child.release

        def note(lease: Lease) -> None:
            self.held.append(lease)
            hold(lease)

        def let_go() -> None:
            self.let_go_count += 1
            release()

        monkeypatch.setattr(child, "hold", note)
        monkeypatch.setattr(child, "release", let_go)
        monkeypatch.setattr(child, "run", asyncio.Event().wait)
        monkeypatch.setattr(module, "RETRY_S", 0)

    def says(self, kind: Kind, lease: Lease) -> None:
        """The process says something of a lease."""
        frame = Frame(kind, lease.id, TTL_MS, self.clock.now_ms)
        self.liveness.child._take(frame)

    async def turn(self) -> None:
        for _ in range(100):
            await asyncio.sleep(0)


@asynccontextmanager
async def alone(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Alone]:
    node = Alone(monkeypatch)
    running = asyncio.create_task(node.liveness.run())
    try:
        yield node
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_no_lease_is_taken_before_something_can_renew_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        async with alone(monkeypatch) as node:
            node.store.may_go_on.set()
            await node.turn()
            assert not node.heard.incarnations
            node.liveness.child.ready.set()
            await node.heard.until(lambda: bool(node.heard.incarnations))

    asyncio.run(work())


def test_a_lease_is_renewed_while_a_busy_store_has_not_put_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work() -> None:
        async with alone(monkeypatch) as node:
            node.liveness.child.ready.set()
            await node.turn()
            (lease,) = node.held
            node.clock.now_ms += TTL_MS - 1
            await node.store.keep_alive(lease.id)
            node.says(Kind.RENEWED, lease)
            assert not node.heard.renewals, "it would be taken for one of the key before (R17)"
            renewed_at_ms = node.clock.now_ms
            node.clock.now_ms += TTL_MS - 1
            node.store.may_go_on.set()
            await node.heard.until(lambda: bool(node.heard.incarnations))
            assert [each.asked_at_ms for each in node.heard.leases] == [renewed_at_ms]
            assert node.held == [lease]
            node.says(Kind.RENEWED, lease)
            assert len(node.heard.renewals) == 1
            node.says(Kind.GONE, lease)
            await node.heard.until(lambda: len(node.heard.incarnations) > 1)

    asyncio.run(work())


def test_a_lease_that_ended_before_the_key_was_put_gives_way_to_one_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work() -> None:
        async with alone(monkeypatch) as node:
            node.liveness.child.ready.set()
            await node.turn()
            await node.store.revoke(node.held[0].id)
            node.says(Kind.GONE, node.held[0])
            node.store.may_go_on.set()
            await node.heard.until(lambda: bool(node.heard.incarnations))
            await node.turn()
            assert [each.id for each in node.heard.leases] == [node.held[1].id], "once"
            assert len(node.held) == 2

    asyncio.run(work())


def test_a_lease_without_a_key_is_not_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        async with alone(monkeypatch) as node:
            node.liveness.child.ready.set()
            node.store.refuses = True
            node.store.may_go_on.set()
            await node.turn()
            assert len(node.held) > 1
            assert node.let_go_count >= len(node.held) - 1
            node.says(Kind.RENEWED, node.held[0])
            node.store.refuses = False
            await node.heard.until(lambda: bool(node.heard.incarnations))
            assert node.heard.leases[0].id == node.held[-1].id
            assert not node.heard.renewals

    asyncio.run(work())
