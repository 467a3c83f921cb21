"""What all channels of a node remember of the publishes that they have seen: a bounded number.

A channel remembers for each kind of publish what it was allowed and where it goes. It may have a
thousand, and a client two thousand channels: so the node has a limit of its own. Beyond it the
channel that has remembered for longest forgets all of it, and finds it out again as it publishes.
"""

from typing import Final, Protocol

PLANS_OF_NODE_MAX: Final = 65_536
"""Of half a KiB to a KiB each, with its key."""


class Rememberer(Protocol):
    """Remembers, until it is told to forget."""

    def forget_plans(self) -> None:
        """Forget all of it."""


class PlanMemory:
    """Who remembers how much.

    Attributes:
        count: what all together may remember; at most ``plans_max``.
    """

    def __init__(self, plans_max: int = PLANS_OF_NODE_MAX) -> None:
        self._plans_max = plans_max
        self._counts: dict[Rememberer, int] = {}
        self.count = 0

    def note(self, rememberer: Rememberer, count: int) -> None:
        """Take note that one may remember so much; somebody may have to forget, even this one."""
        counts = self._counts
        self.count += count - counts.get(rememberer, 0)
        counts[rememberer] = count
        while self.count > self._plans_max:
            longest = next(iter(counts))
            self.forget(longest)
            longest.forget_plans()

    def forget(self, rememberer: Rememberer) -> None:
        """Take note that one is gone, with all that it remembered."""
        self.count -= self._counts.pop(rememberer, 0)
