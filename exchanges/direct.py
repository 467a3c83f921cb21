"""The direct exchange: a binding matches when its key equals the routing key (§3.1.3.1)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from exchanges.basis import Basis
from exchanges.bindings import PIECE_MAX, Binding, Destination, DestinationCounts, in_pieces
from exchanges.route_changes import KeyPart


class DirectExchange:
    """Destinations by binding key.

    Invariant: no key has an empty row.
    """

    __slots__ = ("_by_key",)

    basis: Final = Basis.KEY
    takes_every_key: Final = True

    def __init__(self) -> None:
        self._by_key: dict[str, DestinationCounts] = {}

    def validate(self, _routing_key: str, _arguments: Mapping[str, object], /) -> None:
        """Accept any key; arguments only make bindings different from each other."""

    def bind(self, binding: Binding, /) -> None:
        """Let messages with exactly this key go to the destination."""
        self._by_key.setdefault(binding.routing_key, DestinationCounts()).count_up(
            binding.destination
        )

    def unbind(self, binding: Binding, /) -> None:
        """Undo ``bind``."""
        row = self._by_key[binding.routing_key]
        row.count_down(binding.destination)
        if not row:
            del self._by_key[binding.routing_key]

    def keys_of(self, routing_key: str, /) -> tuple[KeyPart, ...]:
        """Return exactly this key."""
        return ((routing_key, False),)

    def match(
        self, routing_key: str, _headers: Mapping[str, object] | None, /
    ) -> Iterable[Destination] | None:
        """Return the destinations bound with exactly this key."""
        row = self._by_key.get(routing_key, ())
        return row if len(row) <= PIECE_MAX else None

    def pieces(
        self, routing_key: str, _headers: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the same destinations in pieces."""
        return in_pieces(self._by_key.get(routing_key, ()))
