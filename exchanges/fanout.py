"""The fanout exchange: every binding matches every message (§3.1.3.2)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from exchanges.basis import Basis
from exchanges.bindings import PIECE_MAX, Binding, Destination, DestinationCounts, in_pieces
from exchanges.route_changes import EVERY_KEY, KeyPart


class FanoutExchange:
    """All destinations that are bound, whatever the key."""

    __slots__ = ("_destinations",)

    basis: Final = Basis.KEY
    takes_every_key: Final = False

    def __init__(self) -> None:
        self._destinations = DestinationCounts()

    def validate(self, _routing_key: str, _arguments: Mapping[str, object], /) -> None:
        """Accept anything; key and arguments only make bindings different from each other."""

    def bind(self, binding: Binding, /) -> None:
        """Let every message go to the destination."""
        self._destinations.count_up(binding.destination)

    def unbind(self, binding: Binding, /) -> None:
        """Undo ``bind``."""
        self._destinations.count_down(binding.destination)

    def keys_of(self, _routing_key: str, /) -> tuple[KeyPart, ...]:
        """Return all keys: a binding matches whatever the key is."""
        return (EVERY_KEY,)

    def match(
        self, _routing_key: str, _headers: Mapping[str, object] | None, /
    ) -> Iterable[Destination] | None:
        """Return all destinations, each once."""
        found = self._destinations
        return found if len(found) <= PIECE_MAX else None

    def pieces(
        self, _routing_key: str, _headers: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the same destinations in pieces."""
        return in_pieces(self._destinations)
