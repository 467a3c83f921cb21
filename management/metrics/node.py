"""Metrics of the node: what came and went, what it has of the machine, and who it is."""

import gc
import os
import platform
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

from amqp_server.broker.views import AttemptsView, LagView, NodeView
from management.identity import Identity
from management.metrics.family import (
    COUNTER,
    GAUGE,
    HISTOGRAM,
    PLAIN,
    UNTYPED,
    Family,
    Group,
    Item,
    Number,
    itself,
)
from management.metrics.text import labels

MS_PER_S: Final = 1_000
US_PER_S: Final = 1_000_000
ONE: Final = 1
EVERYTHING: Final = ""
"""The key of what there is one of."""

LOGIN_PROTOCOLS: Final = ("amqp091", "stream", "http")
"""RabbitMQ's words for what a user may log in by."""

CLUSTER_ID: Final = "rabbitmq-cluster-id-"
CLUSTER_ID_BYTES: Final = 16


def _event(name: str) -> Callable[[NodeView], int]:
    return lambda view: view.events[name]


def _used(name: str) -> Callable[[NodeView], Number | None]:
    look = attrgetter(name)
    return lambda view: None if view.resources is None else look(view.resources)


def _uptime_s(view: NodeView) -> Number | None:
    return None if view.resources is None else view.resources.uptime_ms / MS_PER_S


def _alarm(resource: str) -> Callable[[NodeView], int]:
    return lambda view: int(resource in view.alarm)


def _never(_view: NodeView) -> int:
    return 0


CHURN: Final = (
    Family("connections_opened_total", COUNTER, "Connections opened", _event("connection.created")),
    Family("connections_closed_total", COUNTER, "Connections closed", _event("connection.closed")),
    Family("channels_opened_total", COUNTER, "Channels opened", _event("channel.created")),
    Family("channels_closed_total", COUNTER, "Channels closed", _event("channel.closed")),
    Family("queues_declared_total", COUNTER, "Queues declared", _event("queue.declared")),
    Family("queues_created_total", COUNTER, "Queues created", _event("queue.created")),
    Family("queues_deleted_total", COUNTER, "Queues deleted", _event("queue.deleted")),
)
COARSE: Final = (
    Family("process_open_fds", GAUGE, "Open file descriptors", _used("descriptors")),
    Family("process_open_tcp_sockets", GAUGE, "Open connections", _used("sockets")),
    Family("process_resident_memory_bytes", GAUGE, "Memory of the process", _used("memory_bytes")),
    Family(
        "disk_space_available_bytes",
        GAUGE,
        "Free space on the disk of the data directory",
        _used("disk_free_bytes"),
    ),
)
METRICS: Final = (
    Family("process_max_fds", GAUGE, "Limit of file descriptors", _used("descriptors_max")),
    Family("process_max_tcp_sockets", GAUGE, "Limit of connections", _used("sockets_max")),
    Family(
        "resident_memory_limit_bytes",
        GAUGE,
        "Memory above which the alarm is on",
        _used("memory_limit_bytes"),
    ),
    Family(
        "disk_space_available_limit_bytes",
        GAUGE,
        "Free space below which the alarm is on",
        _used("disk_limit_bytes"),
    ),
    Family(
        "erlang_scheduler_run_queue",
        GAUGE,
        "Queues and jobs that wait for a turn",
        attrgetter("waiting_count"),
    ),
    Family("erlang_uptime_seconds", GAUGE, "Time since the node listens", _uptime_s),
)
PERSISTER: Final = tuple(
    Family(name, COUNTER, "Not counted by this broker: always 0", _never)
    for name in (
        *(f"io_{each}_ops_total" for each in ("read", "write", "sync", "seek", "reopen")),
        *(f"io_{each}_bytes_total" for each in ("read", "write")),
        *(f"io_{each}_time_seconds_total" for each in ("read", "write", "sync", "seek")),
        *(f"msg_store_{each}_total" for each in ("read", "write")),
        *(f"queue_index_{each}_ops_total" for each in ("read", "write")),
        *(f"schema_db_{each}_tx_total" for each in ("ram", "disk")),
    )
)
"""What RabbitMQ's storage counts; dashboards ask for some of it."""

PRESENT: Final = (
    Family("connections", GAUGE, "Connections that are open", attrgetter("connection_count")),
    Family("channels", GAUGE, "Channels that are open", attrgetter("channel_count")),
    Family("consumers", GAUGE, "Consumers", attrgetter("consumer_count")),
    Family("queues", GAUGE, "Queues", attrgetter("queue_count")),
)
ALARMS: Final = (
    Family("alarms_file_descriptor_limit", UNTYPED, "Always 0: clients wait instead", _never),
    Family("alarms_free_disk_space_watermark", UNTYPED, "1 while the disk is low", _alarm("disk")),
    Family("alarms_memory_used_watermark", UNTYPED, "1 while memory is low", _alarm("memory")),
)
AUTH: Final = (
    Family(
        "auth_attempts_total",
        COUNTER,
        "Attempts to log in",
        lambda each: each.accepted + each.refused,
    ),
    Family(
        "auth_attempts_succeeded_total",
        COUNTER,
        "Attempts to log in that were right",
        attrgetter("accepted"),
    ),
    Family(
        "auth_attempts_failed_total",
        COUNTER,
        "Attempts to log in that were refused",
        attrgetter("refused"),
    ),
)


def node_group(families: Sequence[Family], view: NodeView) -> Group:
    """Return families of the node."""
    return Group(families, ((EVERYTHING, view),))


def auth_group(attempts: Sequence[AttemptsView]) -> Group:
    """Return the attempts to log in, by protocol, also of one that had none yet."""
    found = {each.protocol: each for each in attempts}
    shown = [found.get(name) or AttemptsView("", "", name, 0, 0) for name in LOGIN_PROTOCOLS]
    return Group(AUTH, [(labels(protocol=each.protocol), each) for each in shown])


def lag_groups(lag: LagView | None) -> list[Group]:
    """Return how late the loop was since the start, as a histogram; None is not measured.

    Each bucket has all that was less late too.
    """
    if lag is None:
        return []
    count = 0
    items: list[Item] = []
    for bound_us, more in zip((*lag.bounds_us, None), lag.counts, strict=True):
        count += more
        limit = "+Inf" if bound_us is None else str(bound_us / US_PER_S)
        items.append((f"_bucket{labels(le=limit)}", count))
    items += [("_count", count), ("_sum", lag.total_us / US_PER_S)]
    text = "How late the event loop was, in probes each 100 ms"
    return [Group((Family("haremq_loop_lag_seconds", HISTOGRAM, text, itself),), items, PLAIN)]


def identity_groups(
    identity: Identity, cluster: str, cluster_id: str, endpoint: str
) -> list[Group]:
    """Return who this node is: what dashboards join other metrics with.

    Args:
        identity: of the node.
        cluster: name of the cluster.
        cluster_id: of the cluster, for ever.
        endpoint: RabbitMQ's word for this one.
    """
    build = labels(
        rabbitmq_version=identity.rabbitmq_version,
        product_name=identity.product,
        product_version=identity.version,
        prometheus_plugin_version=identity.rabbitmq_version,
        prometheus_client_version=identity.version,
        erlang_version=identity.runtime,
    )
    who = labels(
        rabbitmq_node=identity.node,
        rabbitmq_cluster=cluster,
        rabbitmq_cluster_permanent_id=cluster_id,
        rabbitmq_endpoint=endpoint,
    )
    return [
        _one("build_info", UNTYPED, "Versions of this node", build),
        _one("identity_info", UNTYPED, "Names of this node and its cluster", who),
    ]


def _one(name: str, kind: str, text: str, key: str) -> Group:
    return Group((Family(name, kind, text, itself),), ((key, ONE),), "rabbitmq_")


def permanent_id(identity: Identity, given: object) -> str:
    """Return the name of a cluster that stays when it is called otherwise.

    Args:
        identity: of the node.
        given: one that was set, such as by definitions of RabbitMQ; anything but a text is none.
    """
    if isinstance(given, str) and given:
        return given
    octets = identity.cluster.encode("utf-8", "surrogateescape")
    digest = blake2b(octets, digest_size=CLUSTER_ID_BYTES).digest()
    return CLUSTER_ID + urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def runtime_groups(started_s: float) -> list[Group]:
    """Return the process: where RabbitMQ has its runtime, we have that of Python.

    Args:
        started_s: when it started, since 1970.
    """
    times = os.times()
    stats = list(enumerate(gc.get_stats()))
    generations = [(labels(generation=str(number)), each) for number, each in stats]
    collector: list[Family] = [
        Family(f"python_gc_{name}_total", COUNTER, text, _stat(key))
        for name, key, text in (
            ("collections", "collections", "Collections of a generation"),
            ("objects_collected", "collected", "Objects that were found to be garbage"),
            ("objects_uncollectable", "uncollectable", "Garbage that cannot be freed"),
        )
    ]
    version = labels(
        implementation=platform.python_implementation(), version=platform.python_version()
    )
    return [
        _plain("process_start_time_seconds", GAUGE, "Start, since 1970", started_s),
        _plain(
            "process_cpu_seconds_total", COUNTER, "Time on processors", times.user + times.system
        ),
        Group(collector, generations, PLAIN),
        Group((Family("python_info", GAUGE, "The runtime", itself),), ((version, ONE),), PLAIN),
    ]


def _plain(name: str, kind: str, text: str, value: Number) -> Group:
    return Group((Family(name, kind, text, itself),), ((EVERYTHING, value),), PLAIN)


def _stat(name: str) -> Callable[[dict[str, Any]], int]:
    return lambda stats: stats[name]
