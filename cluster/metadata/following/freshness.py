"""How fresh a copy of the metadata store is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far a copy follows the store. Times are of the own monotonic clock, in ms.

    ``revision``: all up to here is held; 0 is nothing. ``heard_at_ms``: the last sign of life of
    the store. ``away_since_ms``: since when it is not followed; None: it is. ``reason`` says why
    it is not; empty: nobody asked it yet.
    """

    revision: int
    heard_at_ms: int
    away_since_ms: int | None
    reason: str = ""

    @property
    def is_connected(self) -> bool:
        """Whether a watch tells what changes."""
        return self.away_since_ms is None
