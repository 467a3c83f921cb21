"""Bindings, found by their source and by their destination.

The cost of an operation on one binding does not depend on the number of others. Declaring 100,000
bindings on one exchange, or deleting one queue among them, touches only the bindings named.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

_Key = TypeVar("_Key")

PIECE_MAX: Final = 1024
"""Destinations or bindings that one piece of work looks at."""

_NO_ARGUMENTS: Final[Mapping[str, object]] = MappingProxyType({})


class DestinationKind(Enum):
    """What a binding can lead to; the value is the ``destination_type`` of the HTTP API.

    Attributes:
        KEEPER: no binding leads there; an exchange type names it: ``exchanges.keeping``.
    """

    QUEUE = "queue"
    EXCHANGE = "exchange"
    KEEPER = "keeper"

    # Members are equal by identity. Enum's own hash is a Python call, and a destination is hashed #
    # a dozen times for each binding.
    __hash__ = object.__hash__


class Destination(NamedTuple):
    """A queue or an exchange of the same vhost, by name."""

    kind: DestinationKind
    name: str


@dataclass(frozen=True, slots=True)
class Binding:
    """One rule of one exchange: what matches it goes to the destination.

    Attributes:
        source: name of the exchange that holds the rule.
        routing_key: the binding key; the exchange's type decides its meaning.
        arguments: plain values, that is int, float, bool, str, bytes, None (void), list, dict, or
            a tuple (decimal). In a list or dict a value is the second of a pair; the first is the
            name of its AMQP type.
        arguments_key: canonical encoding of ``arguments``. Equality and hash use it instead of
            them. Two bindings that differ only in their arguments are two bindings.

    Source: RabbitMQ, rabbit_binding: a binding is its source, destination, key and arguments.
    """

    source: str
    destination: Destination
    routing_key: str
    arguments: Mapping[str, object] = field(compare=False)
    arguments_key: bytes


class DestinationCounts(dict[Destination, int]):
    """Destinations, each with how many bindings lead there by the same rule (at least 1).

    Iterating gives each destination once, oldest first.
    """

    __slots__ = ()

    def count_up(self, destination: Destination) -> None:
        """Count one more binding to the destination."""
        self[destination] = self.get(destination, 0) + 1

    def count_down(self, destination: Destination) -> None:
        """Count one binding less; the last one removes the destination.

        Raises:
            KeyError: no binding led there.
        """
        if self[destination] == 1:
            del self[destination]
        else:
            self[destination] -= 1


def in_pieces(destinations: Iterable[Destination]) -> Iterator[Iterable[Destination]]:
    """Return the present items in order, in parts of a given size."""
    found = tuple(destinations)
    for start in range(0, len(found), PIECE_MAX):
        yield found[start : start + PIECE_MAX]


class BindingTable:
    """All bindings of one vhost.

    Attributes:
        removed_count: how many were taken out since the start.

    Invariant: a binding is in both indexes or in neither, and no index keeps an empty row.
    """

    __slots__ = ("_binding_count", "_by_destination", "_by_source", "removed_count")

    def __init__(self) -> None:
        # The inner dict maps a binding to itself, so that an equal binding finds the stored one.
        self._by_source: dict[str, dict[Binding, Binding]] = {}
        self._by_destination: dict[tuple[DestinationKind, str], dict[Binding, Binding]] = {}
        self._binding_count = 0
        self.removed_count = 0

    def __len__(self) -> int:
        return self._binding_count

    def __iter__(self) -> Iterator[Binding]:
        for row in self._by_source.values():
            yield from row

    def add(self, binding: Binding) -> bool:
        """Store a binding; False if an equal one is there already, which then stays."""
        row = self._by_source.setdefault(binding.source, {})
        count = len(row)
        row.setdefault(binding, binding)  # a binding is hashed once here, by a Python call
        if len(row) == count:
            return False
        self._by_destination.setdefault(binding.destination, {})[binding] = binding
        self._binding_count += 1
        return True

    def find(
        self, source: str, destination: Destination, routing_key: str, arguments_key: bytes
    ) -> Binding | None:
        """Return the binding with this identity; None if there is none."""
        wanted = Binding(source, destination, routing_key, _NO_ARGUMENTS, arguments_key)
        return self._by_source.get(source, {}).get(wanted)

    def remove(
        self, source: str, destination: Destination, routing_key: str, arguments_key: bytes
    ) -> Binding | None:
        """Take out the binding with this identity and return it; None if there is none."""
        binding = self.find(source, destination, routing_key, arguments_key)
        if binding is not None:
            _drop(self._by_source, source, binding)
            _drop(self._by_destination, destination, binding)
            self._binding_count -= 1
            self.removed_count += 1
        return binding

    def discard(self, binding: Binding) -> bool:
        """Take out this binding; False if it is not here any more."""
        if binding not in self._by_source.get(binding.source, ()):
            return False
        _drop(self._by_source, binding.source, binding)
        _drop(self._by_destination, binding.destination, binding)
        self._binding_count -= 1
        self.removed_count += 1
        return True

    def has_source(self, name: str) -> bool:
        """Whether any binding leads from the exchange of this name."""
        return name in self._by_source

    def part_of_source(self, name: str, start: int, stop: int) -> tuple[Binding, ...]:
        """Return bindings from an exchange, oldest first, by how many are older."""
        return tuple(islice(self._by_source.get(name, ()), start, stop))

    def of_source(self, name: str) -> tuple[Binding, ...]:
        """Return the bindings from an exchange, oldest first."""
        return tuple(self._by_source.get(name, ()))

    def count_of_source(self, name: str) -> int:
        """Return how many bindings lead from the exchange of this name."""
        return len(self._by_source.get(name, ()))

    def of_destination(self, destination: tuple[DestinationKind, str]) -> tuple[Binding, ...]:
        """Return the bindings to a queue or an exchange, oldest first."""
        return tuple(self._by_destination.get(destination, ()))

    def check_invariants(self) -> None:
        """Assert what the class promises; costs a walk over every binding."""
        by_source = [binding for row in self._by_source.values() for binding in row]
        by_destination = [binding for row in self._by_destination.values() for binding in row]
        assert set(by_source) == set(by_destination), "both indexes hold the same bindings"
        assert len(by_source) == len(by_destination) == self._binding_count, "each of them once"
        assert all(self._by_source.values()), "no empty row by source"
        assert all(self._by_destination.values()), "no empty row by destination"


def _drop(index: dict[_Key, dict[Binding, Binding]], key: _Key, binding: Binding) -> None:
    row = index[key]
    del row[binding]
    if not row:
        del index[key]
