"""Leases of a store that is in this process: what hangs on them, and when they end."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Term:
    ttl_ms: int
    ends_at_ms: int
    keys: set[bytes] = field(default_factory=set)


class Leases:
    """All leases by id. Ids only grow, so that none is given twice."""

    def __init__(self) -> None:
        self.last_id = 0
        self._terms: dict[int, _Term] = {}
        self._lease_of: dict[bytes, int] = {}

    def __contains__(self, lease: int) -> bool:
        return lease in self._terms

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._terms))

    def grant(self, ttl_ms: int, now_ms: int) -> int:
        """Begin a lease and return its id."""
        self.last_id += 1
        self._terms[self.last_id] = _Term(ttl_ms, now_ms + ttl_ms)
        return self.last_id

    def keep_alive(self, lease: int, now_ms: int) -> int | None:
        """Renew a lease and return its TTL; None where it is gone."""
        term = self._terms.get(lease)
        if term is None:
            return None
        term.ends_at_ms = now_ms + term.ttl_ms
        return term.ttl_ms

    def rest_ms(self, lease: int, now_ms: int) -> int | None:
        """Return how long it still lasts; None where it is gone."""
        term = self._terms.get(lease)
        return None if term is None else max(0, term.ends_at_ms - now_ms)

    def ended(self, now_ms: int) -> list[int]:
        """Return the leases whose time is over, in the order of their ends."""
        over = [(term.ends_at_ms, id_) for id_, term in self._terms.items()]
        return [id_ for ends_at_ms, id_ in sorted(over) if ends_at_ms <= now_ms]

    def next_end_ms(self) -> int | None:
        """Return when the next one ends; None where there is none."""
        return min((term.ends_at_ms for term in self._terms.values()), default=None)

    def keys_of(self, lease: int) -> list[bytes]:
        """Return the keys that hang on a lease, sorted."""
        term = self._terms.get(lease)
        return sorted(term.keys) if term else []

    def attach(self, key: bytes, lease: int) -> None:
        """Note that a key hangs on a lease, and on no other any more; 0 is none."""
        before = self._lease_of.pop(key, 0)
        if before in self._terms:
            self._terms[before].keys.discard(key)
        if lease:
            self._lease_of[key] = lease
            self._terms.setdefault(lease, _Term(0, 0)).keys.add(key)
            self.last_id = max(self.last_id, lease)

    def end(self, lease: int) -> None:
        """Forget a lease; its keys have been deleted."""
        self._terms.pop(lease, None)
