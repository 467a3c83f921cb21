"""Remembers the queue names of routes that lead to many queues, up to a limit.

Each queue is looked up by its name when the run reaches it. So only names are kept, and no deleted
queue stays in memory.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from exchanges.route_cache import Holds, Visited

WIDE_NAMES_MAX: Final = 500_000
"""Queue names remembered for all routes that lead to more than that: 4 MB of references."""


class WideRoute(NamedTuple):
    """The queues of a route.

    Attributes:
        generation: of the router when it was found.
        visited: the exchanges on the way.
        names: of the queues.
    """

    generation: int
    visited: Visited
    names: Sequence[str]


class WideRoutes:
    """The queue names of routes that lead to many.

    Invariant: at most ``WIDE_NAMES_MAX`` names, not counting those of the last route.
    """

    __slots__ = ("_holds", "_names_count", "_routes")

    def __init__(self, holds: Holds) -> None:
        """Begin without a route; ``holds`` is asked about one of an older generation."""
        self._holds = holds
        self._routes: dict[bytes, WideRoute] = {}
        self._names_count = 0

    def get(self, route: bytes, generation: int) -> Sequence[str] | None:
        """Return the names that were put for a route, if they hold under this generation."""
        found = self._routes.get(route)
        if found is None:
            return None
        if found.generation != generation:
            if not self._holds(found.generation, found.visited, route):
                self._drop(route)
                return None
            self._routes[route] = found._replace(generation=generation)
        return found.names

    def put(self, route: bytes, found: WideRoute) -> None:
        """Remember the names of a route; at the limit all others are forgotten."""
        self._drop(route)
        if self._names_count > WIDE_NAMES_MAX:
            self._routes = {}
            self._names_count = 0
        self._routes[route] = found
        self._names_count += len(found.names)

    def _drop(self, route: bytes) -> None:
        dropped = self._routes.pop(route, None)
        if dropped is not None:
            self._names_count -= len(dropped.names)
