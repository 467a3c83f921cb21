"""What looks at the disk and the memory of a node, and switches the broker's alarms."""

from collections.abc import Callable
from functools import partial

from amqp_server.broker.alarms import Resource
from amqp_server.broker.broker import Broker
from amqp_server.memory_shares import memory_watermark_bytes
from amqp_server.net.disk_monitor import DiskMonitor
from amqp_server.net.freed_memory import freed_memory_of_heap
from amqp_server.net.memory_monitor import MemoryMonitor, resident_bytes
from amqp_server.net.timers import now_ms
from amqp_server.settings.schema import Settings


def disk_monitor(broker: Broker, settings: Settings, free_bytes: Callable[[], int]) -> DiskMonitor:
    """Return what switches the disk alarm.

    Args:
        broker: whose alarm it is.
        settings: name the limit.
        free_bytes: returns what is free on the file system of the data directory.
    """
    limit_bytes = settings.broker.disk_free_limit_bytes
    return DiskMonitor(limit_bytes, partial(_on_disk, broker), now_ms(), free_bytes)


def memory_monitor(broker: Broker, settings: Settings) -> MemoryMonitor:
    """Return what switches the memory alarm."""
    return MemoryMonitor(
        memory_watermark_bytes(settings),
        partial(_on_memory, broker),
        now_ms(),
        resident_bytes,
        freed_memory_of_heap(),
    )


def _on_disk(broker: Broker, is_low: bool, at_ms: int) -> None:  # noqa: FBT001 — the port's
    broker.alarms.set(Resource.DISK, is_low=is_low, now_ms=at_ms)


def _on_memory(broker: Broker, is_low: bool, at_ms: int) -> None:  # noqa: FBT001 — the port's
    broker.alarms.set(Resource.MEMORY, is_low=is_low, now_ms=at_ms)
