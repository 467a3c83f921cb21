"""The resources of the node for views: what the monitors measured last, and what is open now."""

from collections.abc import Callable, Sequence

from amqp_server.broker.resources import ListenerView, ResourceView
from amqp_server.net.descriptors import Descriptors, open_count
from amqp_server.net.disk_monitor import DiskMonitor
from amqp_server.net.memory_monitor import MemoryMonitor
from amqp_server.net.server import Bound, Server


class Resources:
    """Answers ``broker.resources.LookAtResources``.

    Args:
        memory: measures the resident set.
        disk: measures the free room; None where nothing is on a disk.
        descriptors: the parts of the limit.
        server: has listeners and connections.
        now_ms: the clock.
        http_listeners: returns the listening sockets of management.
    """

    def __init__(
        self,
        memory: MemoryMonitor,
        disk: DiskMonitor | None,
        descriptors: Descriptors,
        server: Server,
        now_ms: Callable[[], int],
        http_listeners: Callable[[], Sequence[Bound]] = tuple,
    ) -> None:
        self._memory = memory
        self._disk = disk
        self._descriptors = descriptors
        self._server = server
        self._now_ms = now_ms
        self._http_listeners = http_listeners
        self._started_ms = now_ms()

    def look(self) -> ResourceView:
        """Return what is there and used."""
        memory, disk, tls = self._memory, self._disk, self._server.tls
        bounds = (*self._server.bound, *self._http_listeners())
        return ResourceView(
            memory_bytes=memory.used_bytes(),
            memory_limit_bytes=memory.watermark_bytes,
            disk_free_bytes=None if disk is None else disk.free_bytes,
            disk_limit_bytes=0 if disk is None else disk.limit_bytes,
            descriptors=open_count(),
            descriptors_max=self._descriptors.limit,
            sockets=len(self._server.transports),
            sockets_max=self._descriptors.sockets_max,
            uptime_ms=self._now_ms() - self._started_ms,
            listeners=tuple([ListenerView(*bound) for bound in bounds]),
            certificate_ends_ms=None if tls is None else tls.ends_ms,
        )
