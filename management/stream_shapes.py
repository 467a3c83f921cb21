"""The shapes of ``management.shapes`` that are about streams and their clients."""

from collections.abc import Mapping
from typing import Final

STREAM_SHAPES: Final[Mapping[str, Mapping[str, str]]] = {
    "stream_consumer": {
        "subscription_id": "integer",
        "credits": "integer",
        "consumed": "integer",
        "offset": "integer",
        "offset_lag": "integer",
        "active": "boolean",
        "activity_status": "string",
        "properties": "object",
        "queue": "object",
        "connection_details": "object",
    },
    "stream_look": {
        "offset": "string",
        "place": "string",
        "count": "integer",
        "encoding": "string",
        "truncate": "integer",
        "scan": "integer",
        "filter": "object",
    },
    "stream_publisher": {
        "publisher_id": "integer",
        "reference": "string",
        "published": "integer",
        "confirmed": "integer",
        "errored": "integer",
        "queue": "object",
        "connection_details": "object",
    },
    "stream_reader": {
        "name": "string",
        "protocol": "string",
        "consumer_tag": "string",
        "channel_number": "integer",
        "offset": "integer",
        "offset_lag": "integer",
        "credit": "integer",
        "active": "boolean",
        "activity_status": "string",
        "connection_details": "object",
    },
    "stream_segments": {
        "first_offset": "integer",
        "next_offset": "integer",
        "messages": "integer",
        "size_bytes": "integer",
        "segments_count": "integer",
        "segments": "array",
        "next": "integer",
    },
    "stream_tracking": {"offsets": "object", "writers": "object"},
    "super_stream": {"partitions": "integer", "binding-keys": "string", "arguments": "object"},
}
"""The shapes by their names."""
