"""Bounds the publishes that all channels of a node remember.

For each kind of publish a channel remembers what is allowed and the route. It may remember a
thousand, and a client may have two thousand channels. So the node has a limit of its own. Above it
the channel that has remembered for longest forgets everything, and finds it out again as it
publishes.
"""

from typing import Final, Protocol

PLANS_OF_NODE_MAX: Final = 65_536
"""Each takes half a KiB to a KiB, with its key."""


class Rememberer(Protocol):
    """Remembers, until it is told to forget."""

    def forget_plans(self) -> None:
        """Forget all of it."""


class PlanMemory:
    """How much each channel remembers.

    Attributes:
        count: what all together may remember; at most ``plans_max``.
    """

    def __init__(self, plans_max: int = PLANS_OF_NODE_MAX) -> None:
        self._plans_max = plans_max
        self._counts: dict[Rememberer, int] = {}
        self.count = 0

    def note(self, rememberer: Rememberer, count: int) -> None:
        """Note how much a channel may remember; a channel, even this one, may have to forget."""
        counts = self._counts
        self.count += count - counts.get(rememberer, 0)
        counts[rememberer] = count
        while self.count > self._plans_max:
            longest = next(iter(counts))
            self.forget(longest)
            longest.forget_plans()

    def forget(self, rememberer: Rememberer) -> None:
        """Note that a channel is gone, with everything that it remembered."""
        self.count -= self._counts.pop(rememberer, 0)
