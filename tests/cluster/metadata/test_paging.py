import asyncio

import pytest

from cluster.metadata.errors import CompactedError
from cluster.metadata.memory import MemoryStore
from cluster.metadata.paging import RESTARTS_MAX, pages_of, read_key, read_whole
from cluster.metadata.port import PAGE_KEYS_MAX, Page, Put, Transaction

COUNT = 2 * PAGE_KEYS_MAX + 1


async def filled() -> MemoryStore:
    store = MemoryStore(lambda: 0)
    for number in range(COUNT):
        await store.transact(Transaction(then=(Put(b"k%04d" % number, b""),)))
    return store


def test_a_range_comes_in_pages_and_at_one_revision() -> None:
    async def run() -> None:
        store = await filled()
        sizes = []
        async for page in pages_of(store, b"k", b"l"):
            assert page.revision == COUNT + 1
            sizes.append(len(page.items))
            await store.transact(Transaction(then=(Put(b"k9999", b""),)))
        assert sizes == [PAGE_KEYS_MAX, PAGE_KEYS_MAX, 1]
        assert (await read_key(store, b"none")).item is None

    asyncio.run(run())


class Compacting(MemoryStore):
    """Compacts so many times between two pages."""

    times = 0

    async def read_range(
        self, start: bytes, end: bytes, *, limit: int = PAGE_KEYS_MAX, revision: int = 0
    ) -> Page:
        if revision and self.times:
            self.times -= 1
            await self.transact(Transaction(then=(Put(b"other", b""),)))
            self.compact(revision + 1)
        return await super().read_range(start, end, limit=limit, revision=revision)


@pytest.mark.parametrize("times", [0, 1, RESTARTS_MAX - 1])
def test_a_range_that_is_compacted_meanwhile_is_begun_anew(times: int) -> None:
    async def run() -> None:
        store = Compacting(lambda: 0)
        for number in range(4):
            await store.transact(Transaction(then=(Put(b"k%d" % number, b""),)))
        store.times = times
        revision, items = await read_whole(store, b"k", b"l", limit=3)
        assert (revision, len(items)) == (5 + times, 4)
        store.times = RESTARTS_MAX
        with pytest.raises(CompactedError):
            await read_whole(store, b"k", b"l", limit=3)

    asyncio.run(run())
