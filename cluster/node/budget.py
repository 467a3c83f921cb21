"""The time of a slice of work in the loop."""

from collections.abc import Callable
from typing import Final

SLICE_NS: Final = 2_000_000
"""Links and long work of the node give the loop back after this time."""


class SliceBudget:
    """A ``cluster.links.sockets.transport.Budget`` on a clock that is handed in.

    Args:
        clock_ns: monotonic, in ns.
        slice_ns: how long a slice may be.
    """

    def __init__(self, clock_ns: Callable[[], int], slice_ns: int = SLICE_NS) -> None:
        self._clock_ns = clock_ns
        self._slice_ns = slice_ns
        self._ends_at_ns = 0

    def begin(self) -> None:
        """Begin a slice with all of its time."""
        self._ends_at_ns = self._clock_ns() + self._slice_ns

    def is_spent(self) -> bool:
        """Return whether the rest should wait."""
        return self._clock_ns() >= self._ends_at_ns
