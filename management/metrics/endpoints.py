"""What each endpoint shows: a table of groups.

/metrics                     all together
/metrics/per-object          each queue, channel, connection and exchange
/metrics/detailed            chosen families, under names of their own
/metrics/memory-breakdown    where the memory is
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from amqp_server.broker.views import NodeView, QueueCounts, QueueNumbers
from management.identity import Identity
from management.metrics import connections, node, protocols, queues
from management.metrics.cluster import cluster_groups
from management.metrics.family import (
    CLUSTER,
    DETAILED,
    GAUGE,
    HAREMQ,
    HAREMQ_DETAILED,
    RABBITMQ,
    Family,
    Group,
    itself,
)
from management.metrics.memory import memory_groups
from management.metrics.selection import Selection
from management.metrics.sources import Sources

Groups: TypeAlias = AsyncIterator[Group]


@dataclass(frozen=True, slots=True)
class About:
    """What a scrape knows besides the numbers.

    Attributes:
        identity: of the node.
        cluster: name of the cluster.
        cluster_id: of the cluster, for ever.
        started_s: when the process started, since 1970.
    """

    identity: Identity
    cluster: str
    cluster_id: str
    started_s: float


@dataclass(frozen=True, slots=True)
class Scrape:
    """One request for metrics.

    Attributes:
        about: the node.
        sources: the things.
        selection: of families.
    """

    about: About
    sources: Sources
    selection: Selection

    @property
    def view(self) -> NodeView:
        """The node, now."""
        return self.sources.node.views.node()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path that is scraped.

    Attributes:
        name: RabbitMQ's word for it.
        registry: the same in the metrics of scrapes.
        prefix: of the names of its metrics.
        groups: makes them.
    """

    name: str
    registry: str
    prefix: str
    groups: Callable[[Scrape], Groups]


async def _of_node(scrape: Scrape) -> Groups:
    """Yield what is the same whether things are shown together or each."""
    view = scrape.view
    for families in (
        node.ALARMS,
        node.CHURN,
        node.COARSE,
        node.METRICS,
        node.PERSISTER,
        node.PRESENT,
    ):
        yield node.node_group(families, view)
    counted = await scrape.sources.counted()
    yield node.auth_group(scrape.sources.node.views.logins_by_protocol())
    for group in (
        *protocols.global_groups(counted, view.consumer_count),
        *node.runtime_groups(scrape.about.started_s),
        *node.lag_groups(scrape.sources.node.views.loop_lag()),
    ):
        yield group
    views = scrape.sources.node.views
    whole = views.cluster()
    if whole is not None:
        census = await scrape.sources.census()
        for group in cluster_groups(whole, views.cluster_nodes(), views.cluster_links(), census):
            yield group


async def _aggregated(scrape: Scrape) -> Groups:
    async for group in _of_node(scrape):
        yield group
    sources = scrape.sources
    counted = await sources.counted()
    total = QueueCounts()
    for counts in counted.queues.values():
        total = total.plus(counts)
    together = ((node.EVERYTHING, queues.thing_of(QueueNumbers("", "", None, total))),)
    yield Group((*queues.COARSE, *queues.METRICS, *queues.DELIVERY, *queues.PUBLISHED), together)
    together_now = await sources.of_connections()
    channels = ((node.EVERYTHING, together_now.channels),)
    yield Group(
        (*connections.CHANNEL, *connections.CHANNEL_EXCHANGE, *connections.CHANNEL_QUEUE), channels
    )
    opened = ((node.EVERYTHING, together_now.connections),)
    yield Group((*connections.CONNECTION_COARSE, *connections.CONNECTION), opened)
    # Exchanges that are gone count too, and so do those of channels that are.
    exchanges = ((node.EVERYTHING, counted.channels),)
    yield Group((*connections.EXCHANGE, *connections.EXCHANGE_CONFIRMED), exchanges)
    lags = [each[1] for each in await sources.lags()]
    yield Group(connections.LAG, ((node.EVERYTHING, max(lags, default=0)),))
    yield Group(queues.DUPLICATES, together, HAREMQ)
    (family,) = connections.EXCHANGE_DUPLICATES
    duplicates = ((node.EVERYTHING, counted.exchange_duplicates),)
    yield Group((family._replace(pick=itself),), duplicates, HAREMQ)


async def _per_object(scrape: Scrape) -> Groups:
    async for group in _of_node(scrape):
        yield group
    for name in PER_OBJECT:
        for group in await DETAILED_FAMILIES[name](scrape):
            yield group


async def _detailed(scrape: Scrape) -> Groups:
    for name, make in DETAILED_FAMILIES.items():
        if name in scrape.selection.families:
            for group in await make(scrape):
                yield replace(group, prefix=HAREMQ_DETAILED) if group.prefix == HAREMQ else group


async def _memory(scrape: Scrape) -> Groups:
    counted, used = await scrape.sources.counted(), scrape.view.resources
    for group in memory_groups(counted.queues, 0 if used is None else used.memory_bytes):
        yield group


# ── the families of /metrics/detailed ──


async def _queue_coarse(scrape: Scrape) -> list[Group]:
    items = await scrape.sources.queues()
    return [Group(queues.COARSE, items), Group(queues.INFO, items, key_of=queues.info_key)]


async def _queue_metrics(scrape: Scrape) -> list[Group]:
    has_consumers = "queue_consumer_count" in scrape.selection.families
    families = [
        each for each in queues.METRICS if not has_consumers or each not in queues.CONSUMER_COUNT
    ]
    return [Group(families, await scrape.sources.queues())]


async def _queue_consumer_count(scrape: Scrape) -> list[Group]:
    return [Group(queues.CONSUMER_COUNT, await scrape.sources.queues())]


async def _queue_delivery(scrape: Scrape) -> list[Group]:
    return [Group(queues.DELIVERY, await scrape.sources.queues())]


async def _queue_published(scrape: Scrape) -> list[Group]:
    items = await scrape.sources.queues()
    return [Group(queues.PUBLISHED, items, key_of=queues.published_key)]


async def _duplicates(scrape: Scrape) -> list[Group]:
    sources = scrape.sources
    exchanges = [item for item in await sources.exchanges() if item[1].seen is not None]
    found = list(filter(queues.deduplicates, await sources.queues()))
    return [
        Group(connections.EXCHANGE_DUPLICATES, exchanges, HAREMQ),
        Group(queues.DUPLICATES, found, HAREMQ),
    ]


async def _exchange_metrics(scrape: Scrape) -> list[Group]:
    return [Group(connections.EXCHANGE, await scrape.sources.exchanges())]


async def _exchange_bindings(scrape: Scrape) -> list[Group]:
    text = "Bindings that an exchange is the source of"
    items = await scrape.sources.bindings()
    return [Group((Family("exchange_bindings", GAUGE, text, itself),), items, CLUSTER)]


async def _exchange_names(scrape: Scrape) -> list[Group]:
    items = await scrape.sources.exchanges()
    family = Family("exchange_name", GAUGE, "An exchange, and its type", lambda _: 1)
    return [Group((family,), items, CLUSTER, connections.key_with_type)]


async def _vhost_status(scrape: Scrape) -> list[Group]:
    family = Family("vhost_status", GAUGE, "1 if a vhost runs", itself)
    return [Group((family,), scrape.sources.vhost_items(), CLUSTER)]


async def _connection_coarse(scrape: Scrape) -> list[Group]:
    return [Group(connections.CONNECTION_COARSE, await scrape.sources.connections())]


async def _connection_metrics(scrape: Scrape) -> list[Group]:
    return [Group(connections.CONNECTION, await scrape.sources.connections())]


async def _channel_metrics(scrape: Scrape) -> list[Group]:
    return [Group(connections.CHANNEL, await scrape.sources.channels())]


async def _channel_exchange(scrape: Scrape) -> list[Group]:
    items = await scrape.sources.channels()
    return [Group(connections.CHANNEL_EXCHANGE, items, key_of=connections.key_with_vhost)]


async def _channel_queue(scrape: Scrape) -> list[Group]:
    items = await scrape.sources.channels()
    return [Group(connections.CHANNEL_QUEUE, items, key_of=connections.key_with_vhost)]


async def _stream_consumers(scrape: Scrape) -> list[Group]:
    return [Group(connections.LAG, await scrape.sources.lags())]


async def _auth_attempts(scrape: Scrape) -> list[Group]:
    return [node.auth_group(scrape.sources.node.views.logins_by_protocol())]


def _node_families(families: tuple[Family, ...]) -> "Maker":
    async def make(scrape: Scrape) -> list[Group]:
        return [node.node_group(families, scrape.view)]

    return make


Maker: TypeAlias = Callable[[Scrape], Awaitable[list[Group]]]

DETAILED_FAMILIES: Final[Mapping[str, Maker]] = {
    "queue_coarse_metrics": _queue_coarse,
    "queue_metrics": _queue_metrics,
    "queue_consumer_count": _queue_consumer_count,
    "queue_delivery_metrics": _queue_delivery,
    "channel_queue_exchange_metrics": _queue_published,
    "exchange_metrics": _exchange_metrics,
    "exchange_bindings": _exchange_bindings,
    "exchange_names": _exchange_names,
    "vhost_status": _vhost_status,
    "connection_coarse_metrics": _connection_coarse,
    "connection_metrics": _connection_metrics,
    "connection_churn_metrics": _node_families(node.CHURN),
    "channel_metrics": _channel_metrics,
    "channel_exchange_metrics": _channel_exchange,
    "channel_queue_metrics": _channel_queue,
    "stream_consumer_metrics": _stream_consumers,
    "node_coarse_metrics": _node_families(node.COARSE),
    "node_metrics": _node_families(node.METRICS),
    "node_persister_metrics": _node_families(node.PERSISTER),
    "auth_attempt_metrics": _auth_attempts,
    "deduplication_metrics": _duplicates,
}
"""RabbitMQ's names of families, and the last one ours; one that is not here is shown empty."""

PER_OBJECT: Final = (
    "queue_coarse_metrics",
    "queue_metrics",
    "queue_delivery_metrics",
    "channel_queue_exchange_metrics",
    "exchange_metrics",
    "connection_coarse_metrics",
    "connection_metrics",
    "channel_metrics",
    "channel_exchange_metrics",
    "channel_queue_metrics",
    "stream_consumer_metrics",
    "deduplication_metrics",
)

ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    path: Endpoint(name, registry, prefix, groups)
    for path, name, registry, prefix, groups in (
        ("", "aggregated", "default", RABBITMQ, _aggregated),
        ("per-object", "per-object", "per-object", RABBITMQ, _per_object),
        ("detailed", "detailed", "detailed", DETAILED, _detailed),
        ("memory-breakdown", "memory-breakdown", "memory-breakdown", RABBITMQ, _memory),
    )
}
"""The endpoints, by their paths below ``/metrics/``."""


async def groups_of(endpoint: Endpoint, scrape: Scrape) -> Groups:
    """Yield everything that an endpoint shows, but the metrics of scrapes."""
    async for group in endpoint.groups(scrape):
        yield group
    about = scrape.about
    for group in node.identity_groups(
        about.identity, about.cluster, about.cluster_id, endpoint.name
    ):
        yield group
