"""A node's lease with a real etcd and a real process that renews it."""

import asyncio

import pytest

from cluster.liveness.__main__ import monotonic_ms
from cluster.liveness.live_key import LiveRecord, NameTakenError, register
from cluster.liveness.liveness import Liveness
from cluster.metadata.etcd.address import EtcdAddress
from cluster.metadata.memory import MemoryStore
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


def test_no_lease_is_taken_before_something_can_renew_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        clock, heard = Clock(), Heard()
        store = MemoryStore(clock)
        liveness = Liveness(
            store,
            EtcdAddress(("http://127.0.0.1:1",)),
            key=b"live/a",
            record=LiveRecord("disk", "b"),
            ttl_ms=TTL_MS,
            now_ms=clock,
            listener=heard,
        )
        monkeypatch.setattr(liveness.child, "run", asyncio.Event().wait)
        async with asyncio.TaskGroup() as tasks:
            living = tasks.create_task(liveness.run())
            for _ in range(100):
                await asyncio.sleep(0)
            assert not heard.incarnations
            liveness.child.ready.set()
            await heard.until(lambda: bool(heard.incarnations))
            living.cancel()

    asyncio.run(work())
