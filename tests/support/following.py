"""A store whose watches can be cut, a listener that replays, and what a follower must do.

The cases run on each engine of the metadata store.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from cluster.metadata.errors import StoreAwayError
from cluster.metadata.following.cache import News, Snapshot
from cluster.metadata.following.follower import CHANGES_PER_STEP, Follower, FollowerTimes
from cluster.metadata.following.freshness import Freshness
from cluster.metadata.paging import read_whole
from cluster.metadata.port import (
    PAGE_KEYS_MAX,
    Delete,
    Done,
    Item,
    Lease,
    MetadataStore,
    Outcome,
    Page,
    Put,
    Told,
    Transaction,
)
from cluster.metadata.watching import Bell
from tests.support.metadata_contract import Rig

WAIT_S = 20
"""Nothing here takes so long."""

QUICK = FollowerTimes(silent_ms=20_000, retry_ms=1, retry_max_ms=4)


class CuttableStore:
    """A store behind which another one may be put, and whose watches break or say nothing more."""

    def __init__(self, inner: MetadataStore) -> None:
        self.inner = inner
        self.away = False
        self.muted = False
        self.watch_count = 0
        self.read_count = 0
        self.begun = Bell()
        self._cuts: list[asyncio.Future[None]] = []

    def cut(self, *, stays_away: bool = False) -> None:
        """Break all watches, and answer nobody until ``away`` is false again."""
        self.away = stays_away
        cuts, self._cuts = self._cuts, []
        for each in cuts:
            each.set_result(None)

    async def read_range(
        self, start: bytes, end: bytes, *, limit: int = PAGE_KEYS_MAX, revision: int = 0
    ) -> Page:
        self.read_count += 1
        self._require()
        return await self.inner.read_range(start, end, limit=limit, revision=revision)

    async def transact(self, transaction: Transaction) -> Outcome:
        self._require()
        return await self.inner.transact(transaction)

    async def grant(self, ttl_ms: int) -> Lease:
        return await self.inner.grant(ttl_ms)

    async def keep_alive(self, lease: int) -> Lease | None:
        return await self.inner.keep_alive(lease)

    async def revoke(self, lease: int) -> bool:
        return await self.inner.revoke(lease)

    async def time_to_live_ms(self, lease: int) -> int | None:
        return await self.inner.time_to_live_ms(lease)

    async def watch(self, start: bytes, end: bytes, from_revision: int) -> AsyncGenerator[Told]:
        self._require()
        self.watch_count += 1
        self.begun.ring()
        cut = asyncio.get_running_loop().create_future()
        self._cuts.append(cut)
        told = self.inner.watch(start, end, from_revision)
        try:
            while True:
                reading = asyncio.ensure_future(anext(told))
                await asyncio.wait((reading, cut), return_when=asyncio.FIRST_COMPLETED)
                if cut.done() or self.muted:
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
                    if self.muted:
                        await asyncio.get_running_loop().create_future()
                    raise StoreAwayError("the watch was cut")
                yield reading.result()
        finally:
            await told.aclose()

    async def close(self) -> None:
        await self.inner.close()

    def _require(self) -> None:
        if self.away:
            raise StoreAwayError("the store was taken away")


@dataclass
class Replay:
    """Replays what it is told, and sees whether it is told in order and once."""

    items: dict[bytes, Item] = field(default_factory=dict)
    told: list[tuple[bytes, Item | None]] = field(default_factory=list)
    revision: int = 0
    is_whole: bool = True
    longest: int = 0

    def begin(self, snapshot: Snapshot) -> None:
        self.revision = snapshot.revision
        self.items = {item.key: item for item in snapshot.items}

    def __call__(self, news: News) -> None:
        assert news.revision > self.revision or not self.is_whole, "a revision is told again"
        assert news.revision >= self.revision, "revisions go back"
        self.revision, self.is_whole = news.revision, news.is_whole
        self.longest = max(self.longest, len(news.differences))
        for each in news.differences:
            assert each.before == self.items.get(each.key)
            assert each.before != each.after
            if each.after is None:
                del self.items[each.key]
            else:
                assert each.before is None or each.before.mod_revision < each.after.mod_revision
                assert each.after.mod_revision <= news.revision
                self.items[each.key] = each.after
            self.told.append((each.key, each.after))


@dataclass
class FollowedRig:
    """A rig of the port's contract, and a follower of all that is in it."""

    rig: Rig
    store: CuttableStore
    follower: Follower
    replay: Replay

    async def until(self, revision: int) -> None:
        async with asyncio.timeout(WAIT_S):
            await self.follower.wait_for(revision)

    async def until_away(self) -> None:
        async with asyncio.timeout(WAIT_S):
            while self.follower.freshness.is_connected:
                await self.follower.connection_change()

    async def until_connected(self) -> None:
        async with asyncio.timeout(WAIT_S):
            while not self.follower.freshness.is_connected:
                await self.follower.connection_change()

    async def require_same(self) -> None:
        """Have the copy be the store, and the replay the copy."""
        marker = await self.rig.put(b"~marker")
        await self.until(marker)
        _, items = await read_whole(self.rig.store, *self.rig.span)
        held = list(self.follower.cache.between(*self.rig.span))
        assert held == items
        assert len(self.follower.cache) == len(items)
        assert sorted(self.replay.items.values(), key=lambda item: item.key) == items
        assert self.replay.is_whole
        assert self.follower.cache.revision == self.replay.revision == marker


@asynccontextmanager
async def following(rig: Rig, times: FollowerTimes = QUICK) -> AsyncGenerator[FollowedRig]:
    """Follow the store of a rig until the end of the block."""
    store = CuttableStore(rig.store)
    follower = Follower(store, rig.prefix, lambda: 0, times)
    replay = Replay()
    replay.begin(follower.cache.listen(replay))
    running = asyncio.ensure_future(follower.follow())
    try:
        yield FollowedRig(rig, store, follower, replay)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def what_was_and_what_comes_is_held(rig: Rig) -> None:
    await rig.put(b"a", b"1")
    async with following(rig) as each:
        await each.until(await rig.put(b"b", b"2"))
        await rig.put(b"a", b"3")
        await rig.delete(b"b")
        await each.require_same()
        told = [
            (key.removeprefix(rig.prefix), item and item.value) for key, item in each.replay.told
        ]
        assert told[-4:-1] == [(b"b", b"2"), (b"a", b"3"), (b"b", None)]
        assert each.store.watch_count == 1


async def what_was_missed_is_told_after_a_cut(rig: Rig) -> None:
    async with following(rig) as each:
        await each.until(await rig.put(b"a", b"1"))
        reads = each.store.read_count
        each.store.cut(stays_away=True)
        await rig.put(b"a", b"2")
        await rig.put(b"b")
        await rig.delete(b"b")
        each.store.away = False
        await each.require_same()
        values = [item and item.value for key, item in each.replay.told if key == rig.key(b"a")]
        assert values == [b"1", b"2"]
        assert rig.key(b"b") in dict(each.replay.told)
        assert each.store.read_count > reads


async def what_is_compacted_is_read_anew(rig: Rig) -> None:
    async with following(rig) as each:
        first = [await rig.put(name) for name in (b"kept", b"changed", b"gone", b"another")][-1]
        await each.until(first)
        each.store.cut(stays_away=True)
        await rig.put(b"changed", b"2")
        await rig.delete(b"gone")
        await rig.delete(b"another")
        await rig.put(b"z first", b"needs nothing")
        await rig.put(b"new", b"needs z first")
        await rig.put(b"another", b"is another one")
        await rig.put(b"z first", b"changed later")
        last = await rig.put(b"passing")
        await rig.delete(b"passing")
        await rig.compact(last + 1)
        del each.replay.told[:]
        each.store.away = False
        await each.require_same()
        told = [(key.removeprefix(rig.prefix), item is None) for key, item in each.replay.told]
        told.remove((b"~marker", False))
        gone, came = told[:2], told[2:]
        assert sorted(gone) == [(b"another", True), (b"gone", True)]
        assert [name for name, _ in came] == [b"z first", b"new", b"another", b"changed"]


async def a_revision_is_waited_for(rig: Rig) -> None:
    async with following(rig) as each:
        waiting = [asyncio.ensure_future(each.until(await rig.put(b"a"))) for _ in range(5)]
        await asyncio.gather(*waiting)
        item = await rig.item(b"a")
        assert each.follower.cache.get(rig.key(b"a")) == item
        await each.until(1)


async def a_key_is_read_through(rig: Rig) -> None:
    async with following(rig) as each:
        for _ in range(3):
            await rig.put(b"a")
            item = await each.follower.read_through(rig.key(b"a"))
            assert item == await rig.item(b"a")
            assert each.follower.cache.get(rig.key(b"a")) == item
            await rig.delete(b"a")
            async with asyncio.timeout(WAIT_S):
                assert await each.follower.read_through(rig.key(b"a")) is None
            assert each.follower.cache.get(rig.key(b"a")) is None


async def a_long_read_leaves_others_the_loop(rig: Rig) -> None:
    count = 1_000
    for first in range(0, count, 100):
        puts = tuple(Put(rig.key(b"%04d" % each), b"") for each in range(first, first + 100))
        await rig.store.transact(Transaction(then=puts))
    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(other())
    try:
        async with following(rig) as each:
            await each.require_same()
            assert len(each.replay.items) == count + 1
            assert each.replay.longest <= CHANGES_PER_STEP
    finally:
        counting.cancel()
    assert others >= count / CHANGES_PER_STEP


async def a_long_revision_is_told_in_pieces(rig: Rig) -> None:
    async with following(rig) as each:
        puts = tuple(Put(rig.key(b"%04d" % number), b"") for number in range(100))
        done = await rig.store.transact(Transaction(then=puts))
        assert isinstance(done, Done)
        await each.until(done.revision)
        assert each.replay.longest <= CHANGES_PER_STEP
        deletes = tuple(Delete(rig.key(b"%04d" % number)) for number in range(100))
        await rig.store.transact(Transaction(then=deletes))
        await each.require_same()
        assert len(each.replay.told) == 201


async def it_says_how_fresh_it_is(rig: Rig) -> None:
    async with following(rig) as each:
        fresh: Callable[[], Freshness] = lambda: each.follower.freshness  # noqa: E731 - asked anew
        assert not fresh().is_connected
        revision = await rig.put(b"a")
        await each.until(revision)
        await each.until_connected()
        assert fresh().revision == revision
        each.store.cut(stays_away=True)
        await each.until_away()
        now = fresh()
        assert now.away_since_ms == 0
        assert now.reason
        each.store.away = False
        await each.require_same()
        assert fresh().is_connected
        assert fresh().reason == ""


CONTRACT = (
    what_was_and_what_comes_is_held,
    what_was_missed_is_told_after_a_cut,
    what_is_compacted_is_read_anew,
    a_revision_is_waited_for,
    a_key_is_read_through,
    a_long_read_leaves_others_the_loop,
    a_long_revision_is_told_in_pieces,
    it_says_how_fresh_it_is,
)

each_following: Callable[[Callable[..., None]], Callable[..., None]] = pytest.mark.parametrize(
    "case", CONTRACT, ids=lambda case: case.__name__
)

Case = Callable[[Rig], Coroutine[Any, Any, None]]
