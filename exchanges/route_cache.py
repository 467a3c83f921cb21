"""Answers of the router, kept by the route bytes of the publish that asked.

The route is ``persistence.record``'s: exchange and routing key as two shortstrs, at most 512
octets, so that a publish finds its answer without decoding a name. An answer that depends on
more than the key must not be kept, because the route does not contain that (``Routing.basis``).

An answer holds as long as nothing that it depends on has changed (``exchanges.route_changes``).
This is looked up once after each change. A change elsewhere removes no answer.

Peers choose the routing keys, so the cache is bounded. It has two halves. New answers go into the
recent half. When that is full, it becomes the older half, and the answers of the previous older
half are forgotten. An answer that is found in the older half goes back to the recent one. So a key
in use stays in the cache beside any number of keys that come once, and no publish has to empty the
whole cache.
"""

from collections.abc import Callable
from typing import Final, Generic, TypeAlias, TypeVar

from persistence.kernels import COMPILED

CAPACITY: Final = 16_384
"""Answers at most. For a publisher of ever new keys, a larger table would cost about as much."""

T = TypeVar("T")

Visited: TypeAlias = tuple[str, ...] | None
"""The exchanges visited, existing or not; None means only the one that the route names."""

Holds: TypeAlias = Callable[[int, Visited, bytes], bool]
"""Tells whether an answer still holds: its generation, the visited exchanges, its route."""


class _Answer(Generic[T]):
    """A value, the generation in which it was last known to hold, and what it depends on."""

    __slots__ = ("generation", "value", "visited")

    def __init__(self, generation: int, visited: Visited, value: T) -> None:
        self.generation = generation
        self.visited = visited
        self.value = value


class RouteCache(Generic[T]):
    """Values by route.

    Invariant: every value held under its generation.
    Invariant: neither half holds more than half the capacity.
    """

    __slots__ = ("_holds", "_older", "_recent")

    def __init__(self, holds: Holds) -> None:
        """Make an empty cache.

        Args:
            holds: asked about a value that was put, or found to hold, under an older generation.
        """
        self._holds = holds
        self._recent: dict[bytes, _Answer[T]] = {}
        self._older: dict[bytes, _Answer[T]] = {}

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def get(self, route: bytes, generation: int) -> T | None:
        """Return the value put for this route if it holds under this generation, or None."""
        answer = self._recent.get(route)
        if answer is None:
            answer = self._older.pop(route, None)
            if answer is None:
                return None
            self._keep(route, answer)
        if answer.generation != generation:
            if not self._holds(answer.generation, answer.visited, route):
                del self._recent[route]
                return None
            answer.generation = generation
        return answer.value

    def put(self, route: bytes, generation: int, visited: Visited, value: T) -> None:
        """Keep a value.

        Args:
            route: of the publish.
            generation: the one in which the walk began.
            visited: the exchanges of the walk.
            value: not None.
        """
        self._keep(route, _Answer(generation, visited, value))

    def _keep(self, route: bytes, answer: _Answer[T]) -> None:
        if len(self._recent) >= CAPACITY // 2:
            self._older = self._recent
            self._recent = {}
        self._recent[route] = answer


if COMPILED:
    from exchanges import _route_cache  # type: ignore[attr-defined]

    RouteCache = _route_cache.RouteCache  # type: ignore[misc]
