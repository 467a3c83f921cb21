import asyncio
import errno
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cluster.metadata.errors import CompactedError, StoreAwayError
from cluster.metadata.local import LocalStore, open_local_store
from cluster.metadata.paging import read_key, read_whole
from cluster.metadata.port import Delete, Done, Put, Transaction, Unknown
from persistence.errors import FatalStorageError
from persistence.files import Files, OsFiles
from tests.support.fault_fs import FaultFS, Kind, Operation
from tests.support.metadata_contract import Rig, changes_from, each_case


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_000

    def __call__(self) -> int:
        return self.now_ms


def opened(files: Files, clock: Clock | None = None) -> LocalStore:
    salts = iter(range(1, 1_000))
    return open_local_store(files, clock or Clock(), lambda: next(salts))


def put(key: bytes, value: bytes = b"", lease: int = 0) -> Transaction:
    return Transaction(then=(Put(key, value, lease),))


async def values_of(store: LocalStore) -> dict[bytes, bytes]:
    _, items = await read_whole(store, b"\1", b"\xff")
    return {item.key: item.value for item in items}


@each_case
def test_contract(case: Callable[[Rig], Awaitable[None]], tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        store = opened(OsFiles(tmp_path), clock)

        async def end_of(_: object) -> None:
            await asyncio.sleep(0)
            clock.now_ms += 1_000
            await store.end_leases()

        async def compact(revision: int) -> None:
            store.contents.compact(revision)

        await case(Rig(store, b"/p/", end_of, compact))
        await store.close()

    asyncio.run(run())


def test_a_restart_finds_all_and_gives_no_revision_twice() -> None:
    async def run() -> None:
        disk = FaultFS()
        store = opened(disk)
        await store.transact(put(b"a", b"1"))
        await store.transact(put(b"gone"))
        await store.transact(put(b"a", b"2"))
        done = await store.transact(Transaction(then=(Delete(b"gone"),)))
        assert isinstance(done, Done)
        item = (await read_key(store, b"a")).item
        for _ in range(3):
            store = opened(disk.killed())
            revision, found = await read_key(store, b"a")
            assert found == item
            assert revision > done.revision
            assert await values_of(store) == {b"a": b"2"}
            with pytest.raises(CompactedError):
                await changes_from(store.watch(b"a", b"b", done.revision), 1)

    asyncio.run(run())


def test_what_hung_on_a_lease_is_gone_after_a_restart() -> None:
    async def run() -> None:
        disk = FaultFS()
        store = opened(disk)
        lease = await store.grant(1_000)
        await store.transact(put(b"live", b"", lease.id))
        await store.transact(put(b"kept"))
        again = opened(disk.killed())
        assert await values_of(again) == {b"kept": b""}
        assert await again.keep_alive(lease.id) is None

    asyncio.run(run())


def test_after_every_crash_what_was_answered_is_there_and_nothing_else() -> None:
    """Each write, sync and rename of a script is followed by states that a crash may leave."""
    answered: dict[bytes, bytes] = {}
    asked: dict[bytes, bytes] = {}
    looked_at = 0

    def look(operation: Operation) -> None:
        nonlocal looked_at
        for crashed in disk.crash_states(12, seed=operation.number):
            found = {item.key: item.value for item in opened(crashed).contents.items()}
            assert found in (answered, asked)
            looked_at += 1

    async def run() -> None:
        store = opened(disk)
        for number in range(6):
            key, value = b"%d" % (number % 3), bytes([number]) * 700
            asked[key] = value
            assert isinstance(await store.transact(put(key, value)), Done)
            answered.update(asked)
            if number == 3:
                store.log.rewrite(store.contents.revision, store.contents.items())

    disk = FaultFS()
    disk.after_each = look
    asyncio.run(run())
    assert looked_at > 50


def test_a_full_disk_leaves_the_outcome_unknown_and_the_store_goes_on() -> None:
    async def run() -> None:
        disk = FaultFS()
        store = opened(disk)
        await store.transact(put(b"a", b"1"))
        disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC)
        assert isinstance(await store.transact(put(b"a", b"2")), Unknown)
        assert await values_of(store) == {b"a": b"1"}
        assert isinstance(await store.transact(put(b"a", b"3")), Done)
        assert await values_of(opened(disk.killed())) == {b"a": b"3"}

    asyncio.run(run())


def test_a_failed_sync_is_the_end() -> None:
    async def run() -> None:
        disk = FaultFS()
        store = opened(disk)
        disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.EIO)
        for _ in range(2):
            with pytest.raises(FatalStorageError):
                await store.transact(put(b"a", b"1"))
        assert await values_of(store) == {}

    asyncio.run(run())


def test_a_transaction_that_nobody_waits_for_is_carried_out_whole() -> None:
    async def run() -> None:
        store = opened(FaultFS())
        transactions = [asyncio.ensure_future(store.transact(put(b"%d" % n))) for n in range(5)]
        await asyncio.sleep(0)
        transactions[0].cancel()
        transactions[3].cancel()
        await asyncio.gather(*transactions, return_exceptions=True)
        revision, item = await read_key(store, b"4")
        assert item is not None
        assert revision == item.mod_revision

    asyncio.run(run())


def test_a_closed_store_answers_nobody() -> None:
    async def run() -> None:
        store = opened(FaultFS())
        await store.close()
        with pytest.raises(StoreAwayError):
            await store.transact(put(b"a"))
        with pytest.raises(StoreAwayError):
            await store.read_range(b"a", b"b")

    asyncio.run(run())


def test_a_log_that_grew_is_written_anew() -> None:
    async def run() -> None:
        disk = FaultFS()
        store = opened(disk)
        for number in range(14):
            await store.transact(put(b"a", bytes([number]) * 500_000))
        assert disk.open("metadata.log").size_bytes < 5_000_000
        again = opened(disk.killed())
        assert await values_of(again) == {b"a": bytes([13]) * 500_000}

    asyncio.run(run())
