"""A node's liveness with a real etcd and a real process, and what its listener was told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cluster.liveness.__main__ import monotonic_ms
from cluster.liveness.live_key import LiveRecord
from cluster.liveness.liveness import Liveness
from cluster.metadata.etcd.address import EtcdAddress
from cluster.metadata.etcd.engine import EtcdStore
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Item, Lease, end_of_key
from tests.support.etcd_server import EtcdServer

TTL_MS = 2_000
PATIENCE_S = 60.0


class Heard:
    """What a node's listener was told."""

    def __init__(self) -> None:
        self.incarnations: list[int] = []
        self.leases: list[Lease] = []
        self.renewals: list[Lease] = []
        self.changed = asyncio.Event()

    @property
    def renewed_for_ms(self) -> int:
        """How long the last lease has been renewed by now."""
        lease = self.leases[-1]
        return max(each.asked_at_ms for each in (*self.renewals, lease)) - lease.asked_at_ms

    def granted(self, incarnation: int, lease: Lease) -> None:
        self.incarnations.append(incarnation)
        self.leases.append(lease)
        self.changed.set()

    def renewed(self, lease: Lease) -> None:
        self.renewals.append(lease)
        self.changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when something was told that makes this true."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self.changed.clear()
                await self.changed.wait()


class Node:
    """A node's liveness under test."""

    def __init__(self, store: EtcdStore, address: EtcdAddress, name: str, disk: str = "d") -> None:
        self.store = store
        self.heard = Heard()
        self.key = KeySpace("c").key("live", name)
        self.liveness = Liveness(
            store,
            address,
            key=self.key,
            record=LiveRecord(disk, "b"),
            ttl_ms=TTL_MS,
            now_ms=monotonic_ms,
            listener=self.heard,
        )

    async def item(self) -> Item | None:
        page = await self.store.read_range(self.key, end_of_key(self.key))
        return page.items[0] if page.items else None

    async def until_gone(self) -> None:
        """Return when its key is not there any more: its lease has ended."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.item() is not None:
                pass


@asynccontextmanager
async def running(server: EtcdServer, name: str, disk: str = "d") -> AsyncIterator[Node]:
    address = EtcdAddress((server.url,))
    store = address.opened(monotonic_ms)
    node = Node(store, address, name, disk)
    task = asyncio.create_task(node.liveness.run())
    try:
        await node.heard.until(lambda: bool(node.heard.renewals))
        yield node
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.close()
