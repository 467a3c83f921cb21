"""Views of the node as a whole, and the sums of what is counted in it."""

from collections.abc import Mapping
from typing import NamedTuple

from amqp_server.broker.broker import Broker
from amqp_server.broker.counts import ChannelCounts, TrafficCounts
from amqp_server.broker.events import EventKind
from amqp_server.broker.protocol_counts import ProtocolCounts
from amqp_server.broker.resources import LagView, ResourceView
from amqp_server.broker.steps import Steps
from amqp_server.wire.framing import SIZE_BOUNDS_BYTES
from queues.counters import QueueCounts


class NodeView(NamedTuple):
    """The node.

    Attributes:
        now_ms: the time of this turn (instant).
        wall_ms: the same in ms since 1970, to turn other instants into times of day.
        alarm: the resources that run low, as in connection.blocked; empty if none does.
        waiting_count: queues and jobs that wait for a turn: the run queue.
        events: number of events of each kind, by name: the churn.
        resources: what the node has of the machine; None where nobody measures it.
    """

    now_ms: int
    wall_ms: int
    alarm: str
    vhost_count: int
    queue_count: int
    connection_count: int
    channel_count: int
    consumer_count: int
    waiting_count: int
    events: Mapping[str, int]
    resources: ResourceView | None


class TotalsView(NamedTuple):
    """What was counted in a vhost or in the node since the start, with all that is gone.

    Attributes:
        channels: by channels: publishes, deliveries, settlements. RabbitMQ's message_stats.
        queues: by queues, and how much is in them now.
        traffic: by connections.
    """

    channels: ChannelCounts
    queues: QueueCounts
    traffic: TrafficCounts


class FlowView(NamedTuple):
    """The part of ``TotalsView`` that does not look at queues, of which there may be many.

    Attributes:
        channels: by channels: publishes, deliveries, settlements.
        traffic: by connections.
    """

    channels: ChannelCounts
    traffic: TrafficCounts


class SizesView(NamedTuple):
    """How many messages of each size came, also such as were refused for another reason.

    Attributes:
        counts: the largest size of a class in bytes, and how many messages are of it; None is of
            all larger ones.
        total_bytes: of all messages.
    """

    counts: tuple[tuple[int | None, int], ...]
    total_bytes: int


class CountedView(NamedTuple):
    """What was counted in the node since the start, by protocol and by kind of queue.

    Attributes:
        channels: by channels, and commands that publish and get.
        queues: by queues of each kind, by its name; one that no queue is of may be missing.
        traffic: by connections.
        protocols: what no channel counts, by RabbitMQ's word for the protocol.
        sizes: of the messages that came over AMQP.
        exchange_duplicates: messages that exchanges had seen before.
    """

    channels: ChannelCounts
    queues: Mapping[str, QueueCounts]
    traffic: TrafficCounts
    protocols: Mapping[str, ProtocolCounts]
    sizes: SizesView
    exchange_duplicates: int = 0


class NodeViews:
    """The views of the node; see ``broker.views``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def node(self) -> NodeView:
        """Return the state of the node."""
        broker = self._broker
        counts = broker.events.counts
        look, now_ms = broker.look_at_resources, broker.turn.now_ms
        alarms = broker.alarms
        return NodeView(
            now_ms,
            broker.wall_ms(now_ms),
            alarms.reason if alarms.is_on else "",
            len(tuple(broker.vhosts())),
            broker.count_queues(),
            broker.count_connections(),
            counts[EventKind.CHANNEL_CREATED] - counts[EventKind.CHANNEL_CLOSED],
            counts[EventKind.CONSUMER_CREATED] - counts[EventKind.CONSUMER_DELETED],
            broker.turn.waiting_count,
            {kind.value: count for kind, count in counts.items()},
            None if look is None else look(),
        )

    def loop_lag(self, age_ms: int | None = None) -> LagView | None:
        """Return how late the loop was; None where nobody measures it.

        Args:
            age_ms: in the last so many ms, an hour at most; None is since the start.
        """
        look = self._broker.look_at_lag
        return None if look is None else look(age_ms)

    def totals(self, vhost: str | None = None) -> Steps[TotalsView]:
        """Return the sums of a vhost, or of the node (None), in steps. No counter ever falls.

        Raises:
            NotFoundError: there is no such vhost.
        """
        broker = self._broker
        totals = broker.totals if vhost is None else broker.vhost(vhost).totals
        channels = yield from totals.channels.summing()
        queues = yield from totals.queues.summing()
        traffic = yield from totals.traffic.summing()
        return TotalsView(channels, queues, traffic)

    def counted(self) -> Steps[CountedView]:
        """Return what was counted in the node, in steps. No counter ever falls."""
        totals = self._broker.totals
        channels = yield from totals.channels.summing()
        queues = yield from totals.queues.summing_by_kind()
        traffic = yield from totals.traffic.summing()
        duplicates = (yield from totals.duplicates.summing()).duplicates
        protocols = {name: each.counts() for name, each in self._broker.protocols.items()}
        return CountedView(channels, queues, traffic, protocols, self._sizes(), duplicates)

    def _sizes(self) -> SizesView:
        sizes = self._broker.message_sizes
        bounds = (*SIZE_BOUNDS_BYTES, None)
        return SizesView(tuple(zip(bounds, sizes.counts, strict=True)), sizes.total_bytes)

    def flow(self, vhost: str | None = None) -> Steps[FlowView]:
        """Return the sums of channels and connections alone; see ``totals``.

        Raises:
            NotFoundError: there is no such vhost.
        """
        broker = self._broker
        totals = broker.totals if vhost is None else broker.vhost(vhost).totals
        channels = yield from totals.channels.summing()
        traffic = yield from totals.traffic.summing()
        return FlowView(channels, traffic)
