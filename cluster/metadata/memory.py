"""A metadata store in memory: the model that other engines are compared with, and one with faults.

It is deterministic: the clock is handed in, and nothing happens between two calls. Faults are set
by whoever tests: the store is away, the outcome of a transaction stays unknown, an old copy is put
back.
"""

import copy
from collections import deque
from collections.abc import AsyncGenerator, Callable
from enum import Enum

from cluster.metadata.contents import Contents
from cluster.metadata.errors import StoreAwayError
from cluster.metadata.port import (
    PAGE_KEYS_MAX,
    Done,
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


class Fate(Enum):
    """What happens to a transaction whose answer does not come (R7)."""

    APPLIED = "applied"
    LATE = "late"
    LOST = "lost"


class MemoryStore:
    """A ``MetadataStore`` in memory.

    Args:
        now_ms: the clock that leases end by.
        contents: what it holds; None is nothing.

    Attributes:
        away: whether nobody gets an answer.
        fates: of the next transactions, first to last; where it is empty they are answered.
        late: transactions that were sent and are not applied yet.
    """

    def __init__(self, now_ms: Callable[[], int], contents: Contents | None = None) -> None:
        self.away = False
        self.fates: deque[Fate] = deque()
        self.late: deque[Transaction] = deque()
        self._now_ms = now_ms
        self._contents = contents or Contents()
        self._kept: Contents | None = None
        self._bell = Bell()
        self._closed = False

    async def read_range(
        self, start: bytes, end: bytes, *, limit: int = PAGE_KEYS_MAX, revision: int = 0
    ) -> Page:
        """Return the first items of a range; see the port."""
        require_range(start, end)
        return self._reached().read_range(start, end, min(limit, PAGE_KEYS_MAX), revision)

    async def transact(self, transaction: Transaction) -> Outcome:
        """Compare, and carry out one branch; the next of ``fates`` may take the answer away."""
        self._reached()
        fate = self.fates.popleft() if self.fates else None
        if fate is None:
            return self._carry_out(transaction)
        if fate is Fate.APPLIED:
            self._carry_out(transaction)
        elif fate is Fate.LATE:
            self.late.append(transaction)
        return Unknown(f"the answer was taken away: {fate.value}")

    async def grant(self, ttl_ms: int) -> Lease:
        """Return a new lease."""
        leases, now_ms = self._reached().leases, self._now_ms()
        return Lease(leases.grant(ttl_ms, now_ms), ttl_ms, now_ms)

    async def keep_alive(self, lease: int) -> Lease | None:
        """Renew a lease once; None: it is gone."""
        now_ms = self._now_ms()
        ttl_ms = self._reached().leases.keep_alive(lease, now_ms)
        return None if ttl_ms is None else Lease(lease, ttl_ms, now_ms)

    async def revoke(self, lease: int) -> bool:
        """End a lease and delete what hangs on it; False: it was gone."""
        if lease not in self._reached().leases:
            return False
        self._end(lease)
        return True

    async def time_to_live_ms(self, lease: int) -> int | None:
        """Return how long a lease still lasts; None: it is gone."""
        return self._reached().leases.rest_ms(lease, self._now_ms())

    def watch(self, start: bytes, end: bytes, from_revision: int) -> AsyncGenerator[Told]:
        """Tell all changes in a range; see the port."""
        begun_with = self._contents

        def followed() -> Contents:
            if self._reached() is not begun_with:
                raise StoreAwayError("the store was put back to an old copy")
            return begun_with

        return watch_contents(followed, self._bell.wait, (start, end), from_revision)

    async def close(self) -> None:
        """End all watches."""
        self._closed = True
        self._bell.ring()

    def pass_time(self) -> None:
        """End the leases whose time is over by now; each call does it too."""
        for lease in self._contents.leases.ended(self._now_ms()):
            self._end(lease)

    def go_away(self) -> None:
        """Answer nobody from now on, and break all watches."""
        self.away = True
        self._bell.ring()

    def come_back(self) -> None:
        """Answer again."""
        self.away = False

    def apply_late(self) -> Outcome:
        """Carry out the first of ``late`` now, and return what nobody is told."""
        return self._carry_out(self.late.popleft())

    def compact(self, revision: int) -> None:
        """Forget all that was before a revision."""
        self._contents.compact(revision)

    def keep_copy(self) -> None:
        """Take a copy of all that it holds, for ``go_back``."""
        self._kept = copy.deepcopy(self._contents)

    def go_back(self) -> None:
        """Put the copy in the place of all that it holds, as a restored snapshot does (R21)."""
        assert self._kept is not None, "there is no copy"
        self._contents = copy.deepcopy(self._kept)
        self._bell.ring()

    def _reached(self) -> Contents:
        if self.away or self._closed:
            raise StoreAwayError("the store is away")
        self.pass_time()
        return self._contents

    def _carry_out(self, transaction: Transaction) -> Outcome:
        evaluation = self._contents.evaluate(transaction)
        revision = self._contents.apply(evaluation.changes)
        self._bell.ring()
        kind = Done if evaluation.succeeded else Refused
        return kind(revision, evaluation.reads)

    def _end(self, lease: int) -> None:
        self._contents.apply(self._contents.ended_with(lease))
        self._contents.leases.end(lease)
        self._bell.ring()
