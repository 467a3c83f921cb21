"""What clients of the stream protocol do, and what streams keep for them, as JSON.

Source: RabbitMQ 3.10 with rabbitmq_stream_management, recorded answers.
"""

from collections.abc import Mapping
from typing import Any

from amqp_server.broker.views import (
    ConnectionView,
    StreamConsumerView,
    StreamPublisherView,
    StreamTracking,
)
from management.bodies.connections import NO_TIMEOUT_MS


def stream_publisher_body(
    view: StreamPublisherView, connection: ConnectionView, node: str
) -> dict[str, Any]:
    """Return a publisher."""
    return {
        "publisher_id": view.publisher_id,
        "reference": view.reference,
        "published": view.published,
        "confirmed": view.confirmed,
        "errored": view.errored,
        "queue": {"name": view.stream_name, "vhost": view.vhost},
        "connection_details": _ends(connection, node),
    }


def stream_consumer_body(
    view: StreamConsumerView, connection: ConnectionView, node: str
) -> dict[str, Any]:
    """Return a subscription, as the routes of streams have it."""
    return {
        "subscription_id": view.subscription_id,
        "credits": view.credit,
        "consumed": view.consumed,
        "offset": view.offset,
        "offset_lag": view.lag,
        "active": view.is_active,
        "activity_status": view.activity,
        "properties": dict(view.properties),
        "queue": {"name": view.stream_name, "vhost": view.vhost},
        "connection_details": _ends(connection, node),
    }


def consumer_body_of_stream(
    view: StreamConsumerView, connection: ConnectionView, node: str
) -> dict[str, Any]:
    """Return a subscription, as it stands among all consumers: it has no channel."""
    return {
        "consumer_tag": f"stream.subid-{view.subscription_id}",
        "queue": {"name": view.stream_name, "vhost": view.vhost},
        "channel_details": {
            "name": "",
            "number": 0,
            "node": node,
            "connection_name": connection.name,
            "peer_host": connection.peer_host,
            "peer_port": connection.peer_port,
            "user": connection.username,
        },
        "ack_required": False,
        "exclusive": False,
        "prefetch_count": 0,
        "active": view.is_active,
        "activity_status": view.activity,
        "arguments": dict(view.properties),
        "consumer_timeout": NO_TIMEOUT_MS,
        "offset_lag": view.lag,
    }


def tracking_body(tracking: StreamTracking, kind: str) -> dict[str, Any]:
    """Return what a stream keeps by reference.

    Args:
        tracking: of the stream.
        kind: ``offset`` and ``writer`` are one half of it; anything else is all.
    """
    body: dict[str, Any] = {}
    if kind != "writer":
        body["offsets"] = dict(tracking.offsets)
    if kind != "offset":
        body["writers"] = dict(tracking.publishing_ids)
    return body


def _ends(connection: ConnectionView, node: str) -> Mapping[str, Any]:
    return {
        "name": connection.name,
        "node": node,
        "user": connection.username,
        "peer_host": connection.peer_host,
        "peer_port": connection.peer_port,
    }
