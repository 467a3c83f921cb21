"""Destinations with weights, and which of them a key goes to: see ``exchanges.hashing``.

The placing of a key depends on the key, on the names of the destinations and on their weights. It
depends on nothing else: not on the order of bindings, on those that were there before, or on the
node. It is the same after a restart and in every broker that has the same bindings. A destination
that comes takes its share from all others, and nothing moves between them. One that goes gives its
share to all others.

Adding and removing one costs the same however many there are. A key costs some nanoseconds for each
destination, so there is no table that a binding would have to build anew.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final

from exchanges.bindings import Destination
from exchanges.hashing import murmur3_32, wait, winner

PIECE_MAX: Final = 4_096
"""Destinations that one piece looks at: 5 us with kernels, 30 us where the weights differ."""

_KEY_SEED: Final = 0
_SALT_BYTES: Final = 8


class Rendezvous:
    """The destinations that share out the keys among them.

    Invariant: the lists are of one length, and ``_index_of`` says where each destination stands.
    """

    __slots__ = ("_destinations", "_index_of", "_salts", "_weight_counts", "_weights")

    def __init__(self) -> None:
        self._destinations: list[Destination] = []
        self._salts = array("Q")
        self._weights = array("d")
        self._weight_counts: Counter[float] = Counter()
        self._index_of: dict[Destination, int] = {}

    def __len__(self) -> int:
        return len(self._destinations)

    def add(self, destination: Destination, weight: int) -> None:
        """Let a destination that is not here take part.

        Args:
            destination: gets keys in proportion to its weight.
            weight: at least 1.
        """
        self._index_of[destination] = len(self._destinations)
        self._destinations.append(destination)
        self._salts.append(_salt_of(destination))
        self._weights.append(weight)
        self._weight_counts[weight] += 1

    def remove(self, destination: Destination) -> None:
        """Let a destination take part no more; the last one gets its place in the lists.

        Raises:
            KeyError: it is not here.
        """
        index = self._index_of.pop(destination)
        weight = self._weights[index]
        self._weight_counts[weight] -= 1
        if not self._weight_counts[weight]:
            del self._weight_counts[weight]
        last = self._destinations.pop()
        last_salt = self._salts.pop()
        last_weight = self._weights.pop()
        if index < len(self._destinations):
            self._destinations[index] = last
            self._salts[index] = last_salt
            self._weights[index] = last_weight
            self._index_of[last] = index

    def place(self, octets: bytes) -> tuple[Destination, ...] | None:
        """Return the one destination of a key; none if there is none.

        Returns:
            None where it takes more than one piece; then use ``placing``.
        """
        count = len(self._destinations)
        if count > PIECE_MAX:
            return None
        if not count:
            return ()
        key_hash = murmur3_32(octets, _KEY_SEED)
        return (self._destinations[self._winner(key_hash, 0, count)],)

    def placing(self, octets: bytes) -> Iterator[Iterable[Destination]]:
        """Return the same in pieces, all but the last empty.

        The walk goes from the end of the lists to their beginning. A destination that stays may
        meanwhile get a lower place and no higher one, so it is not left out.
        """
        key_hash = murmur3_32(octets, _KEY_SEED)
        best: tuple[float, Destination] | None = None
        stop = len(self._destinations)
        while stop > 0:
            start = max(0, stop - PIECE_MAX)
            stop = min(stop, len(self._destinations))
            if start < stop:
                index = self._winner(key_hash, start, stop)
                found = wait(self._salts[index], self._weights[index], key_hash)
                if best is None or found < best[0]:
                    best = found, self._destinations[index]
            stop = start
            if stop:
                yield ()
        yield () if best is None else (best[1],)

    def _winner(self, key_hash: int, start: int, stop: int) -> int:
        weights = self._weights if len(self._weight_counts) > 1 else None
        return winner(self._salts, weights, key_hash, start, stop)


def _salt_of(destination: Destination) -> int:
    kind, name = destination
    octets = f"{kind.value} {name}".encode("utf-8", "surrogateescape")
    return int.from_bytes(blake2b(octets, digest_size=_SALT_BYTES).digest(), "little")
