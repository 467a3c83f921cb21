import asyncio

import pytest

from cluster.metadata.memory import Fate, MemoryStore
from cluster.metadata.paging import read_key
from cluster.metadata.port import Put, Transaction
from cluster.metadata.records import StoredMember, decode_member, encode_member
from cluster.node.evidence import Evidence
from cluster.node.ports import KeptIdentity
from cluster.node.stamping import Stamping
from cluster.replication.core import ReplicationCore
from cluster.replication.identity import DiskIdentity
from tests.cluster.node.test_joining import Disk
from tests.support.cluster_views import KEYS

KEY = KEYS.key("member", "a")


class Raising:
    def __init__(self) -> None:
        self.store = MemoryStore(lambda: 0)
        self.disk = Disk()
        self.core = ReplicationCore("a", DiskIdentity("d", 1))
        member = encode_member(StoredMember("d", 1, "rack"))
        self.evidence = Evidence(self.core.node.identity, member)
        self.stamping = Stamping(
            self.store,
            KEY,
            disk=self.disk,
            identity=self.core.node.identity,
            evidence=self.evidence,
            step=self.core.step,
            interval_ms=1,
        )

    async def put(self, member: StoredMember) -> None:
        await self.store.transact(Transaction(then=(Put(KEY, encode_member(member)),)))

    async def stamps(self) -> tuple[int, int, bool]:
        """Return the stamp on the disk, in the store, and whether it is being raised."""
        found = (await read_key(self.store, KEY)).item
        assert found is not None
        assert self.disk.kept is not None
        own = self.core.node.identity.disk
        assert own.stamp == self.disk.kept.identity.stamp
        return own.stamp, decode_member(found.value).stamp, own.raising


def test_it_is_raised_on_the_disk_and_then_in_the_store() -> None:
    async def scenario() -> None:
        raising = Raising()
        await raising.put(StoredMember("d", 1, "rack"))
        await raising.stamping.raise_once()
        assert await raising.stamps() == (2, 2, False)
        assert raising.disk.kept == KeptIdentity(DiskIdentity("d", 2, 0, raising=True), True)

    asyncio.run(scenario())


def test_it_is_one_ahead_at_most_while_the_store_does_not_answer() -> None:
    async def scenario() -> None:
        raising = Raising()
        await raising.put(StoredMember("d", 1, "rack"))
        for fate in (Fate.LOST, Fate.APPLIED):
            raising.store.fates.append(fate)
            await raising.stamping.raise_once()
        assert await raising.stamps() == (2, 2, True)
        raising.store.away = True
        await raising.stamping.raise_once()
        raising.store.away = False
        await raising.stamping.raise_once()
        assert await raising.stamps() == (2, 2, False)
        assert not raising.core.node.identity.frozen

    asyncio.run(scenario())


def test_what_an_operator_wrote_beside_it_stays() -> None:
    async def scenario() -> None:
        raising = Raising()
        await raising.put(StoredMember("d", 1, "rack", "draining"))
        await raising.stamping.raise_once()
        await raising.stamping.raise_once()
        assert await raising.stamps() == (2, 2, False)
        assert decode_member(raising.evidence.member).state == "draining"

    asyncio.run(scenario())


def test_a_disk_that_refuses_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        raising = Raising()
        await raising.put(StoredMember("d", 1, "rack"))

        def refuse(kept: KeptIdentity) -> None:
            raise OSError(28, "no space")

        with monkeypatch.context() as patched:
            patched.setattr(raising.disk, "keep_identity", refuse)
            await raising.stamping.raise_once()
        assert raising.core.node.identity.disk == DiskIdentity("d", 1)
        await raising.stamping.raise_once()
        assert await raising.stamps() == (2, 2, False)

    asyncio.run(scenario())


def test_another_stamp_in_the_store_freezes_the_node() -> None:
    async def scenario() -> None:
        raising = Raising()
        await raising.put(StoredMember("d", 0, "rack"))
        await raising.stamping.raise_once()
        assert raising.core.node.identity.frozen

    asyncio.run(scenario())
