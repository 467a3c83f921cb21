"""What of the node itself needs a hand: alarms, and limits that are near."""

from collections.abc import Iterator, Mapping
from typing import Final

from amqp_server.broker.views import NodeView, VhostView
from management.attention.concern import BAD, NODE, VHOST, WARN, Concern

NEAR: Final = 0.85
"""The share of a limit from which it is near."""

DISK_NEAR: Final = 1.5
"""Free room on the disk is scarce below so many times the limit."""

REFUSED_LOGINS_MIN: Final = 10
"""So many refused logins within one to two of these spans need a look."""

SPAN_MS: Final = 60_000

CERTIFICATE_DAYS: Final = 30
"""A certificate that ends within so many days needs a hand."""

CERTIFICATE_LAST_DAYS: Final = 7
"""Within so many days it is bad."""

_DAY_MS: Final = 86_400_000
_MIB: Final = 2**20

_VHOST_LIMITS: Final[Mapping[str, str]] = {
    "max-queues": "queue_count",
    "max-connections": "connection_count",
}


def of_node(name: str, view: NodeView) -> Iterator[Concern]:
    """Yield what of a node needs a hand."""
    now_ms = view.now_ms
    if view.alarm:
        text = f"is {view.alarm}: publishers are blocked"
        yield Concern(BAD, NODE, "", name, "alarm", text, "alarm", 10.0**9, now_ms)
    used = view.resources
    if used is None:
        return
    for rule, what, value, limit, unit in (
        ("near_memory", "its memory alarm", used.memory_bytes, used.memory_limit_bytes, _MIB),
        ("near_descriptors", "its limit of descriptors", used.descriptors, used.descriptors_max, 1),
        ("near_connections", "its limit of connections", used.sockets, used.sockets_max, 1),
    ):
        if limit and value >= limit * NEAR and not (unit == _MIB and "memory" in view.alarm):
            suffix = " MiB" if unit == _MIB else ""
            amount = f"{value // unit:,} of {limit // unit:,}{suffix}"
            share = value / limit
            yield Concern(WARN, NODE, "", name, rule, f"is near {what}", amount, share, now_ms)
    yield from _of_certificate(name, view, used.certificate_ends_ms)
    free, limit = used.disk_free_bytes, used.disk_limit_bytes
    if free is not None and limit and limit < free < limit * DISK_NEAR:
        amount = f"{free // _MIB:,} MiB free"
        text = "is near its disk alarm"
        yield Concern(WARN, NODE, "", name, "near_disk", text, amount, 1.0, now_ms)


def _of_certificate(name: str, view: NodeView, ends_ms: int | None) -> Iterator[Concern]:
    if ends_ms is None:
        return
    left_days = (ends_ms - view.wall_ms) // _DAY_MS
    if left_days >= CERTIFICATE_DAYS:
        return
    severity = BAD if left_days < CERTIFICATE_LAST_DAYS else WARN
    verb = "has a TLS certificate that ends soon"
    text = "has a TLS certificate that has ended" if ends_ms <= view.wall_ms else verb
    amount = f"{max(0, left_days):,} days left"
    weight = float(CERTIFICATE_DAYS - left_days)
    yield Concern(severity, NODE, "", name, "certificate", text, amount, weight, view.now_ms)


def of_vhost(view: VhostView, now_ms: int) -> Iterator[Concern]:
    """Yield which of its limits a vhost is near, or has reached."""
    for limit, field in _VHOST_LIMITS.items():
        most = view.limits.get(limit, -1)
        value: int = getattr(view, field)
        if most >= 0 and value >= most * NEAR:
            severity = BAD if value >= most else WARN
            verb = "has reached" if value >= most else "is near"
            text, amount = f"{verb} its limit {limit}", f"{value:,} of {most:,}"
            share = value / most if most else 1.0
            rule = f"near_{limit}"
            yield Concern(severity, VHOST, view.name, view.name, rule, text, amount, share, now_ms)


class LoginWatch:
    """Logins that are refused."""

    def __init__(self) -> None:
        self._before = self._recent = (0, 0)

    def concerns(self, name: str, now_ms: int, refused_count: int) -> Iterator[Concern]:
        """Yield that many logins were refused lately.

        Args:
            name: of the node.
            now_ms: the time.
            refused_count: logins that were refused since the start.
        """
        if now_ms - self._recent[0] >= SPAN_MS:
            self._before, self._recent = self._recent, (now_ms, refused_count)
        grown = refused_count - self._before[1]
        if grown >= REFUSED_LOGINS_MIN:
            text, amount = "refuses many logins", f"{grown:,} refused"
            yield Concern(WARN, NODE, "", name, "refused_logins", text, amount, grown, now_ms)
