"""The consistent hash exchange, ``x-consistent-hash``: each message goes to one destination.

Which one depends on a hash of the routing key, or of what the exchange's arguments name:

    hash-header      the value of this header; an integer counts as its digits
    hash-property    ``message_id``, ``correlation_id`` or ``timestamp``

Messages without that header or property all go to the same destination. A binding's key is the
weight of the destination. Of several bindings of one destination only the oldest counts.

RabbitMQ numbers buckets and moves most keys when one of them goes. Here only the keys of a
destination that goes are moved: see ``exchanges.rendezvous``.

Source: RabbitMQ, rabbitmq_consistent_hash_exchange; texts were measured on 3.10, the greatest
weight is 4.3's.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination
from exchanges.erlang_terms import erlang_term
from exchanges.errors import InvalidBindingError, InvalidExchangeError
from exchanges.rendezvous import Rendezvous
from exchanges.route_changes import EVERY_KEY, KeyPart

HASH_HEADER: Final = "hash-header"
HASH_PROPERTY: Final = "hash-property"
PROPERTIES: Final = frozenset({"correlation_id", "message_id", "timestamp"})
WEIGHT_MAX: Final = 10_000

_INTEGER: Final = re.compile("[+-]?[0-9]+")


class ConsistentHashExchange:
    """Destinations by weight.

    Invariant: each destination that is bound takes part with the weight of its oldest binding.
    """

    __slots__ = ("_hashed", "_later", "_oldest", "_rendezvous", "basis")

    takes_every_key: Final = False

    def __init__(self, arguments: Mapping[str, object]) -> None:
        """Make an exchange without bindings.

        Args:
            arguments: of the exchange, plain values.

        Raises:
            InvalidExchangeError: they name no header or property, or both.
        """
        header, property_name = arguments.get(HASH_HEADER), arguments.get(HASH_PROPERTY)
        if header is not None and property_name is not None:
            raise InvalidExchangeError(f"{HASH_HEADER} and {HASH_PROPERTY} are mutually exclusive")
        for name in (HASH_HEADER, HASH_PROPERTY):
            if not isinstance(arguments.get(name, ""), str):
                term = erlang_term(arguments[name])
                raise InvalidExchangeError(f"{name} must be a string, not {term}")
        if property_name is not None and property_name not in PROPERTIES:
            raise InvalidExchangeError(f"Unsupported property: {property_name}")
        self.basis = Basis.KEY
        self._hashed = ""
        if isinstance(header, str):
            self.basis, self._hashed = Basis.HEADERS, header
        elif isinstance(property_name, str):
            self.basis, self._hashed = Basis.PROPERTIES, property_name
        self._rendezvous = Rendezvous()
        self._oldest: dict[Destination, Binding] = {}
        # Not an ordinary dict: that would look for its first item among the traces of all that
        # were taken out before it.
        self._later: dict[Destination, OrderedDict[Binding, None]] = {}

    def validate(self, routing_key: str, _arguments: Mapping[str, object], /) -> None:
        """Check that the binding key is a weight.

        Raises:
            InvalidBindingError: it is no integer, or not one from 1 to ``WEIGHT_MAX``.
        """
        if not _INTEGER.fullmatch(routing_key):
            term = erlang_term(routing_key)
            raise InvalidBindingError(f"The binding key must be an integer: {term}")
        weight = int(routing_key)
        if weight < 1:
            raise InvalidBindingError("The binding key must be greater than 0")
        if weight > WEIGHT_MAX:
            raise InvalidBindingError(f"The binding key must not exceed {WEIGHT_MAX}")

    def bind(self, binding: Binding, /) -> None:
        """Let the destination take its share, if it has none yet."""
        destination = binding.destination
        if destination in self._oldest:
            self._later.setdefault(destination, OrderedDict())[binding] = None
        else:
            self._count(binding)

    def unbind(self, binding: Binding, /) -> None:
        """Undo ``bind``; the next oldest binding of the destination counts from now on."""
        destination = binding.destination
        later = self._later.get(destination)
        if self._oldest[destination] == binding:
            del self._oldest[destination]
            self._rendezvous.remove(destination)
            if later:
                self._count(later.popitem(last=False)[0])
        elif later:
            del later[binding]
        if not later:
            self._later.pop(destination, None)

    def keys_of(self, _routing_key: str, /) -> tuple[KeyPart, ...]:
        """Return all keys: any of them may move."""
        return (EVERY_KEY,)

    def match(
        self, routing_key: str, looked_at: Mapping[str, object] | None, /
    ) -> Iterable[Destination] | None:
        """Return the one destination."""
        return self._rendezvous.place(self._octets(routing_key, looked_at))

    def pieces(
        self, routing_key: str, looked_at: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the same destination, in pieces of which all others are empty."""
        return self._rendezvous.placing(self._octets(routing_key, looked_at))

    def _count(self, binding: Binding) -> None:
        """Let a binding, the only one of its destination that counts, take part."""
        self._oldest[binding.destination] = binding
        self._rendezvous.add(binding.destination, int(binding.routing_key))

    def _octets(self, routing_key: str, looked_at: Mapping[str, object] | None) -> bytes:
        value: object = routing_key
        if self.basis is not Basis.KEY:
            value = (looked_at or {}).get(self._hashed)
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str):
            value = "" if value is None else erlang_term(value)
        return value.encode("utf-8", "surrogateescape")
