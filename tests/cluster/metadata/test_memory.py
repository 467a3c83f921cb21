import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cluster.metadata.errors import StoreAwayError
from cluster.metadata.memory import Fate, MemoryStore
from cluster.metadata.paging import read_key
from cluster.metadata.port import Done, ModRevision, Put, Refused, Transaction, Unknown
from tests.support.metadata_contract import Rig, each_case


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_000

    def __call__(self) -> int:
        return self.now_ms


def rig_of(store: MemoryStore, clock: Clock) -> Rig:
    async def end_of(_: object) -> None:
        await asyncio.sleep(0)
        clock.now_ms += 1_000
        store.pass_time()

    async def compact(revision: int) -> None:
        store.compact(revision)

    return Rig(store, b"/p/", end_of, compact)


@each_case
def test_contract(case: Callable[[Rig], Awaitable[None]]) -> None:
    async def run() -> None:
        clock = Clock()
        await case(rig_of(MemoryStore(clock), clock))

    asyncio.run(run())


def raised_by(store: MemoryStore, key: bytes, revision: int, value: bytes) -> Transaction:
    return Transaction((ModRevision(key, revision),), (Put(key, value),))


def test_an_unknown_outcome_may_be_applied_at_once_late_or_never() -> None:
    async def run() -> None:
        store = MemoryStore(Clock())
        put = Transaction(then=(Put(b"a", b"0"),))
        store.fates.extend((Fate.APPLIED, Fate.LATE, Fate.LOST))
        assert isinstance(await store.transact(put), Unknown)
        revision, item = await read_key(store, b"a")
        assert item is not None
        change = raised_by(store, b"a", revision, b"late")
        assert isinstance(await store.transact(change), Unknown)
        assert isinstance(await store.transact(put), Unknown)
        assert await read_key(store, b"a") == (revision, item)
        assert isinstance(store.apply_late(), Done)
        assert (await read_key(store, b"a")).revision == revision + 1

    asyncio.run(run())


def test_a_touch_settles_what_is_late() -> None:
    async def run() -> None:
        store = MemoryStore(Clock())
        await store.transact(Transaction(then=(Put(b"a", b"old"),)))
        revision, _ = await read_key(store, b"a")
        store.fates.append(Fate.LATE)
        await store.transact(raised_by(store, b"a", revision, b"late"))
        touched = await store.transact(raised_by(store, b"a", revision, b"old"))
        assert isinstance(touched, Done)
        assert isinstance(store.apply_late(), Refused)

    asyncio.run(run())


def test_while_it_is_away_nobody_is_answered_and_watches_break() -> None:
    async def run() -> None:
        store = MemoryStore(Clock())
        told = store.watch(b"a", b"b", 2)
        await anext(told)
        waiting = asyncio.ensure_future(anext(told))
        await asyncio.sleep(0)
        store.go_away()
        with pytest.raises(StoreAwayError):
            await waiting
        for call in (
            store.read_range(b"a", b"b"),
            store.transact(Transaction()),
            store.grant(1),
            store.keep_alive(1),
            store.revoke(1),
            store.time_to_live_ms(1),
        ):
            with pytest.raises(StoreAwayError):
                await call
        store.come_back()
        assert await store.transact(Transaction()) == Done(1)

    asyncio.run(run())


def test_a_restored_copy_has_lower_revisions_and_breaks_watches() -> None:
    async def run() -> None:
        store = MemoryStore(Clock())
        await store.transact(Transaction(then=(Put(b"a", b"1"),)))
        store.keep_copy()
        await store.transact(Transaction(then=(Put(b"a", b"2"),)))
        told = store.watch(b"a", b"b", 4)
        await anext(told)
        store.go_back()
        with pytest.raises(StoreAwayError):
            await anext(told)
        revision, item = await read_key(store, b"a")
        assert revision == 2
        assert item is not None
        assert item.value == b"1"

    asyncio.run(run())


def test_a_closed_store_ends_its_watches() -> None:
    async def run() -> None:
        store = MemoryStore(Clock())
        told = store.watch(b"a", b"b", 2)
        await anext(told)
        await store.close()
        with pytest.raises(StoreAwayError):
            await anext(told)

    asyncio.run(run())
