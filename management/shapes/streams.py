"""Streams: their logs, their readers, and super streams."""

from typing import Final

from management.shapes.words import Shapes

STREAMS: Final[Shapes] = {
    "super_stream_row": {
        "name": "string",
        "vhost": "string",
        "type": "string",
        "partitions_count": "count",
        "messages": "count",
        "size_bytes": "count",
        "rate_in": "number",
        "rate_out": "number",
        "consumers": "count",
    },
    "super_stream_matrix": {
        "name": "string",
        "vhost": "string",
        "type": "string",
        "durable": "boolean",
        "partitions": "[@partition]",
        "groups": "[string]",
        "groups_left_out": "count",
    },
    "partition": {
        "name": "string",
        "order": "i64|null",
        "routing_keys": "[string]",
        "bindings_count": "count",
        "leader": "string",
        "state": "=running|=paused",
        "messages": "count",
        "first_offset": "count",
        "next_offset": "count",
        "size_bytes": "count",
        "segments_count": "count",
        "rate_in": "number",
        "rate_out": "number",
        "consumers": "u32",
        "positions": "[@position]",
    },
    "position": {
        "group": "string",
        "stored_offset": "u64|null",
        "next_offset": "u64|null",
        "lag": "count",
        "readers": "count",
        "connection": "string|null",
    },
}
