"""The modulus hash exchange, ``x-modulus-hash``: the hash of the key, modulo the bindings.

The destinations are sorted by kind and name, so that a key leads to the same one after a restart.
Binding keys have no meaning. A destination that is bound several times counts as often. When a
binding comes or goes, nearly all keys move: it is made for bindings that stay as they are.

Source: RabbitMQ 4.3, rabbit_exchange_type_modulus_hash; that bindings count each was measured on
3.10's rabbitmq_sharding.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from sortedcontainers import SortedList

from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination, DestinationKind
from exchanges.hashing import murmur3_32
from exchanges.route_changes import EVERY_KEY, KeyPart

_SEED: Final = 0


class ModulusHashExchange:
    """Destinations in order: the value of a kind, and the name."""

    __slots__ = ("_sorted",)

    basis: Final = Basis.KEY
    takes_every_key: Final = False

    def __init__(self) -> None:
        self._sorted: SortedList[tuple[str, str]] = SortedList()

    def validate(self, _routing_key: str, _arguments: Mapping[str, object], /) -> None:
        """Accept anything; key and arguments only make bindings different from each other."""

    def bind(self, binding: Binding, /) -> None:
        """Count the destination once more."""
        kind, name = binding.destination
        self._sorted.add((kind.value, name))

    def unbind(self, binding: Binding, /) -> None:
        """Undo ``bind``."""
        kind, name = binding.destination
        self._sorted.remove((kind.value, name))

    def keys_of(self, _routing_key: str, /) -> tuple[KeyPart, ...]:
        """Return all keys: any of them may move."""
        return (EVERY_KEY,)

    def match(
        self, routing_key: str, _looked_at: Mapping[str, object] | None, /
    ) -> Iterable[Destination]:
        """Return the one destination."""
        if not self._sorted:
            return ()
        octets = routing_key.encode("utf-8", "surrogateescape")
        kind, name = self._sorted[murmur3_32(octets, _SEED) % len(self._sorted)]
        return (Destination(DestinationKind(kind), name),)

    def pieces(
        self, routing_key: str, looked_at: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the same, in one piece."""
        yield self.match(routing_key, looked_at)
