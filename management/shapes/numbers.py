"""Numbers with their rates, and what they are the sums of."""

from typing import Final

from management.shapes.words import Shape, Shapes

_DELIVERED: Final[Shape] = {
    "deliver": "count+",
    "deliver_no_ack": "count+",
    "get": "count+",
    "get_no_ack": "count+",
    "get_empty": "count+",
    "deliver_get": "count+",
    "redeliver": "count+",
    "ack": "count+",
}

_STATS: Final[Shape] = {
    "publish": "count+",
    "confirm": "count+",
    "return_unroutable": "count+",
    "drop_unroutable": "count+",
    **_DELIVERED,
}

NUMBERS: Final[Shapes] = {
    "rate": {
        "rate": "number",
        "samples?": "[@sample]",
        "avg_rate?": "number",
        "avg?": "number",
    },
    "sample": {
        "sample": "count",
        "timestamp": "count",
    },
    "page": {
        "filtered_count": "count",
        "item_count": "count",
        "items": "array",
        "page": "count",
        "page_count": "count",
        "page_size": "count",
        "total_count": "count",
    },
    "channel_stats": _STATS,
    "exchange_stats": {
        "publish_in": "count+",
        "publish_out": "count+",
    },
    "queue_stats": {"publish": "count+", **_DELIVERED},
    "overview_stats": {
        **_STATS,
        "disk_reads": "count+",
        "disk_writes": "count+",
    },
    "vhost_stats": _STATS,
    "queue_totals": {
        "messages": "count+",
        "messages_ready": "count+",
        "messages_unacknowledged": "count+",
    },
    "churn_rates": {
        "channel_closed": "u32+",
        "channel_created": "u32+",
        "connection_closed": "u32+",
        "connection_created": "u32+",
        "queue_created": "u32+",
        "queue_declared": "u32+",
        "queue_deleted": "u32+",
    },
    "object_totals": {
        "channels": "count",
        "connections": "count",
        "consumers": "count",
        "exchanges": "count",
        "queues": "count",
    },
    "garbage_collection": {
        "fullsweep_after": "count",
        "max_heap_size": "count",
        "min_bin_vheap_size": "count",
        "min_heap_size": "count",
        "minor_gcs": "count",
    },
}
