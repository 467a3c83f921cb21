"""The metadata store of a single node: contents in memory, and a log beside the other data.

A change is answered and shown once it is on disk. Leases are of this process: what hung on one is
deleted at the next start. Revisions are never given twice.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

from cluster.metadata.contents import FIRST_REVISION, Contents
from cluster.metadata.errors import StoreAwayError
from cluster.metadata.local_log import LocalLog, WriteRefusedError
from cluster.metadata.port import (
    PAGE_KEYS_MAX,
    Change,
    Done,
    Item,
    Lease,
    Outcome,
    Page,
    Refused,
    Told,
    Transaction,
    Unknown,
    require_range,
)
from cluster.metadata.watching import Bell, watch_contents
from persistence.files import Files

Result = TypeVar("Result")

LEASE_STEP_MS: Final = 50
"""How late a watch may tell the end of a lease."""


class LocalStore:
    """A ``MetadataStore`` on the disk of one node.

    Besides the port's errors each method may raise FatalStorageError: the node must stop.

    Args:
        log: open; the records that it had are in ``contents``.
        contents: what the store holds.
        now_ms: the clock that leases end by.

    Attributes:
        log, contents: the same; only the store changes them.
    """

    def __init__(self, log: LocalLog, contents: Contents, now_ms: Callable[[], int]) -> None:
        self.log = log
        self.contents = contents
        self._now_ms = now_ms
        self._bell = Bell()
        self._one_at_a_time = asyncio.Lock()
        self._working: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def read_range(
        self, start: bytes, end: bytes, *, limit: int = PAGE_KEYS_MAX, revision: int = 0
    ) -> Page:
        """Return the first items of a range; see the port."""
        require_range(start, end)
        await self.end_leases()
        return self.contents.read_range(start, end, min(limit, PAGE_KEYS_MAX), revision)

    async def transact(self, transaction: Transaction) -> Outcome:
        """Compare, and carry out one branch; Unknown where the disk did not take it."""
        await self.end_leases()
        return await self._alone(lambda: self._carry_out(transaction))

    async def grant(self, ttl_ms: int) -> Lease:
        """Return a new lease."""
        await self.end_leases()
        now_ms = self._now_ms()
        return Lease(self.contents.leases.grant(ttl_ms, now_ms), ttl_ms, now_ms)

    async def keep_alive(self, lease: int) -> Lease | None:
        """Renew a lease once; None: it is gone."""
        await self.end_leases()
        now_ms = self._now_ms()
        ttl_ms = self.contents.leases.keep_alive(lease, now_ms)
        return None if ttl_ms is None else Lease(lease, ttl_ms, now_ms)

    async def revoke(self, lease: int) -> bool:
        """End a lease and delete what hangs on it; False: it was gone."""
        await self.end_leases()
        return await self._alone(lambda: self._end(lease))

    async def time_to_live_ms(self, lease: int) -> int | None:
        """Return how long a lease still lasts; None: it is gone."""
        await self.end_leases()
        return self.contents.leases.rest_ms(lease, self._now_ms())

    def watch(self, start: bytes, end: bytes, from_revision: int) -> AsyncGenerator[Told]:
        """Tell all changes in a range; see the port."""
        return watch_contents(self._open_contents, self._wait, (start, end), from_revision)

    async def close(self) -> None:
        """End all watches, and let go of the log."""
        async with self._one_at_a_time:
            self._closed = True
            self.log.close()
        self._bell.ring()

    async def end_leases(self) -> None:
        """End the leases whose time is over by now; each call does it too."""
        self._open_contents()
        for lease in self.contents.leases.ended(self._now_ms()):
            await self._alone(partial(self._end_if_over, lease))

    async def _wait(self) -> None:
        """Return when there may be more to tell; the next end of a lease is such a time."""
        ends_at_ms = self.contents.leases.next_end_ms()
        rest_ms = None
        if ends_at_ms is not None:
            rest_ms = max(LEASE_STEP_MS, ends_at_ms - self._now_ms())
        await self._bell.wait(rest_ms)
        await self.end_leases()

    def _open_contents(self) -> Contents:
        if self._closed:
            raise StoreAwayError("the store is closed")
        return self.contents

    async def _alone(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do one thing after the other, each to its end, also where its caller does not wait."""
        task = asyncio.ensure_future(self._locked(work))
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return await asyncio.shield(task)

    async def _locked(self, work: Callable[[], Awaitable[Result]]) -> Result:
        async with self._one_at_a_time:
            self._open_contents()
            return await work()

    async def _carry_out(self, transaction: Transaction) -> Outcome:
        evaluation = self.contents.evaluate(transaction)
        try:
            await self._write(evaluation.changes)
        except WriteRefusedError as error:
            return Unknown(str(error))
        kind = Done if evaluation.succeeded else Refused
        return kind(self.contents.revision, evaluation.reads)

    async def _end(self, lease: int) -> bool:
        if lease not in self.contents.leases:
            return False
        try:
            await self._write(self.contents.ended_with(lease))
        except WriteRefusedError as error:
            raise StoreAwayError(str(error)) from error
        self.contents.leases.end(lease)
        return True

    async def _end_if_over(self, lease: int) -> bool:
        """End a lease, unless it was renewed while others were at work; or try again later."""
        if lease not in self.contents.leases.ended(self._now_ms()):
            return False
        try:
            return await self._end(lease)
        except StoreAwayError:
            return False

    async def _write(self, changes: tuple[Change, ...]) -> None:
        """Bring changes to the disk, and only then into what is shown."""
        if not changes:
            return
        await asyncio.to_thread(self.log.append, self.contents.revision + 1, changes)
        self.contents.apply(changes)
        self._bell.ring()
        if self.log.wants_rewrite:
            items = list(self.contents.items())
            await asyncio.to_thread(self.log.try_rewrite, self.contents.revision, items)


def open_local_store(
    files: Files, now_ms: Callable[[], int], new_salt: Callable[[], int]
) -> LocalStore:
    """Return the store in a folder, with all that it had; it waits for the disk.

    Args:
        files: the folder; it may be empty.
        now_ms: the clock that leases end by.
        new_salt: returns a random number of ``local_format.SALT_BITS``.

    Raises:
        DamagedError: what was on disk is not there any more.
        OSError: the disk cannot be read or written.
        FatalStorageError: the disk cannot be synced.
    """
    log = LocalLog(files, new_salt)
    found: dict[bytes, Item] = {}
    revision = FIRST_REVISION
    for record in log.open():
        revision = max(revision, record.revision)
        for change in record.changes:
            if change.item is None:
                found.pop(change.key, None)
            else:
                found[change.key] = change.item
    contents = Contents()
    for item in found.values():
        if not item.lease:
            contents.restore(item)
    contents.begin(max(revision, log.revision))
    if log.is_new:
        log.rewrite(contents.revision, ())
    return LocalStore(log, contents, now_ms)
