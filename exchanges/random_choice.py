"""The random exchange, ``x-random``: each message goes to one binding's destination, by chance.

Neither the routing key nor the binding key has a meaning. A destination that is bound several times
is chosen as many times as often.

Source: RabbitMQ, rabbitmq_random_exchange.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination
from exchanges.route_changes import EVERY_KEY, KeyPart

RandomBytes: TypeAlias = Callable[[int], bytes]
"""Returns that many octets by chance."""

_DRAWN_BYTES: Final = 8


class RandomExchange:
    """Bindings in no order.

    Invariant: ``_index_of`` says where each binding stands in the list.
    """

    __slots__ = ("_bindings", "_index_of", "_random_bytes")

    basis: Final = Basis.CHANCE
    takes_every_key: Final = False

    def __init__(self, random_bytes: RandomBytes) -> None:
        """Make an exchange without bindings, and with a source of chance."""
        self._random_bytes = random_bytes
        self._bindings: list[Binding] = []
        self._index_of: dict[Binding, int] = {}

    def validate(self, _routing_key: str, _arguments: Mapping[str, object], /) -> None:
        """Accept anything; key and arguments only make bindings different from each other."""

    def bind(self, binding: Binding, /) -> None:
        """Let the destination be chosen."""
        self._index_of[binding] = len(self._bindings)
        self._bindings.append(binding)

    def unbind(self, binding: Binding, /) -> None:
        """Undo ``bind``; the last binding gets its place."""
        index = self._index_of.pop(binding)
        last = self._bindings.pop()
        if index < len(self._bindings):
            self._bindings[index] = last
            self._index_of[last] = index

    def keys_of(self, _routing_key: str, /) -> tuple[KeyPart, ...]:
        """Return all keys: the key is not looked at."""
        return (EVERY_KEY,)

    def match(
        self, _routing_key: str, _looked_at: Mapping[str, object] | None, /
    ) -> Iterable[Destination]:
        """Return one destination, another one at the next call."""
        if not self._bindings:
            return ()
        drawn = int.from_bytes(self._random_bytes(_DRAWN_BYTES), "little")
        return (self._bindings[drawn % len(self._bindings)].destination,)

    def pieces(
        self, routing_key: str, looked_at: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the same, in one piece."""
        yield self.match(routing_key, looked_at)
