"""When a lease is renewed: every third of its time, while the node's loop shows that it moves.

    lease  ├──────────┼──────────┼──────────┤ ends
           renewal    renewal    renewal       a third apart; after a failure a tenth
    beats  · · · · · · · · · · ·               a tenth apart; the last one is younger than a third

A node whose loop hangs has to lose its lease, though the process that renews it is well. So it ends
at most a third of its time later than the lease of a node that is gone.
"""

from typing import Final

from cluster.metadata.port import Lease

RENEWALS: Final = 3
"""How often a lease is renewed within its time."""
BEATS: Final = 10
"""How many signs of life a loop gives within that time."""
PATIENCE: Final = 5
"""After so many parts of its time another member is asked beside one that has not answered."""


def beat_interval_ms(ttl_ms: int) -> int:
    """Return how far apart the signs of life of a loop are."""
    return max(1, ttl_ms // BEATS)


def use_ms_of(ttl_ms: int) -> int:
    """Return how long an answer is of use: later the next renewal would be too late."""
    return max(1, ttl_ms * 2 // 3)


class RenewalPlan:
    """What the renewing process knows of one lease after another. All times are of one clock.

    Attributes:
        lease: the id of the lease that is renewed; 0 is none.
    """

    def __init__(self) -> None:
        self.lease = 0
        self._ttl_ms = 0
        self._next_ms = 0
        self._beat_ms: int | None = None

    def hold(self, lease: Lease) -> None:
        """Renew this lease from now on, and no other."""
        self.lease = lease.id
        self._renewed(lease)

    def beat(self, at_ms: int) -> None:
        """Take a sign of life that the loop gave at this time; an older one changes nothing."""
        if self._beat_ms is None or at_ms > self._beat_ms:
            self._beat_ms = at_ms

    def renewed(self, lease: Lease) -> None:
        """Take a good renewal; one of a lease that is not held any more changes nothing."""
        if lease.id == self.lease:
            self._renewed(lease)

    def failed(self, now_ms: int) -> None:
        """Take that the store did not answer."""
        self._next_ms = now_ms + beat_interval_ms(self._ttl_ms)

    def gone(self, lease: int) -> None:
        """Take that the store has no such lease any more."""
        if lease == self.lease:
            self.lease = 0

    def is_due(self, now_ms: int) -> bool:
        """Return whether the lease is to be renewed now."""
        return self.wait_ms(now_ms) == 0

    def wait_ms(self, now_ms: int) -> int | None:
        """Return how long to wait before the next renewal; None: until something is told."""
        if not self.lease or self._beat_ms is None:
            return None
        due_ms = max(self._next_ms, now_ms)
        return due_ms - now_ms if self.is_moving(due_ms) else None

    def is_moving(self, now_ms: int) -> bool:
        """Return whether the node's loop has shown lately that it moves."""
        return self._beat_ms is not None and now_ms - self._beat_ms < self._ttl_ms // RENEWALS

    def patience_ms(self) -> int:
        """Return how long to wait for an answer before somebody else is asked beside."""
        return max(1, self._ttl_ms // PATIENCE)

    def use_ms(self) -> int:
        """Return how long an answer is of use."""
        return use_ms_of(self._ttl_ms)

    def _renewed(self, lease: Lease) -> None:
        self._ttl_ms = lease.ttl_ms
        self._next_ms = lease.asked_at_ms + lease.ttl_ms // RENEWALS
