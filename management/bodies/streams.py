"""What clients of the stream protocol do, and what streams keep for them, as JSON.

Source: RabbitMQ 3.10 with rabbitmq_stream_management, recorded answers.
"""

from collections.abc import Mapping
from typing import Any

from amqp_server.broker.views import (
    ConnectionView,
    ConsumerView,
    StreamConsumerView,
    StreamPublisherView,
    StreamSegments,
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


def segments_body(found: StreamSegments) -> dict[str, Any]:
    """Return segments of a stream; times are ms since 1970."""
    return {
        "first_offset": found.first_offset,
        "next_offset": found.next_offset,
        "messages": found.message_count,
        "size_bytes": found.size_bytes,
        "segments_count": found.segment_count,
        "segments": [
            {
                "first_offset": each.first_offset,
                "next_offset": each.next_offset,
                "size_bytes": each.size_bytes,
                "first_timestamp": each.first_timestamp_ms,
                "last_timestamp": each.last_timestamp_ms,
                "compacted": each.is_compacted,
            }
            for each in found.segments
        ],
        "next": found.cursor,
    }


def consumer_reader_body(
    view: ConsumerView, connection: ConnectionView, node: str
) -> dict[str, Any]:
    """Return a consumer as a reader of a stream; its credit is in messages."""
    return {
        "name": view.consumer_tag,
        "protocol": connection.protocol,
        "consumer_tag": view.consumer_tag,
        "channel_number": view.channel_number,
        "offset": view.offset,
        "offset_lag": view.lag,
        "credit": max(view.prefetch - view.unacked, 0) if view.prefetch else None,
        "active": view.is_active,
        "activity_status": view.activity,
        "connection_details": _ends(connection, node),
    }


def subscription_reader_body(
    view: StreamConsumerView, connection: ConnectionView, node: str
) -> dict[str, Any]:
    """Return a subscription as a reader of a stream; its credit is in chunks."""
    return {
        "name": view.properties.get("name", ""),
        "protocol": connection.protocol,
        "consumer_tag": f"stream.subid-{view.subscription_id}",
        "channel_number": 0,
        "offset": view.next_offset,
        "offset_lag": None if view.next_offset is None else view.lag,
        "credit": view.credit,
        "active": view.is_active,
        "activity_status": view.activity,
        "connection_details": _ends(connection, node),
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
