"""Keeps a cache of a range of the store: reads it all, watches from there, and begins anew.

    read anew ──▶ watch from the next revision ── CompactedError ──▶ read anew
                    ▲        │
                    └────────┘  the watch broke, or was silent: again, behind what was told

Each watch begins with a linearizable read. A store that is at a lower revision than what was seen
went back to an old copy; nothing here goes on from that (R21).
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count, islice
from typing import Final

from cluster.metadata.errors import (
    CompactedError,
    MetadataError,
    OtherStoreError,
    StoreAwayError,
    StoreWentBackError,
)
from cluster.metadata.following.cache import Cache
from cluster.metadata.following.freshness import Freshness
from cluster.metadata.following.rereading import Rereading
from cluster.metadata.paging import pages_of, read_key
from cluster.metadata.port import Change, Changes, Item, MetadataStore, end_of_prefix
from cluster.metadata.watching import Bell

CHANGES_PER_STEP: Final = 64
"""Changes that are taken before others have the loop; each may have a queue declared."""


@dataclass(frozen=True, slots=True)
class FollowerTimes:
    """How long to wait, in ms.

    ``silent_ms``: a watch that says nothing for so long is begun anew; it is longer than what the
    engine of etcd bears. The first pause before another attempt is ``retry_ms``, and each one is
    twice as long up to ``retry_max_ms``.
    """

    silent_ms: int = 60_000
    retry_ms: int = 50
    retry_max_ms: int = 3_000


class Follower:
    """Follows all keys with a prefix.

    Args:
        store: what is followed.
        prefix: of the keys.
        now_ms: the own monotonic clock.
        times: how long to wait.

    Attributes:
        cache: what is held.
    """

    def __init__(
        self,
        store: MetadataStore,
        prefix: bytes,
        now_ms: Callable[[], int],
        times: FollowerTimes | None = None,
    ) -> None:
        self.cache = Cache()
        self._store = store
        self._span = (prefix, end_of_prefix(prefix))
        self._now_ms = now_ms
        self._times = times or FollowerTimes()
        self._heard_at_ms = now_ms()
        self._away_since_ms: int | None = self._heard_at_ms
        self._reason = ""
        self._failures = 0
        self._is_over = False
        self._taken_since_pause = 0
        self._news = Bell()
        self._connection = Bell()
        self._numbers = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @property
    def freshness(self) -> Freshness:
        """How far it follows."""
        return Freshness(self.cache.revision, self._heard_at_ms, self._away_since_ms, self._reason)

    async def follow(self) -> None:
        """Follow the store, until cancelled.

        Raises:
            OtherStoreError, StoreWentBackError: it is another store, or an old copy; an operator
                has to decide.
        """
        must_read = True
        try:
            while True:
                try:
                    if must_read:
                        await self._read_anew()
                        must_read = False
                    await self._watch()
                except CompactedError as error:
                    must_read = True
                    await self._lost(error)
                except (OtherStoreError, StoreWentBackError) as error:
                    self._note_away(error)
                    raise
                except MetadataError as error:
                    await self._lost(error)
        finally:
            self._is_over = True
            self._wake()

    async def connection_change(self) -> Freshness:
        """Return how fresh it is once it begins to follow, or does so no more."""
        await self._connection.wait()
        return self.freshness

    async def wait_for(self, revision: int) -> None:
        """Return once all up to a revision is held and told.

        It must be one that changed a key of the range; others are not heard of.

        Raises:
            StoreAwayError: nobody follows any more.
        """
        if self.cache.revision < revision:
            self._require_following()
            future = asyncio.get_running_loop().create_future()
            heappush(self._waiting, (revision, next(self._numbers), future))
            await future
            if self.cache.revision < revision:
                self._require_following()

    async def read_through(self, key: bytes) -> Item | None:
        """Return a key as it is in the store now, once it, or what came later, is held here.

        Raises:
            MetadataError: the store did not answer.
            StoreAwayError: nobody follows any more.
        """
        found = await read_key(self._store, key)
        if found.item is not None:
            await self.wait_for(found.item.mod_revision)
            return found.item
        while (held := self.cache.get(key)) is not None and held.mod_revision <= found.revision:
            self._require_following()
            await self._news.wait()
        return None

    async def _read_anew(self) -> None:
        reading = Rereading(self.cache, *self._span)
        revision = 0
        async with aclosing(pages_of(self._store, *self._span)) as pages:
            async for page in pages:
                self._require_not_back(page.revision)
                revision = page.revision
                reading.take(page)
                await asyncio.sleep(0)
        await self._take(revision, reading.changes())

    async def _watch(self) -> None:
        now = await self._store.read_range(*self._span, limit=1)
        self._require_not_back(now.revision)
        watch = self._store.watch(*self._span, self.cache.revision + 1)
        async with aclosing(watch) as told:
            while True:
                try:
                    async with asyncio.timeout(self._times.silent_ms / 1000):
                        each = await anext(told)
                except TimeoutError:
                    return
                self._heard()
                if isinstance(each, Changes):
                    await self._take(each.revision, each.changes)
                elif each.revision < self.cache.revision:
                    now = await self._store.read_range(*self._span, limit=1)
                    self._require_not_back(now.revision)

    async def _take(self, revision: int, changes: Iterable[Change]) -> None:
        """Take a revision in pieces; between them others have the loop."""
        waiting = iter(changes)
        piece = list(islice(waiting, CHANGES_PER_STEP))
        is_whole = False
        while not is_whole:
            following = list(islice(waiting, CHANGES_PER_STEP))
            is_whole = not following
            self.cache.take(revision, piece, is_whole=is_whole)
            self._wake()
            self._taken_since_pause += max(1, len(piece))
            if self._taken_since_pause >= CHANGES_PER_STEP:
                self._taken_since_pause = 0
                await asyncio.sleep(0)
            piece = following

    def _wake(self) -> None:
        waiting = self._waiting
        while waiting and (self._is_over or waiting[0][0] <= self.cache.revision):
            future = heappop(waiting)[2]
            if not future.done():
                future.set_result(None)
        self._news.ring()

    def _heard(self) -> None:
        self._heard_at_ms = self._now_ms()
        self._failures = 0
        if self._away_since_ms is not None:
            self._away_since_ms = None
            self._reason = ""
            self._connection.ring()

    def _note_away(self, error: MetadataError) -> None:
        self._reason = str(error) or type(error).__name__
        if self._away_since_ms is None:
            self._away_since_ms = self._now_ms()
            self._connection.ring()

    async def _lost(self, error: MetadataError) -> None:
        self._note_away(error)
        pause_ms = min(self._times.retry_ms << min(self._failures, 16), self._times.retry_max_ms)
        if self._failures or not isinstance(error, CompactedError):
            await asyncio.sleep(pause_ms / 1000)
        self._failures += 1

    def _require_not_back(self, revision: int) -> None:
        if revision < self.cache.revision:
            raise StoreWentBackError(self.cache.revision, revision)

    def _require_following(self) -> None:
        if self._is_over:
            raise StoreAwayError("nobody follows the store any more")
