import asyncio
from pathlib import Path

import pytest

from cluster.metadata.errors import StoreAwayError, StoreWentBackError
from cluster.metadata.following.follower import Follower, FollowerTimes
from cluster.metadata.local import open_local_store
from cluster.metadata.memory import MemoryStore
from cluster.metadata.port import Put, Transaction
from persistence.files import OsFiles
from tests.support.following import (
    QUICK,
    WAIT_S,
    Case,
    CuttableStore,
    each_following,
    following,
)
from tests.support.metadata_contract import Rig


async def no_time(_: object) -> None:
    """No lease ends here."""


def rig_of(store: MemoryStore) -> Rig:
    async def compact(revision: int) -> None:
        store.compact(revision)

    return Rig(store, b"/p/", no_time, compact)


@each_following
def test_contract_in_memory(case: Case) -> None:
    asyncio.run(case(rig_of(MemoryStore(lambda: 0))))


@each_following
def test_contract_on_a_disk(case: Case, tmp_path: Path) -> None:
    async def run() -> None:
        salts = iter(range(1, 100))
        store = open_local_store(OsFiles(tmp_path), lambda: 0, lambda: next(salts))

        async def compact(revision: int) -> None:
            store.contents.compact(revision)

        await case(Rig(store, b"/p/", no_time, compact))
        await store.close()

    asyncio.run(run())


def test_a_silent_watch_is_begun_anew_behind_what_was_told() -> None:
    async def run() -> None:
        rig = rig_of(MemoryStore(lambda: 0))
        async with following(rig, FollowerTimes(silent_ms=5, retry_ms=1)) as each:
            await each.until(await rig.put(b"a"))
            each.store.muted = True
            await rig.put(b"missed")
            while each.store.watch_count < 3:
                await each.store.begun.wait()
            each.store.muted = False
            await each.require_same()

    asyncio.run(run())


def test_a_store_that_went_back_is_not_followed() -> None:
    async def run() -> None:
        memory = MemoryStore(lambda: 0)
        rig = rig_of(memory)
        await rig.put(b"a", b"1")
        memory.keep_copy()
        newest = await rig.put(b"a", b"2")
        follower = Follower(memory, rig.prefix, lambda: 0, QUICK)
        running = asyncio.ensure_future(follower.follow())
        await asyncio.wait_for(follower.wait_for(newest), WAIT_S)
        waiting = asyncio.ensure_future(follower.wait_for(newest + 1))
        reading = asyncio.ensure_future(follower.wait_for(newest))
        await asyncio.sleep(0)
        memory.go_back()
        with pytest.raises(StoreWentBackError) as raised:
            await asyncio.wait_for(running, WAIT_S)
        assert (raised.value.seen, raised.value.found) == (newest, newest - 1)
        with pytest.raises(StoreAwayError):
            await waiting
        await reading
        assert not follower.freshness.is_connected
        with pytest.raises(StoreAwayError):
            await follower.wait_for(newest + 1)

    asyncio.run(run())


def test_a_store_that_compacts_all_the_time_is_asked_with_pauses() -> None:
    """A re-read that never gets to its end must not spin."""

    async def run() -> None:
        memory = MemoryStore(lambda: 0)
        rig = rig_of(memory)
        puts = tuple(Put(rig.key(b"%03d" % each), b"") for each in range(128))
        for first in (b"a", b"b", b"c"):
            moved = tuple(Put(each.key + first, b"") for each in puts)
            await memory.transact(Transaction(then=moved))

        class Compacting(CuttableStore):
            async def read_range(self, start, end, *, limit=256, revision=0):  # type: ignore[no-untyped-def] # noqa: ANN001,ANN202
                page = await super().read_range(start, end, limit=limit, revision=revision)
                if self.read_count < 20:
                    memory.compact(await rig.put(b"again"))
                return page

        store = Compacting(memory)
        follower = Follower(store, rig.prefix, lambda: 0, QUICK)
        running = asyncio.ensure_future(follower.follow())
        await asyncio.wait_for(follower.wait_for(await rig.put(b"last")), WAIT_S)
        assert store.read_count < 60
        running.cancel()

    asyncio.run(run())
