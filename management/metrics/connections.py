"""Metrics of channels, connections and exchanges: of each, or of all together."""

from operator import attrgetter
from typing import Any, Final, NamedTuple

from amqp_server.broker.views import (
    ChannelCounts,
    ChannelView,
    ConnectionView,
    ExchangeView,
)
from management.metrics.family import COUNTER, GAUGE, Family, Item
from management.metrics.text import labels


def _of(name: str) -> Any:  # noqa: ANN401 -- attrgetter, which is faster than a function
    return attrgetter(f"counts.{name}")


class ChannelTotals(NamedTuple):
    """The numbers of all channels; ``counts`` are also of those that are gone."""

    consumer_count: int
    uncommitted: int
    unsettled: int
    prefetch: int
    shared_prefetch: int
    counts: ChannelCounts


class ConnectionTotals(NamedTuple):
    """The numbers of all connections; the counters are also of those that are gone."""

    received_bytes: int
    sent_bytes: int
    received_count: int
    sent_count: int
    unsent_bytes: int
    channels_open: int


CHANNEL: Final = (
    Family("channel_consumers", GAUGE, "Consumers on a channel", attrgetter("consumer_count")),
    Family("channel_messages_unacked", GAUGE, "Deliveries that are not settled", _of("unacked")),
    Family(
        "channel_messages_unconfirmed",
        GAUGE,
        "Publishes without an answer",
        _of("unconfirmed"),
    ),
    Family(
        "channel_messages_uncommitted",
        GAUGE,
        "Publishes that a transaction holds",
        attrgetter("uncommitted"),
    ),
    Family(
        "channel_acks_uncommitted",
        GAUGE,
        "Settlements that a transaction holds",
        attrgetter("unsettled"),
    ),
    Family("consumer_prefetch", GAUGE, "Prefetch of each consumer", attrgetter("prefetch")),
    Family(
        "channel_prefetch",
        GAUGE,
        "Prefetch of all together",
        attrgetter("shared_prefetch"),
    ),
)
CHANNEL_EXCHANGE: Final = (
    Family("channel_messages_published_total", COUNTER, "Messages published", _of("published")),
    Family(
        "channel_messages_confirmed_total",
        COUNTER,
        "Publishes that were confirmed",
        _of("confirmed"),
    ),
    Family(
        "channel_messages_unroutable_returned_total",
        COUNTER,
        "Mandatory messages that reached no queue",
        _of("returns"),
    ),
    Family(
        "channel_messages_unroutable_dropped_total",
        COUNTER,
        "Other messages that reached no queue",
        _of("dropped"),
    ),
)
CHANNEL_QUEUE: Final = (
    Family("channel_get_ack_total", COUNTER, "Messages got, to be acked", _of("got")),
    Family("channel_get_total", COUNTER, "Messages got without ack", _of("got_no_ack")),
    Family(
        "channel_messages_delivered_ack_total",
        COUNTER,
        "Messages delivered to consumers, to be acked",
        _of("delivered"),
    ),
    Family(
        "channel_messages_delivered_total",
        COUNTER,
        "Messages delivered to consumers without ack",
        _of("delivered_no_ack"),
    ),
    Family(
        "channel_messages_redelivered_total",
        COUNTER,
        "Messages that may have been delivered before",
        _of("redelivered"),
    ),
    Family("channel_messages_acked_total", COUNTER, "Deliveries acked", _of("acked")),
    Family("channel_get_empty_total", COUNTER, "Gets that found nothing", _of("got_empty")),
)
CONNECTION_COARSE: Final = (
    Family(
        "connection_incoming_bytes_total",
        COUNTER,
        "Octets received on connections",
        attrgetter("received_bytes"),
    ),
    Family(
        "connection_outgoing_bytes_total",
        COUNTER,
        "Octets sent on connections",
        attrgetter("sent_bytes"),
    ),
)


def _unsent(connection: ConnectionView | ConnectionTotals) -> int:
    return 1 if connection.unsent_bytes else 0


CONNECTION: Final = (
    Family(
        "connection_incoming_packets_total",
        COUNTER,
        "Reads of connections that brought octets",
        attrgetter("received_count"),
    ),
    Family(
        "connection_outgoing_packets_total",
        COUNTER,
        "Writes to connections",
        attrgetter("sent_count"),
    ),
    Family("connection_pending_packets", GAUGE, "1 if output waits", _unsent),
    Family("connection_channels", GAUGE, "Channels on a connection", attrgetter("channels_open")),
)
EXCHANGE: Final = (
    Family(
        "exchange_messages_published_total",
        COUNTER,
        "Messages published to an exchange",
        attrgetter("published"),
    ),
    Family(
        "exchange_messages_unroutable_returned_total",
        COUNTER,
        "Mandatory messages that reached no queue",
        attrgetter("returns"),
    ),
    Family(
        "exchange_messages_unroutable_dropped_total",
        COUNTER,
        "Other messages that reached no queue",
        attrgetter("dropped"),
    ),
)
EXCHANGE_CONFIRMED: Final = (
    Family(
        "exchange_messages_confirmed_total",
        COUNTER,
        "Publishes that were confirmed",
        attrgetter("confirmed"),
    ),
)
EXCHANGE_DUPLICATES: Final = (
    Family(
        "exchange_duplicates_total",
        COUNTER,
        "Messages that exchanges had seen before",
        lambda view: view.seen.duplicates,
    ),
)
LAG: Final = (
    Family(
        "stream_consumer_max_offset_lag",
        GAUGE,
        "Messages that the slowest consumer of a stream has still to get",
        lambda lag: lag,
    ),
)


def connection_item(view: ConnectionView) -> Item:
    """Return a connection; two may have one name, and none have one number."""
    return (labels(channel=view.name, connection=str(view.number)), view)


def channel_item(view: ChannelView, connection_name: str) -> Item:
    """Return a channel, with its name in RabbitMQ's form."""
    name = f"{connection_name} ({view.number})"
    return (labels(channel=name, connection=str(view.connection_number)), view)


def key_with_vhost(item: Item) -> str:
    """Return the labels of a channel, with its vhost."""
    return item[0].removesuffix("}") + "," + labels(vhost=item[1].vhost)[1:]


def key_with_type(item: Item) -> str:
    """Return the labels of an exchange, with its type."""
    return item[0].removesuffix("}") + "," + labels(type=item[1].type)[1:]


def exchange_item(view: ExchangeView) -> Item:
    """Return an exchange; the default one has an empty name."""
    return (labels(vhost=view.vhost, exchange=view.name), view)
