"""The recent history exchange, ``x-recent-history``: a fanout that remembers its last messages.

Every destination gets every message. Beside them the exchange's keeper gets a copy, and a new
binding gets what the keeper has: see ``amqp_server.broker.keepers.history``.

Source: RabbitMQ, rabbitmq_recent_history_exchange; texts were measured on 3.10.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final

from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination
from exchanges.erlang_terms import erlang_term
from exchanges.errors import InvalidExchangeError
from exchanges.fanout import FanoutExchange
from exchanges.keeping import KEEP_COPY
from exchanges.route_changes import KeyPart

TYPE: Final = "x-recent-history"
LENGTH: Final = "x-recent-history-length"
DEFAULT_LENGTH: Final = 20


class RecentHistoryExchange:
    """All destinations that are bound, and the keeper."""

    __slots__ = ("_fanout",)

    basis: Final = Basis.KEY
    takes_every_key: Final = False

    def __init__(self, arguments: Mapping[str, object]) -> None:
        """Make an exchange without bindings.

        Args:
            arguments: of the exchange, plain values.

        Raises:
            InvalidExchangeError: the length is no integer above 0.
        """
        history_length(arguments)
        self._fanout = FanoutExchange()

    def validate(self, _routing_key: str, _arguments: Mapping[str, object], /) -> None:
        """Accept anything, as a fanout."""

    def bind(self, binding: Binding, /) -> None:
        """Let every message go to the destination."""
        self._fanout.bind(binding)

    def unbind(self, binding: Binding, /) -> None:
        """Undo ``bind``."""
        self._fanout.unbind(binding)

    def keys_of(self, routing_key: str, /) -> tuple[KeyPart, ...]:
        """Return all keys, as a fanout."""
        return self._fanout.keys_of(routing_key)

    def match(
        self, routing_key: str, looked_at: Mapping[str, object] | None, /
    ) -> Iterable[Destination] | None:
        """Return the keeper and all destinations, each once."""
        found = self._fanout.match(routing_key, looked_at)
        return None if found is None else (KEEP_COPY, *found)

    def pieces(
        self, routing_key: str, looked_at: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the same in pieces."""
        return chain([(KEEP_COPY,)], self._fanout.pieces(routing_key, looked_at))


def history_length(arguments: Mapping[str, object]) -> int:
    """Return how many messages an exchange of these arguments, plain values, remembers.

    Raises:
        InvalidExchangeError: it is no integer above 0; the text is RabbitMQ's.
    """
    length = arguments.get(LENGTH, DEFAULT_LENGTH)
    if isinstance(length, int) and not isinstance(length, bool) and length > 0:
        return length
    raise InvalidExchangeError(
        f"Invalid argument {erlang_term(length)}, '{LENGTH}' must be a positive integer"
    )
