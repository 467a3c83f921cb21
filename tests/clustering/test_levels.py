"""The feature level is raised once all can read it, and who cannot takes no part."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from amqp_server.broker.cluster import StoreAwayError
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.clustering.levels import raise_level, require_known_level
from cluster.liveness.live_key import LiveRecord, encode_live
from cluster.metadata.following.cache import Difference
from cluster.metadata.keys import FEATURE_LEVEL
from cluster.metadata.memory import MemoryStore
from cluster.metadata.port import Outcome, Put, Transaction, Unknown
from cluster.metadata.records import StoredMember, decode_level, encode_level, encode_member
from cluster.node.fitting import NodeFrozenError
from cluster.node.view import ClusterView
from tests.support.cluster_views import KEYS

KEY = KEYS.key("meta", FEATURE_LEVEL)


class Store(MemoryStore):
    """One that is away, or loses answers."""

    away = False
    lost = 0

    async def transact(self, transaction: Transaction) -> Outcome:
        if self.away:
            return Unknown("away")
        outcome = await super().transact(transaction)
        if self.lost and transaction.compare:
            self.lost -= 1
            return Unknown("lost")
        return outcome


class _Follower:
    async def wait_for(self, revision: int) -> None:
        del revision


class _Options:
    levels = (1, 2)


class _Part:
    failed: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        self.failed = error


class Cluster:
    """Nodes a and b that can read some level."""

    def __init__(self) -> None:
        self.store = Store(lambda: 0)
        self.keys = KEYS
        self.view = ClusterView(KEYS)
        self.follower = _Follower()
        self.options = _Options()
        self.part = _Part()

    async def begin(self, **levels: int) -> Any:  # noqa: ANN401 -- stands for a ClusterNode
        for name, level in levels.items():
            await self.put(KEYS.key("member", name), encode_member(StoredMember(f"disk {name}", 1)))
            if level:
                record = LiveRecord(f"disk {name}", "boot", wire_versions=(1, level))
                await self.put(KEYS.key("live", name), encode_live(record))
        return self

    async def put(self, key: bytes, value: bytes) -> None:
        await self.store.transact(Transaction(then=(Put(key, value),)))
        page = await self.store.read_range(KEYS.prefix, KEYS.prefix + b"\xff")
        self.view.take([Difference(each.key, None, each) for each in page.items])

    async def stored(self) -> int | None:
        page = await self.store.read_range(KEY, KEY + b"\0")
        return decode_level(page.items[0].value) if page.items else None


def test_it_is_raised_to_what_all_can_read_and_never_falls() -> None:
    async def scenario() -> None:
        cluster = await Cluster().begin(a=1, b=3)
        assert await raise_level(cluster) == 1
        assert await cluster.stored() is None
        cluster = await Cluster().begin(a=2, b=3)
        assert await raise_level(cluster) == 2
        assert await cluster.stored() == 2
        await cluster.put(KEY, encode_level(5))
        assert cluster.view.feature_level == 5
        assert await raise_level(cluster) == 5
        assert await cluster.stored() == 5

    asyncio.run(scenario())


def test_a_node_that_does_not_run_keeps_it() -> None:
    async def scenario() -> None:
        cluster = await Cluster().begin(a=2, b=2, c=0)
        with pytest.raises(PreconditionFailedError, match="c does not run"):
            await raise_level(cluster)
        assert await cluster.stored() is None

    asyncio.run(scenario())


def test_a_node_that_came_meanwhile_keeps_it() -> None:
    async def scenario() -> None:
        cluster = await Cluster().begin(a=2, b=2)
        key = KEYS.key("live", "b")
        page = await cluster.store.read_range(key, key + b"\0")
        # The view has an older incarnation than the store.
        old = page.items[0]
        cluster.view.take([Difference(key, None, replace(old, create_revision=1))])
        with pytest.raises(PreconditionFailedError, match="a node came or went meanwhile"):
            await raise_level(cluster)
        assert await cluster.stored() is None

    asyncio.run(scenario())


def test_lost_answers_and_a_store_that_is_away() -> None:
    async def scenario() -> None:
        cluster = await Cluster().begin(a=2, b=2)
        cluster.store.away = True
        with pytest.raises(StoreAwayError):
            await raise_level(cluster)
        cluster.store.away = False
        cluster.store.lost = 1
        assert await raise_level(cluster) == 2
        assert await cluster.stored() == 2

    asyncio.run(scenario())


def test_a_node_that_cannot_read_the_level_ends() -> None:
    async def scenario() -> None:
        cluster = await Cluster().begin(a=2)
        for level, ends in ((1, False), (2, False), (3, True)):
            await cluster.put(KEY, encode_level(level))
            require_known_level(cluster)
            assert isinstance(cluster.part.failed, NodeFrozenError) == ends

    asyncio.run(scenario())
