"""What the metadata store decides, carried out in the tables of this node.

    follower's copy ── News ──▶ Applier ── a piece in each turn ──▶ vhosts, users, queues, bindings
                                   └── told: the tables have all up to a revision

Nothing else changes definitions of a node in a cluster, but for the exclusive queues of its own
connections. A definition holds while all that it needs is there and was there before it
(``cluster.definitions.references``): what ended, or came after its need was gone, is left out.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count, islice
from typing import Final

from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.awaited import Awaited
from amqp_server.broker.clustered.stored import StoredDefinition, StoredDefinitions
from amqp_server.broker.definitions.definition import QueueDefinition
from amqp_server.broker.definitions.records import RecordError
from amqp_server.broker.definitions.row import Applying
from amqp_server.broker.definitions.table import TABLE, DefinitionTable
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.events import Event, EventKind, Events
from amqp_server.broker.steps import Steps
from amqp_server.broker.turn import Turn
from cluster.definitions.references import References
from cluster.definitions.waiting_queues import exchange_behind
from cluster.metadata.following.cache import Cache, Difference, News
from cluster.metadata.keys import DEFINITION
from cluster.metadata.port import Item, end_of_key, end_of_prefix
from exchanges.errors import ExchangeError

log = logging.getLogger(__name__)

BINDINGS_PER_PIECE: Final = 256
"""Bindings that are looked through in a piece, for those of one queue."""

_NO_ITEM: Final = Item(b"", b"", 0, 0)


class Applier:
    """Changes the tables as it is told; a ``broker.budget.Job`` while there is something to do.

    Args:
        turn: its work is done in.
        stored: keys and values of definitions.
        table: the kinds that there are.

    Attributes:
        revision: the tables have all changes up to here.
        on_applied: called with it, each time that it grew.
    """

    _broker: BrokerTarget

    def __init__(
        self, turn: Turn, stored: StoredDefinitions, table: DefinitionTable = TABLE
    ) -> None:
        self.revision = 0
        self.on_applied: Callable[[int], None] = _tell_nobody
        self._turn = turn
        self._stored = stored
        self._table = table
        self._references = References(stored.keys)
        self._cache = Cache()
        self._applied: dict[bytes, Item] = {}
        self._shadowed: dict[bytes, Item] = {}
        # Queues behind exchanges that are still to come, by the key of the exchange: what one
        # transaction has created is told in the order of its keys, where all is read anew.
        self._early: dict[bytes, Item] = {}
        # News, and queues whose names are free now.
        self._waiting_work: deque[News | bytes] = deque()
        self._steps: Steps[None] | None = None
        self._how = Applying(0, is_restored=True)
        self._numbers = count()
        self._waiting: list[tuple[int, int, Awaited[None]]] = []

    def begin(self, broker: BrokerTarget, events: Events, cache: Cache) -> None:
        """Apply what a copy has, and all that it is told from now on.

        Args:
            broker: whose tables are changed.
            events: the broker's; they tell of exclusive queues that are gone.
            cache: the copy.
        """
        self._broker, self._cache = broker, cache
        events.subscribe(self._on_queue_deleted, (EventKind.QUEUE_DELETED,))
        snapshot = cache.listen(self.hear)
        if snapshot.revision:
            items = self._in_order(snapshot.items)
            found = tuple(Difference(each.key, None, each) for each in items)
            self.hear(News(snapshot.revision, found, is_whole=True))

    def hear(self, news: News) -> None:
        """Apply news behind those that wait; a ``following.cache.Listener``."""
        self._queue(news)

    def told(self, revision: int) -> Awaited[None]:
        """Wait until the tables have all changes up to a revision."""
        awaited = Awaited[None]()
        if revision <= self.revision:
            awaited.set(None)
        else:
            heappush(self._waiting, (revision, next(self._numbers), awaited))
        return awaited

    def step(self, now_ms: int) -> bool:
        """Apply a piece, and more within the budget; return whether all is applied."""
        is_spent, steps = self._turn.budget.is_spent, self._steps
        assert steps is not None, "it is queued while there is news"
        self._how.now_ms = now_ms
        for _ in steps:
            if is_spent():
                return False
        self._steps = None
        return True

    # ── in order ──

    def _in_order(self, items: Iterable[Item]) -> list[Item]:
        """Return items so that each comes behind all that it needs."""

        def rank(item: Item) -> tuple[int, int]:
            place = self._stored.keys.place_of(item.key)
            needed = 0 if place is None else len(self._references.needed_by(item.key))
            return item.create_revision, needed

        return sorted(items, key=rank)

    def _queue(self, what: News | bytes) -> None:
        self._waiting_work.append(what)
        if self._steps is None:
            self._steps = self._applying_all()
            self._turn.resume(self)

    def _applying_all(self) -> Steps[None]:
        while self._waiting_work:
            news = self._waiting_work.popleft()
            if isinstance(news, bytes):
                yield from self._unshadowing(news)
                continue
            for each in news.differences:
                yield from self._applying(each)
                yield
            if news.is_whole:
                yield from self._applying_policies()
                self.revision = max(self.revision, news.revision)
                self._tell()
                self.on_applied(self.revision)

    def _tell(self) -> None:
        waiting = self._waiting
        while waiting and waiting[0][0] <= self.revision:
            heappop(waiting)[2].set(None)

    def _applying_policies(self) -> Steps[None]:
        """Have policies that changed hold for what is there; what comes has them as it comes."""
        changed = self._how.changed_vhosts
        while changed:
            name = changed.popitem()[0]
            if self._broker.has_vhost(name):
                yield from self._broker.vhost(name).applying_policies(self._how.now_ms)

    def _applying(self, change: Difference) -> Steps[None]:
        """Carry a change out; what cannot be is logged, and the others go on."""
        key, after = change.key, change.after
        try:
            applied = self._applied.get(key)
            self._shadowed.pop(key, None)
            is_replaced = after is not None and applied is not None and _is_same(applied, after)
            if applied is not None and not is_replaced:
                yield from self._removing(applied)
            if after is not None:
                yield from self._putting(after)
                early = self._early.pop(key, None)
                if early is not None:
                    yield from self._putting(early)
            else:
                self._forget_early(key)
        except RecordError as error:
            log.warning("definition skipped key=%r reason=%s", key, error)
        except (BrokerError, ExchangeError) as error:
            log.warning("definition refused key=%r reason=%s", key, error)
        except Exception:
            log.exception("definition not applied key=%r", key)

    # ── one definition ──

    def _putting(self, item: Item) -> Steps[None]:
        found = self._applied.get
        missing = self._references.first_missing(item.key, found)
        if missing is not None or not self._references.holds(item, found):
            self._note_early(item)
            return
        stored = self._stored.definition_of(item.key, item.value)
        if stored is None:
            return
        if isinstance(stored.definition, QueueDefinition):
            self._put_queue(item, stored, stored.definition)
        else:
            row = self._table.row_of(stored.definition)
            if row.obeys_policies:
                yield from self._applying_policies()
            row.apply(self._broker, stored.definition, self._how)
            self._applied[item.key] = item

    def _put_queue(self, item: Item, stored: StoredDefinition, queue: QueueDefinition) -> None:
        exchange = exchange_behind(queue.name)
        if exchange is not None:
            keepers = self._broker.vhost(queue.vhost).keepers
            keepers.join(exchange, queue.name, stored.queue_id, self._how.now_ms)
            self._applied[item.key] = item
            return
        queues = self._broker.vhost(queue.vhost).queues
        held = queues.find(queue.name)
        if held is not None and held.owner is not None:
            # A connection of this node was faster than the news. Its queue goes first.
            self._shadowed[item.key] = item
            log.info("queue %r of vhost %r waits for an exclusive one", queue.name, queue.vhost)
            return
        if held is None:
            held = queues.declare(
                queue.name,
                QueueProperties(queue.durable, False, queue.auto_delete, queue.arguments),  # noqa: FBT003
                None,
                self._how.now_ms,
                may_be_reserved=True,
                stored_id=stored.queue_id,
            )
        if held.is_paused is not queue.is_paused:
            queues.pause(held, is_on=queue.is_paused)
        self._applied[item.key] = item

    # ── a queue that came before the exchange whose messages wait in it ──

    def _note_early(self, item: Item) -> None:
        exchange = self._exchange_before(item.key)
        if exchange is not None:
            self._early[exchange] = item

    def _forget_early(self, queue: bytes) -> None:
        exchange = self._exchange_before(queue) if self._early else None
        if exchange is not None and self._early.get(exchange, _NO_ITEM).key == queue:
            del self._early[exchange]

    def _exchange_before(self, queue: bytes) -> bytes | None:
        """Return the exchange whose messages wait in a queue; None where it is no such queue."""
        place = self._stored.keys.place_of(queue)
        if place is None or place.kind != "q" or place.names[2] != DEFINITION:
            return None
        vhost, name, _ = place.names
        exchange = exchange_behind(name)
        return None if exchange is None else self._stored.keys.key("x", vhost, exchange)

    # ── what is gone ──

    def _removing(self, item: Item) -> Steps[None]:
        """Remove what was applied, unless it has ended with what it needed."""
        is_there = self._references.holds(item, self._applied.get)
        del self._applied[item.key]
        if is_there:
            stored = self._stored.definition_of(item.key, item.value)
            assert stored is not None, item.key
            yield from self._erasing(stored)

    def _erasing(self, stored: StoredDefinition) -> Steps[None]:
        steps = self._table.removing(self._broker, stored.definition, self._how.now_ms)
        for _ in steps:
            yield

    # ── an exclusive queue that was in the way ──

    def _on_queue_deleted(self, event: Event) -> None:
        if not self._shadowed:
            return
        key = self._stored.keys.queue_definition(event.vhost, event.name)
        if key in self._shadowed:
            self._queue(key)

    def _unshadowing(self, queue: bytes) -> Steps[None]:
        """Apply a queue whose name is free now, and the bindings that it lacked."""
        item = self._shadowed.get(queue)
        place = self._stored.keys.place_of(queue)
        if item is None or place is None:
            return
        yield from self._applying(Difference(queue, None, item))
        start = self._stored.keys.prefix_of("b", place.names[0])
        end = end_of_prefix(start)
        while piece := list(islice(self._cache.between(start, end), BINDINGS_PER_PIECE)):
            for each in piece:
                if queue in self._references.needed_by(each.key):
                    yield from self._applying(Difference(each.key, None, each))
            start = end_of_key(piece[-1].key)
            yield


def _is_same(applied: Item, after: Item) -> bool:
    """Return whether it was changed, and not deleted and created anew."""
    return applied.create_revision == after.create_revision


def _tell_nobody(_revision: int) -> None:
    """No other node waits for what this one has."""
