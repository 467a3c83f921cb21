"""Connections, channels and consumers as JSON.

Names are RabbitMQ's: that of a connection is its two ends, that of a channel has its number too.
"""

from collections.abc import Mapping
from typing import Any, Final

from amqp_server.broker.views import ChannelView, ConnectionView, ConsumerView, PublishesView
from management.bodies.messages import header_value
from management.bodies.stats import NO_ERLANG, idle_since, with_details
from management.lists.ranges import Ranges
from management.samples import series
from management.samples.details import Looks
from management.samples.history import History

NO_TIMEOUT_MS: Final = 0
"""What clients that want a number get for a consumer that may hold a delivery for ever."""


def channel_name(connection: ConnectionView, number: int) -> str:
    """Return the name of a channel."""
    return f"{connection.name} ({number})"


def connection_body(
    view: ConnectionView,
    node: str,
    wall_offset_ms: int,
    numbers: History | None,
    looks: Looks,
    ranges: Ranges,
) -> dict[str, Any]:
    """Return a connection.

    Args:
        view: of the connection.
        node: name of the node.
        wall_offset_ms: turns an instant into ms since 1970.
        numbers: its traffic over time; None as long as it was not looked at.
        looks: when connections were looked at.
        ranges: samples that the request asks for.
    """
    properties = header_value(dict(view.client_properties))
    body: dict[str, Any] = {
        "name": view.name,
        "node": node,
        "vhost": view.vhost,
        "user": view.username,
        "user_who_performed_action": view.username,
        "type": "network",
        "protocol": view.protocol,
        "state": view.state,
        "host": view.host,
        "port": view.port,
        "peer_host": view.peer_host,
        "peer_port": view.peer_port,
        "channels": view.channels_open,
        "channel_max": view.channel_max,
        "frame_max": view.frame_max_bytes,
        "timeout": view.heartbeat_s,
        "connected_at": view.opened_at_ms + wall_offset_ms,
        "auth_mechanism": view.auth_mechanism,
        "client_properties": properties,
        "ssl": view.tls_version is not None,
        "ssl_protocol": view.tls_version,
        "ssl_cipher": view.tls_cipher,
        "ssl_hash": None,
        "ssl_key_exchange": None,
        "peer_cert_subject": view.certificate_subject,
        "peer_cert_issuer": view.certificate_issuer,
        "peer_cert_validity": view.certificate_validity,
        "recv_cnt": view.received_count,
        "send_cnt": view.sent_count,
        "send_pend": view.unsent_bytes,
    }
    given = view.client_properties.get("connection_name")
    if isinstance(given, str):
        body["user_provided_name"] = given
    traffic = (view.received_bytes, view.sent_bytes)
    return (
        body | with_details(numbers, series.TRAFFIC, looks, ranges.data_rates, traffic) | NO_ERLANG
    )


def single_connection_body(body: dict[str, Any]) -> dict[str, Any]:
    """Return a connection as it is shown alone: what TLS does not say is then an empty text."""
    return body | {key: "" for key in _TLS if body[key] is None}


_TLS: Final = (
    "peer_cert_issuer",
    "peer_cert_subject",
    "peer_cert_validity",
    "ssl_cipher",
    "ssl_hash",
    "ssl_key_exchange",
    "ssl_protocol",
)


def bare_connection_body(view: ConnectionView, node: str) -> dict[str, Any]:
    """Return a connection as lists without statistics, and those of a user, have it."""
    return {"name": view.name, "vhost": view.vhost, "user": view.username, "node": node}


def channel_body(
    view: ChannelView,
    connection: ConnectionView,
    node: str,
    numbers: History | None,
    looks: Looks,
    ranges: Ranges,
) -> dict[str, Any]:
    """Return a channel; see ``connection_body``."""
    stats = series.CHANNEL_STATS
    now = series.of_channel(view.counts)
    return {
        "name": channel_name(connection, view.number),
        "number": view.number,
        "node": node,
        "vhost": view.vhost,
        "user": view.username,
        "user_who_performed_action": view.username,
        "connection_details": _ends(connection),
        "state": "running",
        "confirm": view.confirms,
        "transactional": view.is_transactional,
        "prefetch_count": view.prefetch,
        "global_prefetch_count": view.shared_prefetch,
        "consumer_count": view.consumer_count,
        "messages_unacknowledged": view.counts.unacked,
        "messages_unconfirmed": view.counts.unconfirmed,
        "messages_uncommitted": view.uncommitted,
        "acks_uncommitted": view.unsettled,
        "pending_raft_commands": 0,
        "message_stats": with_details(numbers, stats, looks, ranges.msg_rates, now),
        **idle_since(numbers, looks),
        **NO_ERLANG,
    }


def publishes_body(view: PublishesView, numbers: History | None, looks: Looks) -> dict[str, Any]:
    """Return what a channel published to an exchange."""
    now = (view.published,)
    return {
        "exchange": {"name": view.exchange, "vhost": view.vhost},
        "stats": with_details(numbers, series.PUBLISHES_STATS, looks, None, now),
    }


def consumer_body(view: ConsumerView, connection: ConnectionView, node: str) -> dict[str, Any]:
    """Return a consumer."""
    timeout_ms = NO_TIMEOUT_MS if view.timeout_ms is None else view.timeout_ms
    body: dict[str, Any] = {
        "consumer_tag": view.consumer_tag,
        "queue": {"name": view.queue_name, "vhost": view.vhost},
        "channel_details": {
            "name": channel_name(connection, view.channel_number),
            "number": view.channel_number,
            "node": node,
            "connection_name": connection.name,
            "peer_host": connection.peer_host,
            "peer_port": connection.peer_port,
            "user": connection.username,
        },
        "ack_required": not view.no_ack,
        "exclusive": view.exclusive,
        "prefetch_count": view.prefetch,
        "active": view.is_active,
        "activity_status": view.activity,
        "arguments": header_value(dict(view.arguments)),
        "consumer_timeout": timeout_ms,
    }
    if view.lag is not None:
        body["offset_lag"] = view.lag
    return body


def _ends(connection: ConnectionView) -> Mapping[str, Any]:
    return {
        "name": connection.name,
        "peer_host": connection.peer_host,
        "peer_port": connection.peer_port,
    }
