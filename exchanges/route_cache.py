"""Answers of the router, kept by the route bytes of the publish that asked.

The route is ``persistence.record``'s: exchange and routing key as two shortstrs, at most 512
octets, so that a publish finds its answer without decoding a name. An answer that used headers
must not be kept, since the route does not tell them (``Routing.uses_headers``).

Peers choose the routing keys, so the cache is bounded: it has two halves. New answers go into the
recent half; when that is full it becomes the older half, and what the older half held is forgotten.
An answer that is found in the older half goes back to the recent one. So a key that is used goes on
being found among any number of keys that come once, and no publish pays for emptying all of it.
"""

from typing import Final, Generic, TypeVar

from persistence.kernels import COMPILED

CAPACITY: Final = 16_384
"""Entries at most. A miss costs a publisher of ever new keys about what a larger table would."""

T = TypeVar("T")


class RouteCache(Generic[T]):
    """Values by route, for one generation of the router.

    Invariant: every value was put under the current generation.
    Invariant: neither half holds more than half the capacity.
    """

    __slots__ = ("_generation", "_older", "_recent")

    def __init__(self) -> None:
        self._generation = -1
        self._recent: dict[bytes, T] = {}
        self._older: dict[bytes, T] = {}

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def get(self, route: bytes, generation: int) -> T | None:
        """Return the value put for this route, or None; a new generation forgets all values."""
        if generation != self._generation:
            self._begin(generation)
        value = self._recent.get(route)
        if value is None and self._older:
            value = self._older.pop(route, None)
            if value is not None:
                self._keep(route, value)
        return value

    def put(self, route: bytes, generation: int, value: T) -> None:
        """Keep a value that was worked out under this generation."""
        if generation != self._generation:
            self._begin(generation)
        self._keep(route, value)

    def _begin(self, generation: int) -> None:
        self._recent = {}
        self._older = {}
        self._generation = generation

    def _keep(self, route: bytes, value: T) -> None:
        if len(self._recent) >= CAPACITY // 2:
            self._older = self._recent
            self._recent = {}
        self._recent[route] = value


if COMPILED:
    from exchanges import _route_cache  # type: ignore[attr-defined]

    RouteCache = _route_cache.RouteCache  # type: ignore[misc]
