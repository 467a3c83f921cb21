"""The node as JSON: itself, its listeners, its memory, and the types of exchanges that it has."""

import gc
import resource
from collections.abc import Mapping
from typing import Any, Final

from amqp_server.broker.views import EXCHANGE_TYPES, ListenerView, NodeView
from management.identity import Identity

_DESCRIPTIONS: Final[Mapping[str, str]] = {
    "direct": "AMQP direct exchange, as per the AMQP specification",
    "fanout": "AMQP fanout exchange, as per the AMQP specification",
    "headers": "AMQP headers exchange, as per the AMQP specification",
    "topic": "AMQP topic exchange, as per the AMQP specification",
    "x-consistent-hash": "Shares keys out by their hash, in proportion to weights",
    "x-message-deduplication": "Routes a message to all queues, unless its key was seen before",
    "x-modulus-hash": "Shares keys out by their hash",
    "x-federation-upstream": "What a downstream broker takes; made by federation",
    "x-random": "One queue, chosen by chance",
    "x-recent-history": "Keeps the last messages for queues that are bound later",
    "x-super-stream": "Shares keys out over the partitions of a super stream",
}
"""What types of exchanges do; one without is shown with its name."""

AUTH_MECHANISMS: Final[Mapping[str, str]] = {
    "PLAIN": "SASL PLAIN authentication mechanism",
    "AMQPLAIN": "QPid AMQPLAIN mechanism",
    "EXTERNAL": "TLS peer verification using SASL EXTERNAL mechanism",
}

PLUGINS: Final = (
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_management",
    "rabbitmq_random_exchange",
    "rabbitmq_recent_history_exchange",
    "rabbitmq_stream",
)
"""RabbitMQ's names of what this node can do, which tools look for."""

ERLANG_LIMIT: Final = 1_048_576
"""RabbitMQ's limit of processes, for a tool that divides by it."""

U32_MAX: Final = 0xFFFF_FFFF
"""RabbitMQ's clients read an unsigned number of 32 bits: after 49 days it begins anew."""

_NO_COUNTERS: Final = (
    "io_reopen_count",
    "io_seek_count",
    "io_sync_count",
    "mnesia_disk_tx_count",
    "mnesia_ram_tx_count",
    "msg_store_read_count",
    "msg_store_write_count",
    "queue_index_read_count",
    "queue_index_write_count",
    "io_read_bytes",
    "io_read_count",
    "io_write_bytes",
    "io_write_count",
    "gc_bytes_reclaimed",
)
_NO_TIMES: Final = (
    "io_read_avg_time",
    "io_seek_avg_time",
    "io_sync_avg_time",
    "io_write_avg_time",
)
"""Counters of RabbitMQ's storage, for which this node has nothing to count."""

_NO_QUEUE_LENGTHS: Final = (
    "connection_closed",
    "channel_closed",
    "consumer_deleted",
    "exchange_deleted",
    "queue_deleted",
    "vhost_deleted",
    "node_node_deleted",
    "channel_consumer_deleted",
)

_NO_RATE: Final[Mapping[str, float]] = {"rate": 0.0}


_PAGES: Final = {"http": "RabbitMQ Management", "http/prometheus": "RabbitMQ Prometheus"}
"""RabbitMQ's words for what is served by HTTP, by the name of the protocol."""

_PURPOSES: Final[Mapping[str, str]] = {"x-federation-upstream": "federation"}
"""What types of exchanges are for that only brokers make."""


def exchange_types() -> list[dict[str, Any]]:
    """Return the types of exchanges; some are made by brokers only."""
    return [
        {"name": name, "description": _DESCRIPTIONS.get(name, name), "enabled": True}
        | ({"internal_purpose": _PURPOSES[name]} if name in _PURPOSES else {})
        for name in EXCHANGE_TYPES
    ]


def protocol_of(listener: ListenerView) -> str:
    """Return RabbitMQ's name of what a listener speaks."""
    if listener.protocol in _PAGES:
        return listener.protocol.replace("http", "https" if listener.is_tls else "http")
    return f"{listener.protocol}/ssl" if listener.is_tls else listener.protocol


def listeners_of(view: NodeView) -> list[ListenerView]:
    """Return the TCP listeners of the node."""
    used = view.resources
    return [] if used is None else [each for each in used.listeners if each.port]


def listeners_body(view: NodeView, node: str) -> list[dict[str, Any]]:
    """Return the listeners as the overview has them."""
    return [
        {
            "node": node,
            "protocol": protocol_of(each),
            "ip_address": each.address,
            "port": each.port,
            "socket_opts": {"backlog": 128, "nodelay": True},
            "tls": each.is_tls,
        }
        for each in listeners_of(view)
    ]


def contexts_body(view: NodeView, node: str | None) -> list[dict[str, Any]]:
    """Return the web pages of the node; the port is a text, as in RabbitMQ.

    Args:
        view: of the node.
        node: its name; None leaves it out, as where the node is shown itself.
    """
    named = {} if node is None else {"node": node, "ssl_opts": []}
    return [
        {
            **named,
            "description": _PAGES[each.protocol],
            "path": "/",
            "ip": each.address,
            "port": str(each.port),
            "cowboy_opts": "[{sendfile,false}]",
        }
        for each in listeners_of(view)
        if each.protocol in _PAGES
    ]


def node_body(view: NodeView, identity: Identity, rates_mode: str) -> dict[str, Any]:
    """Return the node, without the numbers that have samples (``series.NODE_SERIES``)."""
    used = view.resources
    usage = resource.getrusage(resource.RUSAGE_SELF)
    counted = {
        "context_switches": usage.ru_nvcsw + usage.ru_nivcsw,
        "gc_num": sum(each["collections"] for each in gc.get_stats()),
        **dict.fromkeys(_NO_COUNTERS, 0),
        **dict.fromkeys(_NO_TIMES, 0.0),
    }
    body: dict[str, Any] = {
        "name": identity.node,
        "type": "disc",
        "running": True,
        "being_drained": False,
        "os_pid": str(identity.pid),
        "uptime": 0 if used is None else used.uptime_ms & U32_MAX,
        "run_queue": view.waiting_count,
        "processors": identity.processors,
        "partitions": [],
        "cluster_links": [],
        "rates_mode": rates_mode,
        "net_ticktime": 60,
        "db_dir": identity.data_dir,
        "config_files": list(identity.config_files),
        "log_files": ["<stderr>"],
        "enabled_plugins": list(PLUGINS),
        "exchange_types": exchange_types(),
        "auth_mechanisms": [
            {"name": name, "description": text, "enabled": True}
            for name, text in AUTH_MECHANISMS.items()
        ],
        "applications": [
            {"name": "rabbit", "description": "RabbitMQ", "version": identity.rabbitmq_version},
            {"name": "haremq", "description": identity.product, "version": identity.version},
        ],
        "contexts": contexts_body(view, None),
        "rabbitmq_version": identity.rabbitmq_version,
        "erlang_version": identity.runtime,
        "erlang_full_version": identity.runtime_text,
        "crypto_lib_version": identity.crypto,
        "metrics_gc_queue_length": dict.fromkeys(_NO_QUEUE_LENGTHS, 0),
        "ra_open_file_metrics": {"ra_log_wal": 0, "ra_log_segment_writer": 0},
        **_limits(view),
    }
    for name, value in counted.items():
        body[name] = value
        body[f"{name}_details"] = _NO_RATE
    return body


def _limits(view: NodeView) -> dict[str, Any]:
    """Return limits and alarms; no limit is 0, as tools divide by those that there are."""
    used = view.resources
    return {
        "mem_limit": 0 if used is None else used.memory_limit_bytes,
        "mem_alarm": "memory" in view.alarm,
        "mem_calculation_strategy": "rss",
        "disk_free_limit": 0 if used is None else used.disk_limit_bytes,
        "disk_free_alarm": "disk" in view.alarm,
        "fd_total": 0 if used is None else min(used.descriptors_max, U32_MAX),
        "sockets_total": 0 if used is None else min(used.sockets_max, U32_MAX),
        "proc_total": ERLANG_LIMIT,
    }


_MEMORY_PARTS: Final = (
    "connection_readers",
    "connection_writers",
    "connection_channels",
    "connection_other",
    "queue_procs",
    "queue_slave_procs",
    "quorum_queue_procs",
    "quorum_queue_dlx_procs",
    "stream_queue_procs",
    "stream_queue_replica_reader_procs",
    "stream_queue_coordinator_procs",
    "plugins",
    "metadata_store",
    "other_proc",
    "metrics",
    "mgmt_db",
    "mnesia",
    "quorum_ets",
    "metadata_store_ets",
    "other_ets",
    "binary",
    "msg_index",
    "code",
    "atom",
    "other_system",
    "allocated_unused",
    "reserved_unallocated",
)


def memory_body(resident_bytes: int, messages_bytes: int, kept_bytes: int = 0) -> dict[str, Any]:
    """Return where the memory is: in messages, or elsewhere. The other parts are Erlang's.

    Args:
        resident_bytes: of the whole process; 0 is not known.
        messages_bytes: what messages take.
        kept_bytes: what management keeps for its answers.
    """
    known = min(messages_bytes, resident_bytes)
    kept = min(kept_bytes, resident_bytes - known)
    return {
        **dict.fromkeys(_MEMORY_PARTS, 0),
        "binary": known,
        "mgmt_db": kept,
        "other_system": resident_bytes - known - kept,
        "strategy": "rss",
        "total": dict.fromkeys(("erlang", "rss", "allocated"), resident_bytes),
    }


def relative_memory_body(
    resident_bytes: int, messages_bytes: int, kept_bytes: int = 0
) -> dict[str, Any]:
    """Return the same in hundredths of the whole."""
    whole = memory_body(resident_bytes, messages_bytes, kept_bytes)
    shares = {name: round(100 * whole[name] / max(resident_bytes, 1)) for name in _MEMORY_PARTS}
    return {"total": 100, **shares}
