"""The super stream exchange, ``x-super-stream``: a key goes where stream clients place it.

The partitions of a super stream are numbered by the argument ``x-stream-partition-order`` of their
bindings. Clients of the stream protocol choose the partition themselves: the hash of a key modulo
the number of partitions. This exchange does the same with the routing key, so that messages of
AMQP clients and of stream clients with the same key are in one partition.

A binding without the argument is numbered by its key, as the partitions ``name-0``, ``name-1`` are
bound with the keys 0 and 1. RabbitMQ itself has a direct exchange for a super stream, with the
argument ``x-super-stream``; it stays one here too.

Source: the hash strategies of the Java, Go and .NET stream clients; for the order, RabbitMQ's
rabbit_stream_manager; rabbitmq-server issue 8319, which asks for such an exchange.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from sortedcontainers import SortedList

from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination, DestinationKind
from exchanges.erlang_terms import erlang_term
from exchanges.errors import InvalidBindingError
from exchanges.hashing import murmur3_32
from exchanges.route_changes import EVERY_KEY, KeyPart

ORDER: Final = "x-stream-partition-order"
HASH_SEED: Final = 104_729

_NUMBER: Final = re.compile("[0-9]+")
_DIGITS_MAX: Final = 256


class SuperStreamExchange:
    """Bindings in the order of their partitions: number, kind, name, key, arguments."""

    __slots__ = ("_sorted",)

    basis: Final = Basis.KEY
    takes_every_key: Final = False

    def __init__(self) -> None:
        self._sorted: SortedList[tuple[int, str, str, str, bytes]] = SortedList()

    def validate(self, routing_key: str, arguments: Mapping[str, object], /) -> None:
        """Check that the binding has the number of its partition.

        Raises:
            InvalidBindingError: the argument is no integer from 0; or there is none, and the key is
                no such integer either.
        """
        if ORDER not in arguments:
            if not _NUMBER.fullmatch(routing_key):
                raise InvalidBindingError(
                    f"The binding needs the argument {ORDER}, or a key that is an "
                    f"integer: {erlang_term(routing_key)}"
                )
            return
        order = arguments[ORDER]
        if not isinstance(order, int) or isinstance(order, bool) or order < 0:
            raise InvalidBindingError(f"{ORDER} must be an integer from 0: {erlang_term(order)}")

    def bind(self, binding: Binding, /) -> None:
        """Add a partition."""
        self._sorted.add(_sorting(binding))

    def unbind(self, binding: Binding, /) -> None:
        """Undo ``bind``."""
        self._sorted.remove(_sorting(binding))

    def keys_of(self, _routing_key: str, /) -> tuple[KeyPart, ...]:
        """Return all keys: any of them may move."""
        return (EVERY_KEY,)

    def match(
        self, routing_key: str, _looked_at: Mapping[str, object] | None, /
    ) -> Iterable[Destination]:
        """Return the one partition."""
        if not self._sorted:
            return ()
        octets = routing_key.encode("utf-8", "surrogateescape")
        _, kind, name, _, _ = self._sorted[murmur3_32(octets, HASH_SEED) % len(self._sorted)]
        return (Destination(DestinationKind(kind), name),)

    def pieces(
        self, routing_key: str, looked_at: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the same, in one piece."""
        yield self.match(routing_key, looked_at)


def number_of(binding: Binding) -> int | None:
    """Return the number of a binding's partition; None if it has none.

    A binding of a direct exchange may have any key and arguments.
    """
    order = binding.arguments.get(ORDER)
    if isinstance(order, int):
        return order
    key = binding.routing_key
    return int(key) if len(key) < _DIGITS_MAX and _NUMBER.fullmatch(key) else None


def _sorting(binding: Binding) -> tuple[int, str, str, str, bytes]:
    order = binding.arguments.get(ORDER)
    kind, name = binding.destination
    return (
        order if isinstance(order, int) else int(binding.routing_key),
        kind.value,
        name,
        binding.routing_key,
        binding.arguments_key,
    )
