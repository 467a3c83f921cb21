"""Which numbers of a thing are sampled, in which order, and under which names they are shown."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Final, TypeAlias, cast

from amqp_server.broker.views import (
    ChannelCounts,
    ExchangeView,
    FlowView,
    NodeView,
    QueueCounts,
    TrafficCounts,
)

Series: TypeAlias = Mapping[str, tuple[int, ...]]
"""The names of shown numbers, each with the places of the numbers that it is the sum of."""

LENGTHS: Final[Series] = {
    "messages": (0, 1),
    "messages_ready": (0,),
    "messages_unacknowledged": (1,),
}
"""Of queues, vhosts and the node."""

QUEUE_STATS: Final[Series] = {
    "publish": (2,),
    "deliver": (3,),
    "deliver_no_ack": (4,),
    "get": (5,),
    "get_no_ack": (6,),
    "get_empty": (7,),
    "deliver_get": (3, 4, 5, 6),
    "redeliver": (8,),
    "ack": (9,),
}
QUEUE_WIDTH: Final = 10

CHANNEL_STATS: Final[Series] = {
    "publish": (0,),
    "confirm": (1,),
    "return_unroutable": (2,),
    "drop_unroutable": (3,),
    "deliver": (4,),
    "deliver_no_ack": (5,),
    "get": (6,),
    "get_no_ack": (7,),
    "get_empty": (8,),
    "deliver_get": (4, 5, 6, 7),
    "redeliver": (9,),
    "ack": (10,),
}
CHANNEL_WIDTH: Final = 11

PUBLISHES_STATS: Final[Series] = {"publish": (0,)}
PUBLISHES_WIDTH: Final = 1

EXCHANGE_STATS: Final[Series] = {"publish_in": (0,), "publish_out": (1,)}
EXCHANGE_WIDTH: Final = 2

TRAFFIC: Final[Series] = {"recv_oct": (0,), "send_oct": (1,)}
TRAFFIC_WIDTH: Final = 2

TOTALS_LENGTHS: Final[Series] = LENGTHS
TOTALS_STATS: Final[Series] = {
    name: tuple([place + 2 for place in places]) for name, places in CHANNEL_STATS.items()
}
TOTALS_TRAFFIC: Final[Series] = {
    name: tuple([place + 2 + CHANNEL_WIDTH for place in places]) for name, places in TRAFFIC.items()
}
TOTALS_WIDTH: Final = 2 + CHANNEL_WIDTH + TRAFFIC_WIDTH

CHURN: Final[Mapping[str, str]] = {
    "channel_closed": "channel.closed",
    "channel_created": "channel.created",
    "connection_closed": "connection.closed",
    "connection_created": "connection.created",
    "queue_created": "queue.created",
    "queue_declared": "queue.declared",
    "queue_deleted": "queue.deleted",
}
"""Shown names, and the events that they count."""

GAUGES: Final = ("mem_used", "fd_used", "sockets_used", "proc_used", "disk_free")
NODE_SERIES: Final[Series] = {name: (place,) for place, name in enumerate((*GAUGES, *CHURN))}
NODE_WIDTH: Final = len(NODE_SERIES)


of_queue: Final = cast(
    "Callable[[QueueCounts], tuple[int, ...]]",
    itemgetter(
        *[
            QueueCounts._fields.index(name)
            for name in (
                "ready_count",
                "unacked_count",
                "published",
                "delivered",
                "delivered_no_ack",
                "got",
                "got_no_ack",
                "got_empty",
                "redelivered",
                "acked",
            )
        ]
    ),
)
"""Returns the sampled numbers of a queue; a function takes twice as long, of each queue."""


def of_channel(counts: ChannelCounts) -> tuple[int, ...]:
    """Return the sampled numbers of a channel."""
    return (
        counts.published,
        counts.confirmed,
        counts.returns,
        counts.dropped,
        counts.delivered,
        counts.delivered_no_ack,
        counts.got,
        counts.got_no_ack,
        counts.got_empty,
        counts.redelivered,
        counts.acked,
    )


def of_exchange(view: ExchangeView) -> tuple[int, ...]:
    """Return the sampled numbers of an exchange."""
    return view.published, view.routed


def of_traffic(counts: TrafficCounts) -> tuple[int, ...]:
    """Return the sampled numbers of connections."""
    return counts.received_bytes, counts.sent_bytes


def of_totals(flow: FlowView, ready_count: int, unacked_count: int) -> tuple[int, ...]:
    """Return the sampled numbers of a vhost, or of the node.

    Args:
        flow: what channels and connections counted.
        ready_count: messages in all queues that can be delivered.
        unacked_count: messages that are delivered and not settled.
    """
    return (ready_count, unacked_count, *of_channel(flow.channels), *of_traffic(flow.traffic))


def of_node(view: NodeView) -> tuple[int, ...]:
    """Return the sampled numbers of the node itself."""
    used = view.resources
    gauges = (
        0 if used is None else used.memory_bytes,
        0 if used is None else used.descriptors,
        0 if used is None else used.sockets,
        view.connection_count + view.channel_count + view.queue_count,
        0 if used is None or used.disk_free_bytes is None else used.disk_free_bytes,
    )
    return (*gauges, *(view.events[event] for event in CHURN.values()))
