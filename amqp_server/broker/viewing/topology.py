"""Views of vhosts, queues, exchanges and bindings.

The bindings of one exchange have no lasting order, so their cursor is the number of those shown. If
other bindings went meanwhile, a binding may be shown twice. No binding that stays is left out.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

from sortedcontainers import SortedList

from amqp_server.broker.broker import Broker
from amqp_server.broker.cluster import MirroredView
from amqp_server.broker.keepers.deduplicator import Deduplicator
from amqp_server.broker.pages import PAGE_MAX, PAGE_USUAL, Page, page_of
from amqp_server.broker.vhost import Vhost
from amqp_server.broker.viewing.bindings import BindingView, binding_view
from amqp_server.wire.tables import Table, plain
from exchanges.counters import ExchangeCounters
from queues.consumer_port import ConsumerHandle
from queues.counters import QueueCounts
from queues.ports import QueueState

DEFAULT_EXCHANGE: Final = ""

BindingCursor: TypeAlias = tuple[str, int, int]
"""Source, how many of its bindings were shown, and how many had gone from the vhost by then."""


class VhostView(NamedTuple):
    """A vhost; ``definition`` in ``broker.definitions`` has its description and tags."""

    name: str
    description: str
    tags: tuple[str, ...]
    default_queue_kind: str | None
    limits: Mapping[str, int]
    queue_count: int
    exchange_count: int
    binding_count: int
    connection_count: int
    is_traced: bool = False
    is_protected: bool = False


class SeenView(NamedTuple):
    """What an exchange or a queue that deduplicates remembers.

    Attributes:
        keys: how many, of which some may be over.
        size: the most keys; None is as many as there are messages.
        memory_bytes: what they take, about.
        duplicates: messages that were seen before, from the start of the node.
    """

    keys: int
    size: int | None
    memory_bytes: int
    duplicates: int


class ExchangeView(NamedTuple):
    """An exchange; its messages are counted from the start of the node.

    Attributes:
        policy: name of the policy that applies; None if none does.
        published, routed: messages that came in, and that went out, once for each queue.
        returns, dropped: messages that reached no queue: mandatory ones, and others.
        delayed: messages that wait behind it for their time; None where none can.
        alternate_exchange: gets what matches no binding, by argument or policy; None is none.
        seen: what it remembers to tell duplicates; None where it does not.
    """

    name: str
    vhost: str
    type: str
    durable: bool
    auto_delete: bool
    internal: bool
    arguments: Mapping[str, object]
    policy: str | None
    published: int
    routed: int
    returns: int
    dropped: int
    delayed: int | None = None
    alternate_exchange: str | None = None
    seen: SeenView | None = None


class QueueView(NamedTuple):
    """A queue.

    Attributes:
        owner_number: number of the connection that it belongs to; None is not exclusive.
        policy, operator_policy: names of those that apply; None if none does.
        effective_policy: both, merged.
        single_active_tag: consumer tag of the one that gets messages; None where all do, or nobody.
        exclusive_tag: consumer tag of the one that has the queue for itself; None is nobody.
        may_deliver: whether a consumer is not known to be without credit. The share of looks at
            which it is true is RabbitMQ's consumer capacity.
        spilled_count, spilled_bytes: messages behind the head of a queue whose middle is on disk.
        is_paused: its consumers get nothing.
        seen: keys of its messages, where it deduplicates; None where it does not.
        mirrored: where it is in the cluster, and how safe; None is on this node alone.
    """

    name: str
    vhost: str
    kind: str
    durable: bool
    auto_delete: bool
    exclusive: bool
    arguments: Mapping[str, object]
    owner_number: int | None
    policy: str | None
    operator_policy: str | None
    effective_policy: Mapping[str, object]
    counts: QueueCounts
    single_active_tag: str | None
    exclusive_tag: str | None
    may_deliver: bool
    spilled_count: int = 0
    spilled_bytes: int = 0
    is_paused: bool = False
    seen: SeenView | None = None
    mirrored: MirroredView | None = None


class QueueNumbers(NamedTuple):
    """The numbers of a queue.

    Attributes:
        may_deliver: see ``QueueView``; None is not of one queue.
        deduplicates: whether it tells duplicates by their keys.
    """

    name: str
    kind: str
    may_deliver: bool | None
    counts: QueueCounts
    deduplicates: bool = False


class TopologyViews:
    """The views of what has a name; see ``broker.views``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def vhosts(self, after: str | None = None, max_count: int = PAGE_USUAL) -> Page[str, VhostView]:
        """Return vhosts by name."""
        names: SortedList[str] = SortedList([vhost.name for vhost in self._broker.vhosts()])
        return page_of(names, self.vhost, after, max_count)

    def vhost(self, name: str) -> VhostView | None:
        """Return a vhost; None if there is none."""
        if not self._broker.has_vhost(name):
            return None
        vhost = self._broker.vhost(name)
        kind = vhost.default_queue_kind
        return VhostView(
            name,
            vhost.description,
            vhost.tags,
            None if kind is None else kind.name,
            vhost.limits.as_dict(),
            len(vhost.queues),
            len(vhost.exchanges.names) + 1,
            len(vhost.router.bindings),
            self._broker.count_connections(vhost=name),
            vhost.firehose.is_on,
            vhost.definition.protected is True,
        )

    def queues(
        self, vhost: str, after: str | None = None, max_count: int = PAGE_USUAL
    ) -> Page[str, QueueView]:
        """Return the queues of a vhost by name.

        Raises:
            NotFoundError: there is no such vhost.
        """
        found = self._broker.vhost(vhost)
        names = found.queues.names.in_order()
        return page_of(names, lambda name: self._queue(found, name), after, max_count)

    def queue_counts(
        self, vhost: str, after: str | None = None, max_count: int = PAGE_USUAL
    ) -> Page[str, tuple[str, QueueCounts]]:
        """Return the numbers of the queues of a vhost, with their names, and nothing else.

        Raises:
            NotFoundError: there is no such vhost.
        """
        queues = self._broker.vhost(vhost).queues

        def look(name: str) -> tuple[str, QueueCounts] | None:
            queue = queues.look_at(name)
            return None if queue is None else (name, queue.engine.counts())

        return page_of(queues.names.in_order(), look, after, max_count)

    def queue_numbers(
        self, vhost: str, after: str | None = None, max_count: int = PAGE_USUAL
    ) -> Page[str, QueueNumbers]:
        """Return the numbers of the queues of a vhost, with their names and kinds.

        Raises:
            NotFoundError: there is no such vhost.
        """
        queues = self._broker.vhost(vhost).queues

        def look(name: str) -> QueueNumbers | None:
            queue = queues.look_at(name)
            if queue is None:
                return None
            engine = queue.engine
            state = engine.state()
            deduplicates = state.keys_count is not None
            kind, counts = queue.kind.name, engine.counts()
            return QueueNumbers(name, kind, state.may_deliver, counts, deduplicates)

        return page_of(queues.names.in_order(), look, after, max_count)

    def paused_queues(self, vhost: str) -> tuple[str, ...]:
        """Return the names of the queues of a vhost that are paused.

        Raises:
            NotFoundError: there is no such vhost.
        """
        return tuple(self._broker.vhost(vhost).queues.paused)

    def queue_names(
        self, vhost: str, after: str | None = None, max_count: int = PAGE_MAX
    ) -> Page[str, str]:
        """Return the names of the queues of a vhost, which costs far less than their views.

        Raises:
            NotFoundError: there is no such vhost.
        """
        names = self._broker.vhost(vhost).queues.names.in_order()
        return page_of(names, lambda name: name, after, max_count)

    def queue(self, vhost: str, name: str) -> QueueView | None:
        """Return a queue; None if there is none, or no such vhost."""
        return self._queue(self._broker.vhost(vhost), name) if self._has(vhost) else None

    def exchanges(
        self, vhost: str, after: str | None = None, max_count: int = PAGE_USUAL
    ) -> Page[str, ExchangeView]:
        """Return the exchanges of a vhost by name; the default one is not among them.

        Raises:
            NotFoundError: there is no such vhost.
        """
        found = self._broker.vhost(vhost)
        names = found.exchanges.names.in_order()
        return page_of(names, lambda name: _exchange(found, name), after, max_count)

    def exchange(self, vhost: str, name: str) -> ExchangeView | None:
        """Return an exchange, the default one too; None if there is none, or no such vhost."""
        return _exchange(self._broker.vhost(vhost), name) if self._has(vhost) else None

    def bindings(
        self, vhost: str, after: BindingCursor | None = None, max_count: int = PAGE_USUAL
    ) -> Page[BindingCursor, BindingView]:
        """Return the bindings of a vhost by the names of their sources; see the module.

        The bindings that every queue has to the default exchange are not among them.

        Raises:
            NotFoundError: there is no such vhost.
        """
        found = self._broker.vhost(vhost)
        table, names = found.router.bindings, found.exchanges.names.in_order()
        left = max(1, min(max_count, PAGE_MAX))
        source, start, removed_before = after or ("", 0, table.removed_count)
        start = max(0, start - (table.removed_count - removed_before))
        views: list[BindingView] = []
        for index in range(names.bisect_left(source), len(names)):
            if names[index] != source:
                source, start = names[index], 0
            part = table.part_of_source(source, start, start + left)
            views += [binding_view(vhost, one) for one in part]
            left -= len(part)
            if not left:
                return Page(tuple(views), (source, start + len(part), table.removed_count))
        return Page(tuple(views), None)

    def _has(self, vhost: str) -> bool:
        return self._broker.has_vhost(vhost)

    def _queue(self, vhost: Vhost, name: str) -> QueueView | None:
        queue = vhost.queues.look_at(name)
        if queue is None:
            return None
        durable, exclusive, auto_delete, arguments = queue.properties
        policy, operator_policy = vhost.policies.match("queue", queue.kind.name, name)
        owner, state, cluster = queue.owner, queue.engine.state(), self._broker.cluster
        return QueueView(
            name,
            vhost.name,
            queue.kind.name,
            durable,
            auto_delete,
            exclusive,
            _plain(arguments),
            None if owner is None else self._broker.numbered.number_of(owner),
            None if policy is None else policy.name,
            None if operator_policy is None else operator_policy.name,
            vhost.policies.effective("queue", queue.kind.name, name),
            queue.engine.counts(),
            _tag_of(state.active_consumer),
            _tag_of(state.exclusive_consumer),
            state.may_deliver,
            state.spilled_count,
            state.spilled_bytes,
            queue.is_paused,
            _keys(state),
            None if cluster is None else cluster.queue(vhost.name, name),
        )


def _exchange(vhost: Vhost, name: str) -> ExchangeView | None:
    if name == DEFAULT_EXCHANGE:
        is_durable, is_other = True, False
        numbers = _numbers(vhost.router.default_counters)
        flags = (is_durable, is_other, is_other)
        return ExchangeView(name, vhost.name, "direct", *flags, {}, None, *numbers)
    exchange = vhost.router.exchanges.get(name)
    if exchange is None:
        return None
    kind, durable, auto_delete, internal, arguments = vhost.exchanges.properties_of(name)
    policy, _ = vhost.policies.match("exchange", None, name)
    room = vhost.keepers.room(name)
    return ExchangeView(
        name,
        vhost.name,
        kind,
        durable,
        auto_delete,
        internal,
        _plain(arguments),
        None if policy is None else policy.name,
        *_numbers(exchange.counters),
        None if room is None else room.count(),
        exchange.alternate_exchange,
        _seen(vhost.keepers.deduplicator(name)),
    )


def _keys(state: QueueState) -> SeenView | None:
    count = state.keys_count
    if count is None:
        return None
    return SeenView(count, None, state.keys_bytes, state.duplicates_count)


def _seen(keeper: Deduplicator | None) -> SeenView | None:
    if keeper is None:
        return None
    keys = keeper.seen
    return SeenView(keys.count, keeper.window.size, keys.memory_bytes, keys.duplicates_count)


def _numbers(counters: ExchangeCounters) -> tuple[int, int, int, int]:
    return (
        counters.all_published_count,
        counters.routed_count,
        counters.return_count,
        counters.dropped_count,
    )


def _tag_of(consumer: ConsumerHandle | None) -> str | None:
    return None if consumer is None else consumer.consumer_tag


def _plain(arguments: Table) -> dict[str, object]:
    return {key: plain(field) for key, field in arguments.items()}
