"""What a core asks of the metadata store: reads and transactions, a bounded number at a time.

    core ─▶ waiting: one read and one transaction a queue ─▶ lanes ─▶ store
         ◀─ StoreSeen, then StateRead, TransactionDone, -Refused or -Unknown ─┘

Every transaction has an outcome. How long it stands in line does not matter: with many queues that
is longer than any answer takes. While the store is away the lanes wait together, and what is in
line is taken back: it was not sent and never will be, so the core need not wait for its sets (R6).
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import islice
from typing import Final, Protocol, TypeAlias

from cluster.metadata.errors import (
    MetadataError,
    OtherStoreError,
    RecordFormatError,
    StoreWentBackError,
)
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Done, Item, MetadataStore, Outcome, Read, Refused, Transaction
from cluster.metadata.records import StoredQueueState, decode_queue_state
from cluster.node.evidence import Asked, Evidence
from cluster.node.pauses import Pauses
from cluster.node.transactions import stored_after, transaction_of
from cluster.node.view import ClusterView, KnownQueue
from cluster.replication.inputs import (
    Input,
    StateRead,
    TransactionDone,
    TransactionRefused,
    TransactionUnknown,
)
from cluster.replication.ready import Change, StateTransaction

log = logging.getLogger(__name__)

READS_MAX: Final = 64
"""Queues that one request reads."""

_NOT_URGENT: Final = (Change.GROW, Change.OPTIONS)
"""A node that comes back is taken into many queues; others wait for a dead one to be taken out."""

Step: TypeAlias = Callable[[Input], None]


class RequestOwner(Protocol):
    """The node that has the core."""

    def step(self, happened: Input) -> None:
        """Hand an input to the core, and do what it asks for."""

    def is_awaited(self, number: int) -> bool:
        """Return whether the core still waits for a transaction."""

    def is_frozen(self) -> bool:
        """Return whether the core does not believe the store."""

    def store_is_wrong(self, error: MetadataError) -> None:
        """The store says itself that it went back, or is another one."""

    def election_ended(self, queue_id: str, *, is_done: bool) -> None:
        """The store has answered to an election, or it is not known what came of it."""

    def queue_noted(self, queue_id: str) -> None:
        """The view knows something newer of a queue than the follower has told."""


class StateRequests:
    """The lanes.

    Args:
        store, keys, node: where, and who asks.
        view: what is known of queues; it learns what is read and written.
        evidence: of the own record.
        owner: of the core.
        pauses: while the store is away.
    """

    def __init__(
        self,
        store: MetadataStore,
        keys: KeySpace,
        node: str,
        *,
        view: ClusterView,
        evidence: Evidence,
        owner: RequestOwner,
        pauses: Pauses,
    ) -> None:
        self._store = store
        self._keys = keys
        self._node = node
        self._view = view
        self._evidence = evidence
        self._owner = owner
        self._pauses = pauses
        self._reads: dict[str, None] = {}
        # Elections, what a queue waits for, what it gets beside that: by queue.
        self._lines: tuple[dict[str, StateTransaction], ...] = ({}, {}, {})
        self._member_key = keys.key("member", node)
        self._news = asyncio.Event()

    @property
    def waiting_count(self) -> int:
        """How many requests no lane has taken yet."""
        return len(self._reads) + sum(map(len, self._lines))

    def submit(self, transaction: StateTransaction) -> None:
        """Carry a transaction out; there is one of a queue at a time, and one election."""
        at = 0 if transaction.change is Change.ELECT else 1 + (transaction.change in _NOT_URGENT)
        self._lines[at][transaction.queue] = transaction
        self._news.set()

    def read(self, queue_id: str) -> None:
        """Read a queue's state."""
        self._reads[queue_id] = None
        self._news.set()

    async def run(self) -> None:
        """Be one lane, until cancelled."""
        while True:
            # A transaction that expects an old revision needs a read before all else.
            if self._reads:
                queue_ids = list(islice(self._reads, READS_MAX))
                for each in queue_ids:
                    del self._reads[each]
                await self._read(queue_ids)
            elif (line := next(filter(None, self._lines), None)) is not None:
                await self._carry_out(line.pop(next(iter(line))))
            else:
                self._news.clear()
                await self._news.wait()

    # -- transactions -----------------------------------------------------------------------------

    async def _carry_out(self, transaction: StateTransaction) -> None:
        is_done = False
        try:
            is_done = await self._settled(transaction)
        finally:
            if transaction.change is Change.ELECT:
                self._owner.election_ended(transaction.queue, is_done=is_done)

    async def _settled(self, transaction: StateTransaction) -> bool:
        """Ask until there is an outcome; return whether it was done."""
        number = transaction.number
        while self._owner.is_awaited(number):
            known = self._view.queues.get(transaction.queue)
            if known is None or known.revision != transaction.expected_revision:
                # The store has moved on, so it would be refused for ever. What is there is read
                # first, as else the core would ask the same again.
                await self._read([transaction.queue])
                self._owner.step(TransactionRefused(number))
                return False
            asked, member = self._evidence.asked(), self._evidence.member
            request = transaction_of(self._keys, self._node, known, member, transaction)
            outcome = await self._answer(request)
            if outcome is None:
                # It was certainly not carried out, and is not sent again.
                self._owner.step(TransactionRefused(number))
                return False
            if not isinstance(outcome, Done | Refused):
                self._owner.step(TransactionUnknown(number))
                return False
            self._see(asked, outcome.revision, outcome.reads[0])
            if isinstance(outcome, Done):
                stored = stored_after(known, transaction)
                self._note(transaction.queue, stored, outcome.revision)
                self._tell_done(transaction, stored, outcome.revision)
                return True
            if member == self._evidence.member:
                self._owner.step(TransactionRefused(number))
                return False
            # Only the stamp was raised meanwhile; it was not carried out, so it may be asked again.
        return False

    def _tell_done(
        self, transaction: StateTransaction, stored: StoredQueueState, revision: int
    ) -> None:
        if self._owner.is_awaited(transaction.number):
            self._owner.step(TransactionDone(transaction.number, revision))
        else:
            # The core gave it up. It is settled all the same: this is what the store had then.
            happened = StateRead(transaction.queue, stored.state, revision, stored.options)
            self._owner.step(happened)

    # -- reads ------------------------------------------------------------------------------------

    async def _read(self, queue_ids: list[str]) -> None:
        while True:
            known = [(each, self._view.queues.get(each)) for each in queue_ids]
            places = [(each, place) for each, place in known if place is not None]
            keys = [self._keys.queue_state(place.vhost, place.name) for _, place in places]
            if not keys:
                return
            asked = self._evidence.asked()
            reads = tuple(Read(key) for key in (self._member_key, *keys))
            outcome = await self._answer(Transaction(then=reads))
            if isinstance(outcome, Done):
                break
            if outcome is not None:
                await self._pauses.wait()
        self._see(asked, outcome.revision, outcome.reads[0])
        if self._owner.is_frozen():
            return
        for (queue_id, place), item in zip(places, outcome.reads[1:], strict=True):
            self._take(queue_id, place, item)

    def _take(self, queue_id: str, place: KnownQueue, item: Item | None) -> None:
        if item is None:
            return
        try:
            stored = decode_queue_state(item.value)
        except RecordFormatError as error:
            log.warning("queue=%s vhost=%s: %s", place.name, place.vhost, error)
            return
        if stored.queue_id == queue_id:
            self._note(queue_id, stored, item.mod_revision)
            self._owner.step(StateRead(queue_id, stored.state, item.mod_revision, stored.options))

    # -- both -------------------------------------------------------------------------------------

    async def _answer(self, request: Transaction) -> Outcome | None:
        """Return an outcome; None: it was certainly not carried out, and may be asked again."""
        try:
            outcome = await self._store.transact(request)
        except (OtherStoreError, StoreWentBackError) as error:
            self._owner.store_is_wrong(error)
        except MetadataError as error:
            log.debug("the metadata store: %s", error)
        else:
            if isinstance(outcome, Done | Refused):
                self._pauses.answered()
            return outcome
        await self._pauses.wait()
        self._take_back()
        return None

    def _take_back(self) -> None:
        """Refuse all transactions that are in line: who still wants them asks again."""
        for line in self._lines:
            for transaction in list(line.values()):
                del line[transaction.queue]
                self._owner.step(TransactionRefused(transaction.number))
                if transaction.change is Change.ELECT:
                    self._owner.election_ended(transaction.queue, is_done=False)

    def _see(self, asked: Asked, revision: int, member: Item | None) -> None:
        self._owner.step(self._evidence.seen(asked, revision, member))

    def _note(self, queue_id: str, stored: StoredQueueState, revision: int) -> None:
        if self._view.note(queue_id, stored, revision):
            self._owner.queue_noted(queue_id)
