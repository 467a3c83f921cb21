"""Who asks a store in memory for a core: what it is told, and queues to ask for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cluster.metadata.errors import MetadataError
from cluster.metadata.following.cache import Difference
from cluster.metadata.memory import MemoryStore
from cluster.metadata.port import Done, Item, Put, Transaction
from cluster.metadata.records import StoredMember, encode_member, encode_queue_state
from cluster.node.evidence import Evidence
from cluster.node.pauses import Pauses
from cluster.node.requests import StateRequests
from cluster.node.view import ClusterView
from cluster.replication.identity import DiskIdentity, Identity
from cluster.replication.inputs import (
    Input,
    StoreSeen,
    TransactionDone,
)
from cluster.replication.ready import Change, StateTransaction
from cluster.replication.state import QueueState
from tests.support.cluster_views import KEYS, Told, members, stored

STATE_KEY = KEYS.queue_state("v", "jobs")
MEMBER_KEY = KEYS.key("member", "a")
MEMBER = encode_member(StoredMember("disk a", 3))
NEW = QueueState("a", 5, 1, members("a", "b"))


class Asking:
    """A ``RequestOwner``, and the requests."""

    def __init__(self, store: MemoryStore, view: ClusterView) -> None:
        self.store = store
        self.view = view
        self.identity = Identity(DiskIdentity("disk a", 3))
        self.inputs: list[Input] = []
        self.ended: list[tuple[str, bool]] = []
        self.noted: list[str] = []
        self.errors: list[MetadataError] = []
        self.awaited: set[int] = set()
        self.gives_up = False
        self.heard = asyncio.Event()
        self.evidence = Evidence(self.identity, MEMBER)
        self.requests = StateRequests(
            store,
            KEYS,
            "a",
            view=view,
            evidence=self.evidence,
            owner=self,
            pauses=Pauses(1, 2, lambda: 0.0),
        )

    def step(self, happened: Input) -> None:
        if self.gives_up:
            self.awaited.clear()
        if isinstance(happened, StoreSeen):
            fits = (happened.disk, happened.stamp) == ("disk a", self.identity.disk.stamp)
            fits &= happened.revision >= self.identity.disk.seen_revision
            self.identity.frozen |= not fits
        self.inputs.append(happened)
        self.heard.set()

    def is_awaited(self, number: int) -> bool:
        return number in self.awaited

    def is_frozen(self) -> bool:
        return self.identity.frozen

    def store_is_wrong(self, error: MetadataError) -> None:
        self.errors.append(error)

    def election_ended(self, queue_id: str, *, is_done: bool) -> None:
        self.ended.append((queue_id, is_done))

    def queue_noted(self, queue_id: str) -> None:
        self.noted.append(queue_id)

    def submit(
        self,
        number: int,
        change: Change = Change.SHRINK,
        revision: int = 0,
        *,
        queue_id: str = "q1",
        live: tuple[tuple[str, int], ...] = (),
    ) -> None:
        self.awaited.add(number)
        revision = revision or self.view.queues[queue_id].revision
        self.requests.submit(
            StateTransaction(number, change, queue_id, revision, NEW, "disk a", 3, live)
        )

    def revision(self) -> int:
        """It rises by one with each write."""
        return self.store._contents.revision

    def done(self) -> list[int]:
        return [each.number for each in self.inputs if isinstance(each, TransactionDone)]

    def last(self) -> Input | None:
        return self.inputs[-1] if self.inputs else None

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                self.heard.clear()
                await self.heard.wait()


@asynccontextmanager
async def asking() -> AsyncIterator[Asking]:
    store = MemoryStore(lambda: 0)
    value = encode_queue_state(stored("q1", "b", 6, 1))
    put = await store.transact(Transaction((), (Put(STATE_KEY, value), Put(MEMBER_KEY, MEMBER))))
    assert isinstance(put, Done)
    told = Told()
    told.revision = put.revision - 1
    told.queue(stored("q1", "b", 6, 1))
    asked = Asking(store, told.view)
    lane = asyncio.create_task(asked.requests.run())
    try:
        yield asked
    finally:
        lane.cancel()
        await asyncio.gather(lane, return_exceptions=True)


async def further(asked: Asking, count: int) -> list[str]:
    """Put so many more queues, and return the ids of all that can be asked for then."""
    names = [f"q{number}" for number in range(2, count + 2)]
    for name in names:
        key = KEYS.queue_state("v", name)
        value = encode_queue_state(stored(name, "b", 6, 1))
        put = await asked.store.transact(Transaction((), (Put(key, value),)))
        assert isinstance(put, Done)
        asked.view.take([Difference(key, None, Item(key, value, put.revision, put.revision))])
    return ["q1", *names]
