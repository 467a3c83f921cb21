import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cluster.definitions.creating import Copy, Created, Creation, Exists, creating
from cluster.definitions.desk import LANES, SETTLED_WITHIN_MS, Desk
from cluster.definitions.inquiry import reading
from cluster.definitions.joining import CHANGES_MAX, READS_MAX
from cluster.definitions.references import References
from cluster.definitions.removing import Removed, removing
from cluster.metadata.errors import LeaseGoneError, OutcomeUnknownError, StoreAwayError
from cluster.metadata.following.follower import Follower
from cluster.metadata.keys import KeySpace
from cluster.metadata.local import open_local_store
from cluster.metadata.memory import Fate, MemoryStore
from cluster.metadata.paging import read_whole
from cluster.metadata.port import Done, Item, MetadataStore, Put, Transaction, end_of_prefix
from persistence.files import OsFiles
from tests.support.etcd_server import EtcdServer
from tests.support.etcd_stores import Clock, opened, play
from tests.support.following import WAIT_S

NUMBERS = count()
QUEUES = 16


def keys_of_a_cluster() -> KeySpace:
    return KeySpace(f"desk {next(NUMBERS)}")


async def two_nodes_declare(stores: list[MetadataStore], rounds: int = 2) -> None:
    """Each of two nodes declares and deletes the same queues; both copies are alike in the end."""
    keys = keys_of_a_cluster()
    references = References(keys)
    span = (keys.prefix, end_of_prefix(keys.prefix))
    vhost = Put(keys.key("vhost", "/"), b"")
    await stores[0].transact(Transaction(then=(vhost,)))
    followers = [Follower(store, keys.prefix, lambda: 0) for store in stores]
    following = [asyncio.ensure_future(each.follow()) for each in followers]
    desks = [
        Desk(store, keys, f"node {number}", "life", lambda: 0)
        for number, store in enumerate(stores)
    ]
    try:
        for _ in range(rounds):
            queues = [keys.queue_definition("/", f"q{number}") for number in range(QUEUES)]
            creations = await asyncio.gather(
                *(
                    desk.run(creating(references, Put(key, b""), follower.cache.get))
                    for key in queues
                    for desk, follower in zip(desks, followers, strict=True)
                )
            )
            kinds = Counter(map(type, creations))
            assert kinds == {Created: len(queues), Exists: len(queues)}
            newest = max(each.revision for each in creations if isinstance(each, Created))
            async with asyncio.timeout(WAIT_S):
                for each in followers:
                    await each.wait_for(newest)
                    assert all(each.cache.get(key) is not None for key in queues)
            removals = await asyncio.gather(
                *(desk.run(removing(references, key)) for key in queues for desk in desks)
            )
            gone = [each.revision for each in removals if isinstance(each, Removed)]
            assert len(gone) == len(queues)
            async with asyncio.timeout(WAIT_S):
                for each in followers:
                    await each.wait_for(max(gone))
        _, items = await read_whole(stores[0], *span)
        assert [each.key for each in items] == [vhost.key]
        for each in followers:
            assert list(each.cache.between(*span)) == items
        page = await desks[0].run(reading(*span))
        assert list(page.items) == items
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)


def test_two_nodes_in_memory() -> None:
    store = MemoryStore(lambda: 0)
    asyncio.run(two_nodes_declare([store, store]))


def test_two_nodes_in_memory_whose_answers_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.definitions.desk.RETRY_MS", 0)
    lost = (Fate.APPLIED, Fate.LOST, Fate.LATE)

    class Losing(MemoryStore):
        """Takes the answer to every third transaction away."""

        asked = 0

        async def transact(self, transaction):  # type: ignore[no-untyped-def] # noqa: ANN001,ANN202
            self.asked += 1
            if self.asked > 1 and self.asked % 3 == 0:
                self.fates.append(lost[self.asked // 3 % len(lost)])
            outcome = await super().transact(transaction)
            if self.late and self.asked % 2 == 0:
                self.apply_late()
            return outcome

    store = Losing(lambda: 0)
    asyncio.run(two_nodes_declare([store, store], rounds=8))
    assert store.asked > 100


def test_two_nodes_on_a_disk(tmp_path: Path) -> None:
    async def run() -> None:
        salts = count(1)
        store = open_local_store(OsFiles(tmp_path), lambda: 0, lambda: next(salts))
        await two_nodes_declare([store, store])
        await store.close()

    asyncio.run(run())


def test_two_nodes_on_etcd(etcd: EtcdServer) -> None:
    async def run() -> None:
        await two_nodes_declare([opened([etcd.url], Clock()), opened([etcd.url], Clock())])

    play(run())


def rig(now_ms: Callable[[], int]) -> tuple[MemoryStore, KeySpace, Desk]:
    store, keys = MemoryStore(lambda: 0), keys_of_a_cluster()
    return store, keys, Desk(store, keys, "node", "life", now_ms)


def test_a_store_that_is_away_has_done_nothing() -> None:
    async def run() -> None:
        store, keys, desk = rig(lambda: 0)
        store.go_away()
        for _ in range(2 * LANES):
            with pytest.raises(StoreAwayError):
                await desk.run(removing(References(keys), keys.key("vhost", "/")))
        store.come_back()
        put = Put(keys.key("vhost", "/"), b"")
        created = await desk.run(creating(References(keys), put, lambda _: None))
        assert isinstance(created, Created)

    asyncio.run(run())


def test_what_stays_unknown_for_too_long_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        monkeypatch.setattr("cluster.definitions.desk.RETRY_MS", 0)
        clock = count(0, SETTLED_WITHIN_MS // 4)
        store, keys, desk = rig(lambda: next(clock))
        vhost = keys.key("vhost", "/")
        await store.transact(Transaction(then=(Put(vhost, b""),)))
        inquiry = removing(References(keys), vhost)

        original = store.transact

        async def transact(transaction: Transaction) -> object:
            if any(isinstance(each, Put) for each in transaction.then):
                store.fates.append(Fate.LOST)
            return await original(transaction)

        monkeypatch.setattr(store, "transact", transact)
        with pytest.raises(OutcomeUnknownError):
            await desk.run(inquiry)
        monkeypatch.undo()
        removal = await desk.run(removing(References(keys), vhost))
        assert isinstance(removal, Removed)

    asyncio.run(run())


def test_a_store_that_is_away_is_waited_for_as_long_as_the_patience_lasts() -> None:
    async def run() -> None:
        keys = keys_of_a_cluster()
        now_ms = 0
        store = MemoryStore(lambda: now_ms)
        patient = Desk(store, keys, "n", "life", lambda: now_ms, patience_ms=60_000)
        store.go_away()
        running = asyncio.ensure_future(patient.run(reading(keys.prefix, keys.prefix + b"\xff")))
        await asyncio.sleep(0)
        assert not running.done()
        now_ms = 60_000
        with pytest.raises(StoreAwayError):
            async with asyncio.timeout(WAIT_S):
                await running
        now_ms = 0
        running = asyncio.ensure_future(patient.run(reading(keys.prefix, keys.prefix + b"\xff")))
        await asyncio.sleep(0)
        store.come_back()
        async with asyncio.timeout(WAIT_S):
            assert (await running).items == ()
        store.go_away()
        with pytest.raises(StoreAwayError):
            await Desk(store, keys, "n", "life", lambda: 0).run(reading(b"a", b"b"))

    asyncio.run(run())


def counted(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> list[Transaction]:
    """Return the list into which each transaction comes that the store is asked for."""
    asked: list[Transaction] = []
    original = store.transact

    async def transact(transaction: Transaction) -> object:
        asked.append(transaction)
        return await original(transaction)

    monkeypatch.setattr(store, "transact", transact)
    return asked


def test_those_that_stand_in_line_share_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        store, keys, desk = rig(lambda: 0)
        references, vhost = References(keys), keys.key("vhost", "/")
        put = await store.transact(Transaction(then=(Put(vhost, b""),)))
        assert isinstance(put, Done)
        there = {vhost: Item(vhost, b"", put.revision, put.revision)}
        asked = counted(store, monkeypatch)
        queues = [keys.queue_definition("/", f"q{number}") for number in range(160)]

        def declares(copy: Copy) -> list[Coroutine[Any, Any, Creation]]:
            # Each is declared by two clients.
            return [desk.run(creating(references, Put(q, b""), copy)) for q in queues * 2]

        creations = await asyncio.gather(*declares(there.get))
        assert Counter(map(type, creations)) == {Created: 160, Exists: 160}
        # The second client of each queue is refused one by one at most: it reads what there is.
        writes = len(asked)
        assert writes <= 160 // CHANGES_MAX * 2 + LANES
        again = await asyncio.gather(*declares(lambda _: None))
        assert Counter(map(type, again)) == {Exists: 320}
        assert len(asked) - writes <= 320 // READS_MAX + LANES

    asyncio.run(run())


def test_what_the_store_does_not_take_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        _, keys, desk = rig(lambda: 0)
        vhosts = [Put(keys.key("vhost", f"v{number}"), b"") for number in range(CHANGES_MAX)]
        vhosts[3] = Put(vhosts[3].key, b"", lease=4711)
        came = await asyncio.gather(
            *(desk.run(creating(References(keys), each, lambda _: None)) for each in vhosts),
            return_exceptions=True,
        )
        kinds = Counter(map(type, came))
        assert kinds == {Created: CHANGES_MAX - 1, LeaseGoneError: 1}

    asyncio.run(run())


def test_who_is_ended_leaves_the_others_in_line() -> None:
    async def run() -> None:
        _, keys, desk = rig(lambda: 0)
        puts = [Put(keys.key("vhost", f"v{number}"), b"") for number in range(CHANGES_MAX)]
        running = [
            asyncio.ensure_future(desk.run(creating(References(keys), each, lambda _: None)))
            for each in puts
        ]
        await asyncio.sleep(0)
        running[2].cancel()
        came = await asyncio.gather(*running, return_exceptions=True)
        kinds = Counter(map(type, came))
        assert kinds == {Created: CHANGES_MAX - 1, asyncio.CancelledError: 1}
        await desk.stop()

    asyncio.run(run())
