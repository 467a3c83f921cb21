"""Answers of the router, kept by the route bytes of the publish that asked.

The route is ``persistence.record``'s: exchange and routing key as two shortstrs, at most 512
octets, so that a publish finds its answer without decoding a name. An answer that used headers
must not be kept, since the route does not tell them (``Routing.uses_headers``).

Peers choose the routing keys, so the cache is bounded. A full cache is emptied rather than
tended: a publisher with ever new keys never hits it anyway, and for the others one miss each
costs less than bookkeeping on every hit.
"""

from typing import Final, Generic, TypeVar

from persistence.kernels import COMPILED

CAPACITY: Final = 65_536
"""Entries at most; one more empties the cache."""

T = TypeVar("T")


class RouteCache(Generic[T]):
    """Values by route, for one generation of the router.

    Invariant: every value was put under the current generation.
    """

    __slots__ = ("_generation", "_values")

    def __init__(self) -> None:
        self._generation = -1
        self._values: dict[bytes, T] = {}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, route: bytes, generation: int) -> T | None:
        """Return the value put for this route, or None; a new generation forgets all values."""
        if generation != self._generation:
            self._values.clear()
            self._generation = generation
        return self._values.get(route)

    def put(self, route: bytes, generation: int, value: T) -> None:
        """Keep a value that was worked out under this generation."""
        values = self._values
        if generation != self._generation or len(values) >= CAPACITY:
            values.clear()
            self._generation = generation
        values[route] = value


if COMPILED:
    from exchanges import _route_cache  # type: ignore[attr-defined]

    RouteCache = _route_cache.RouteCache  # type: ignore[misc]
