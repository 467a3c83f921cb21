"""Rows of lists that other nodes of the cluster have told: kept for a moment, shared by all.

    list ─▶ rows ─┬─ told less than ``FRESH_MS`` ago ──▶ as they are
                  └─ older: one question to each node ─▶ new ones, or after ``ROWS_S`` the old ones

A node that is late is asked once, however many lists there are. Its answer is for the next list.
Rows that are older than ``STALE_MS`` are forgotten: then the list is without them.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from amqp_server.broker.admin import PeerAwayError, PeerRefusedError
from amqp_server.broker.views import QueueCounts, QueueView
from management.forwarding import Peers
from management.node import Node
from management.samples.history import History
from management.samples.sampler import QueueKey
from management.samples.series import QUEUE_WIDTH

T = TypeVar("T")

log = logging.getLogger(__name__)

SUBJECT: Final = "rows"
CONNECTIONS: Final = "connections"
CHANNELS: Final = "channels"
CONSUMERS: Final = "consumers"
QUEUES: Final = "queues"
NODE: Final = "node"

FRESH_MS: Final = 2_000
STALE_MS: Final = 30_000
SHARED_MS: Final = 1_000
ROWS_S: Final = 0.3
"""How long a list waits for other nodes, in seconds."""

ASKED_S: Final = 10.0
"""How long a node may take until it is asked again."""

ANSWERS_MAX: Final = 8
"""Answers of one node for one kind: each has megabytes, and what is beyond is not shown."""

COUNTS: Final = 21
"""Numbers of a queue that are told: all but how messages died."""

NO_COUNTS: Final = QueueCounts()
_MS_PER_S: Final = 1_000


class PeerRow(NamedTuple):
    """A connection, channel, consumer or node of another node.

    Attributes:
        vhost, user: who may see it.
        text: the object as JSON.
    """

    node: str
    vhost: str
    user: str
    name: str
    text: bytes

    def body(self) -> dict[str, Any]:
        """Return the object."""
        body: dict[str, Any] = json.loads(self.text)
        return body


class ToldNumbers(History):
    """The numbers of a queue of another node, and how fast each grows there, in 1/s."""

    __slots__ = ("_rates",)

    def __init__(self, last: Sequence[int], rates: Sequence[float], changed_ms: int) -> None:
        super().__init__(QUEUE_WIDTH, last, changed_ms)
        self._rates = rates

    def growth(self, from_ms: int, to_ms: int) -> Sequence[int] | None:
        """Return by how much each number grew in such a time; None where none has changed."""
        if not self._rates:
            return None
        return [round(rate * (to_ms - from_ms) / _MS_PER_S) for rate in self._rates]


class QueueRow(NamedTuple):
    """A queue that another node leads, or has for itself.

    Attributes:
        numbers: sampled there.
        text: the object as JSON, where that node has the queue for itself; else empty.
    """

    node: str
    vhost: str
    name: str
    counts: QueueCounts
    numbers: ToldNumbers
    single_active_tag: str | None
    exclusive_tag: str | None
    may_deliver: bool
    spilled_count: int
    spilled_bytes: int
    text: bytes

    def on(self, view: QueueView) -> QueueView:
        """Return the view of a queue with what is told of it."""
        return view._replace(
            counts=self.counts,
            single_active_tag=self.single_active_tag,
            exclusive_tag=self.exclusive_tag,
            may_deliver=self.may_deliver,
            spilled_count=self.spilled_count,
            spilled_bytes=self.spilled_bytes,
        )


class _Known(NamedTuple):
    """What a node has told of a kind: rows, or queues."""

    rows: list[PeerRow]
    queues: dict[QueueKey, QueueRow]
    told_ms: int


class PeerRows:
    """What other nodes have told.

    Args:
        node: the broker of this node.
        own: name of this node.
        peers: the other nodes; None is a node in no cluster, and nothing is told.
    """

    def __init__(self, node: Node, own: str, peers: Peers | None) -> None:
        self._node = node
        self._own = own
        self._peers = peers
        self._known: dict[tuple[str, str], _Known] = {}
        self._queues: tuple[list[_Known], Mapping[QueueKey, QueueRow]] = [], {}
        self._asking: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._shared: dict[object, tuple[int, asyncio.Task[Any]]] = {}

    @property
    def is_clustered(self) -> bool:
        """Whether there are other nodes that may tell anything."""
        return self._peers is not None

    async def things(self, kind: str, sees: Callable[[PeerRow], bool]) -> list[PeerRow]:
        """Return connections, channels, consumers or nodes of other nodes, as far as one sees."""
        slices, seen = self._node.slices, list[PeerRow]()
        for known in await self._told(kind):
            for row in known.rows:
                if sees(row):
                    seen.append(row)
                if slices.is_spent():
                    await slices.pause()
        return seen

    async def queues(self) -> Mapping[QueueKey, QueueRow]:
        """Return the queues of other nodes; nobody may change it, as all who ask share it."""
        told = await self._told(QUEUES)
        if list(map(id, told)) != list(map(id, self._queues[0])):
            queues: dict[QueueKey, QueueRow] = {}
            for known in told:
                queues.update(known.queues)
            self._queues = told, queues
        return self._queues[1]

    async def queue(self, vhost: str, name: str) -> QueueRow | None:
        """Return a queue that another node leads; None: this one does, or nothing is told."""
        if self._peers is None or self._node.views.leader_of(vhost, name) == self._own:
            return None
        place = vhost, name
        told = await self._told(QUEUES)
        return next((known.queues[place] for known in told if place in known.queues), None)

    async def shared(self, key: object, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what something comes to, made once for all who ask for it within a moment."""
        now_ms = self._node.now_ms()
        known = self._shared.get(key)
        if known is None or now_ms - known[0] > SHARED_MS:
            old = [each for each, (at_ms, _) in self._shared.items() if now_ms - at_ms > SHARED_MS]
            for each in old:
                del self._shared[each]
            known = now_ms, asyncio.get_running_loop().create_task(make())
            self._shared[key] = known
        made: T = await asyncio.shield(known[1])
        return made

    async def stop(self) -> None:
        """Ask nobody any more."""
        asking = (*self._asking.values(), *[task for _, task in self._shared.values()])
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    # -- inside -----------------------------------------------------------------------------------

    async def _told(self, kind: str) -> list[_Known]:
        if self._peers is None:
            return []
        members = self._node.views.cluster_nodes()
        names = [each.name for each in members if each.is_running and each.name != self._own]
        now_ms = self._node.now_ms()
        late = [
            self._asked(self._peers, name, kind)
            for name in names
            if not self._is_told(name, kind, now_ms, FRESH_MS)
        ]
        if late:
            await asyncio.wait(late, timeout=ROWS_S)
        for place in [place for place in self._known if place[0] not in names]:
            del self._known[place]
        told = [name for name in names if self._is_told(name, kind, now_ms, STALE_MS)]
        return [self._known[name, kind] for name in told]

    def _is_told(self, name: str, kind: str, now_ms: int, age_max_ms: int) -> bool:
        known = self._known.get((name, kind))
        return known is not None and now_ms - known.told_ms <= age_max_ms

    def _asked(self, peers: Peers, name: str, kind: str) -> asyncio.Task[None]:
        """Return what asks a node, once at a time."""
        place = name, kind
        task = self._asking.get(place)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(peers, name, kind))
            self._asking[place] = task
            task.add_done_callback(lambda _: self._asking.pop(place, None))
        return task

    async def _ask(self, peers: Peers, name: str, kind: str) -> None:
        known = _Known([], {}, self._node.now_ms())
        skipped: int | None = 0
        try:
            for _ in range(ANSWERS_MAX):
                question = json.dumps([kind, skipped]).encode()
                answer = await peers.ask(name, SUBJECT, question, ASKED_S)
                head, *lines = answer.split(b"\n")
                skipped = json.loads(head)
                await self._take(known, name, kind, lines)
                if skipped is None:
                    break
        except (PeerAwayError, PeerRefusedError) as error:
            log.debug("rows kind=%s of=%s: %s", kind, name, error)
        except (ValueError, TypeError, IndexError, RecursionError) as error:
            log.warning("rows kind=%s of=%s make no sense: %s", kind, name, error)
        else:
            self._known[name, kind] = known

    async def _take(self, known: _Known, name: str, kind: str, lines: Iterable[bytes]) -> None:
        slices = self._node.slices
        view = self._node.views.node()
        wall_offset_ms = view.wall_ms - view.now_ms
        for line in lines:
            head, _, text = line.partition(b"\t")
            if kind == QUEUES:
                row = _queue_row(name, json.loads(head), wall_offset_ms, text)
                known.queues[row.vhost, row.name] = row
            else:
                vhost, user, its_name = map(str, json.loads(head))
                known.rows.append(PeerRow(name, vhost, user, its_name, text))
            if slices.is_spent():
                await slices.pause()


def _queue_row(node: str, told: Any, wall_offset_ms: int, text: bytes) -> QueueRow:  # noqa: ANN401
    """Return a row of ``told_rows``.

    Raises:
        ValueError, TypeError, IndexError: it is none.
    """
    vhost, name, counts, last, rates, changed_ms, single, exclusive, delivers, *spilled = told
    numbers = [int(each) for each in last]
    if len(numbers) != QUEUE_WIDTH or len(counts) != COUNTS or (rates and len(rates) != len(last)):
        raise ValueError("a queue with other numbers")
    return QueueRow(
        node,
        str(vhost),
        str(name),
        QueueCounts._make([*[int(each) for each in counts], *NO_COUNTS[COUNTS:]]),
        ToldNumbers(numbers, [float(each) for each in rates], int(changed_ms) - wall_offset_ms),
        None if single is None else str(single),
        None if exclusive is None else str(exclusive),
        bool(delivers),
        int(spilled[0]),
        int(spilled[1]),
        text,
    )
