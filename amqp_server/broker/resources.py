"""What the node has of the machine, as the shell around the broker measures it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias


class ListenerView(NamedTuple):
    """A listening socket.

    Attributes:
        address, port: where clients connect; the port is 0 on a Unix socket.
        protocol: its name in the settings.
    """

    address: str
    port: int
    protocol: str
    is_tls: bool


class ResourceView(NamedTuple):
    """What the node has and uses; a limit of 0 is no limit.

    Attributes:
        memory_bytes, memory_limit_bytes: the resident set, and the watermark of the alarm.
        disk_free_bytes, disk_limit_bytes: of the data directory's disk; None is not known, as
            everything is in memory or nothing was measured.
        descriptors, descriptors_max: open files and sockets, and the limit of the process.
        sockets, sockets_max: connections, whether they logged in or not, and the most of them.
        uptime_ms: since the node listens (span).
        listeners: the sockets that accept clients.
        certificate_ends_ms: when their certificate ends, in ms since 1970; None is not known.
    """

    memory_bytes: int
    memory_limit_bytes: int
    disk_free_bytes: int | None
    disk_limit_bytes: int
    descriptors: int
    descriptors_max: int
    sockets: int
    sockets_max: int
    uptime_ms: int
    listeners: Sequence[ListenerView]
    certificate_ends_ms: int | None = None


LookAtResources: TypeAlias = Callable[[], ResourceView]


class LagView(NamedTuple):
    """How late the loop was, by probes that were due at regular times.

    Attributes:
        step_ms: between two probes.
        span_ms: how long this covers (span).
        bounds_us: the largest lag of each class; one more class has all that is later.
        counts: probes of each class.
        total_us, max_us: of all lags, and the longest.
    """

    step_ms: int
    span_ms: int
    bounds_us: tuple[int, ...]
    counts: tuple[int, ...]
    total_us: int
    max_us: int


LookAtLag: TypeAlias = Callable[[int | None], LagView]
"""How late the loop was in the last so many ms, an hour at most; None is since the start."""
