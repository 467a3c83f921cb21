"""What a core asks of the metadata store: reads and transactions, a bounded number at a time.

    core ─▶ waiting: one read and one transaction a queue ─▶ lanes ─▶ groups of them ─▶ store
         ◀─ StoreSeen, then StateRead, TransactionDone, -Refused or -Unknown ─┘

A lane takes what is in line as a group. So a queue costs a request of its own while there is little
to do, and a hundredth of one when all queues of a node have to be elected or written.

Every transaction has an outcome. How long it stands in line does not matter: with many queues that
is longer than any answer takes. While the store is away the lanes wait together, and what is in
line is taken back: it was not sent and never will be, so the core need not wait for its sets (R6).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, Protocol, TypeAlias

from cluster.metadata.errors import (
    MetadataError,
    OtherStoreError,
    RecordFormatError,
    StoreWentBackError,
)
from cluster.metadata.grouping import Group, group_of
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

GROUP_MAX: Final = 100
"""Transactions that a lane takes at once. What each of them compares beside its queue is mostly the
same, and leaves them within what one transaction of the store may have."""

STEPS_MAX: Final = 16
"""Outcomes that the core is told in one turn."""

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
                taken = list(islice(line, GROUP_MAX))
                await self._carry_out([line.pop(each) for each in taken])
            else:
                self._news.clear()
                await self._news.wait()

    # -- transactions -----------------------------------------------------------------------------

    async def _carry_out(self, transactions: list[StateTransaction]) -> None:
        """Ask until each has an outcome."""
        done: set[int] = set()
        try:
            await self._settle(transactions, done)
        finally:
            for each in transactions:
                if each.change is Change.ELECT:
                    self._owner.election_ended(each.queue, is_done=each.number in done)

    async def _settle(self, waiting: list[StateTransaction], done: set[int]) -> None:
        """Ask for all of them in groups; the numbers of those that were done come into ``done``."""
        while waiting := [each for each in waiting if self._owner.is_awaited(each.number)]:
            if self._owner.is_frozen():
                # The store went back, so that what it compares says nothing (R21).
                await self._tell(TransactionRefused(each.number) for each in waiting)
                return
            if old := [each for each in waiting if not self._is_current(each)]:
                # The store has moved on, so these would be refused for ever. What is there is read
                # first, as else the core would ask the same again.
                await self._read([each.queue for each in old])
                await self._tell(TransactionRefused(each.number) for each in old)
                waiting = [each for each in waiting if each not in old]
                continue
            asked, member = self._evidence.asked(), self._evidence.member
            known = [self._view.queues[each.queue] for each in waiting]
            group = group_of(
                transaction_of(self._keys, self._node, place, member, each)
                for place, each in zip(known, waiting, strict=True)
            )
            count = len(group.parts)
            taken, rest = waiting[:count], waiting[count:]
            outcome = await self._answer(group.transaction)
            if outcome is None:
                # It was certainly not carried out, and is not sent again.
                await self._tell(TransactionRefused(each.number) for each in waiting)
                return
            waiting = rest
            if isinstance(outcome, Done):
                self._see(asked, outcome.revision, outcome.reads[0])
                done |= {each.number for each in taken}
                await self._tell(self._done(known[:count], taken, outcome.revision))
            elif isinstance(outcome, Refused):
                seen = group.seen(outcome)
                self._see(asked, outcome.revision, seen[self._member_key])
                # Where only the stamp was raised meanwhile, all of it may be asked again.
                is_same = member == self._evidence.member
                again = await self._not_to_blame(taken, group, outcome) if is_same else taken
                waiting = again + rest
            else:
                await self._tell(TransactionUnknown(each.number) for each in taken)

    def _is_current(self, transaction: StateTransaction) -> bool:
        known = self._view.queues.get(transaction.queue)
        return known is not None and known.revision == transaction.expected_revision

    async def _not_to_blame(
        self, taken: list[StateTransaction], group: Group, refused: Refused
    ) -> list[StateTransaction]:
        """Refuse those of which a comparison did not hold; return the others."""
        holding, seen = group.holding(refused), group.seen(refused)
        if all(holding):
            holding = [False] * len(taken)  # The store contradicts itself.
        blamed = [each for each, held in zip(taken, holding, strict=True) if not held]
        for each in () if self._owner.is_frozen() else blamed:
            place = self._view.queues.get(each.queue)
            if place is not None:
                key = self._keys.queue_state(place.vhost, place.name)
                self._take(each.queue, place, seen.get(key))
        await self._tell(TransactionRefused(each.number) for each in blamed)
        return [each for each, held in zip(taken, holding, strict=True) if held]

    def _done(
        self, known: list[KnownQueue], taken: list[StateTransaction], revision: int
    ) -> Iterator[Input]:
        for place, each in zip(known, taken, strict=True):
            stored = stored_after(place, each)
            self._note(each.queue, stored, revision)
            if self._owner.is_awaited(each.number):
                yield TransactionDone(each.number, revision)
            else:
                # The core gave it up. It is settled all the same: the store had this then.
                yield StateRead(each.queue, stored.state, revision, stored.options)

    async def _tell(self, inputs: Iterable[Input]) -> None:
        """Hand many inputs to the core; others have a turn between them."""
        for number, each in enumerate(inputs, 1):
            self._owner.step(each)
            if number % STEPS_MAX == 0:
                await asyncio.sleep(0)

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
