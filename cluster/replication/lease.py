"""The lease of this node's ``live`` key, as far as its own monotonic clock can know (R17)."""

from dataclasses import dataclass

MARGIN_MS = 1_000


@dataclass(slots=True)
class Lease:
    """Valid until the last good renewal was asked for, plus its TTL, less a margin.

    ``incarnation`` is the create revision of the key; 0 where this node never had one.
    """

    margin_ms: int = MARGIN_MS
    incarnation: int = 0
    deadline_ms: int = 0

    def grant(self, incarnation: int, asked_at_ms: int, ttl_ms: int) -> None:
        """Take a new key; leaderships that were granted under an older one stay without."""
        self.incarnation = incarnation
        self.renew(asked_at_ms, ttl_ms)

    def renew(self, asked_at_ms: int, ttl_ms: int) -> None:
        """Count from when the renewal was asked for: the store may have had it at once."""
        self.deadline_ms = asked_at_ms + ttl_ms - self.margin_ms

    def is_running(self, now_ms: int) -> bool:
        """Return whether it has not ended yet."""
        return now_ms < self.deadline_ms
