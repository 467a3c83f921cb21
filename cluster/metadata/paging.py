"""Reads that are longer or shorter than an answer: one key, and a whole range at one revision."""

from collections.abc import AsyncGenerator
from typing import Final, NamedTuple

from cluster.metadata.errors import CompactedError
from cluster.metadata.port import PAGE_KEYS_MAX, Item, MetadataStore, Page, end_of_key

RESTARTS_MAX: Final = 5
"""How often a range is begun anew, since its revision was compacted away meanwhile."""


class Found(NamedTuple):
    """A key as of a revision; None: there is none."""

    revision: int
    item: Item | None


async def read_key(store: MetadataStore, key: bytes) -> Found:
    """Return one key, linearizable."""
    page = await store.read_range(key, end_of_key(key), limit=1)
    return Found(page.revision, page.items[0] if page.items else None)


async def pages_of(
    store: MetadataStore, start: bytes, end: bytes, *, limit: int = PAGE_KEYS_MAX
) -> AsyncGenerator[Page]:
    """Yield a whole range in pages, all of the revision of the first one.

    Raises:
        CompactedError: that revision was compacted away meanwhile; what was yielded is of no use.
    """
    page = await store.read_range(start, end, limit=limit)
    revision = page.revision
    yield page
    while page.has_more:
        after = end_of_key(page.items[-1].key)
        page = await store.read_range(after, end, limit=limit, revision=revision)
        yield Page(revision, page.items, page.has_more)


async def read_whole(
    store: MetadataStore, start: bytes, end: bytes, *, limit: int = PAGE_KEYS_MAX
) -> tuple[int, list[Item]]:
    """Return a revision and all items of a range at it; a watch goes on from the next one.

    Raises:
        CompactedError: again and again.
    """
    for _ in range(RESTARTS_MAX):
        items: list[Item] = []
        revision = 0
        try:
            async for page in pages_of(store, start, end, limit=limit):
                items.extend(page.items)
                revision = page.revision
        except CompactedError:
            continue
        return revision, items
    raise CompactedError(0)
