"""The exchange that a downstream broker binds at its upstream, ``x-federation-upstream``.

It is a fanout to the queue of one downstream. A message that was there already, or has gone over as
many links as it may, goes nowhere. So messages do not run in circles.

Source: RabbitMQ, rabbit_federation_upstream_exchange, rabbit_federation_util.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from exchanges.basis import Basis
from exchanges.bindings import Binding, Destination
from exchanges.errors import InvalidExchangeError
from exchanges.fanout import FanoutExchange
from exchanges.route_changes import KeyPart

TYPE: Final = "x-federation-upstream"
MAX_HOPS: Final = "x-max-hops"
DOWNSTREAM_NAME: Final = "x-downstream-name"
DOWNSTREAM_VHOST: Final = "x-downstream-vhost"
RECEIVED_FROM: Final = "x-received-from"
"""The header with a table for each link that a message went over, the last one in front."""


class FederationUpstreamExchange:
    """All destinations that are bound, for messages that the downstream may have."""

    __slots__ = ("_fanout", "_max_hops", "_name", "_vhost")

    basis: Final = Basis.HEADERS
    takes_every_key: Final = False

    def __init__(self, arguments: Mapping[str, object]) -> None:
        """Make an exchange without bindings.

        Args:
            arguments: of the exchange, plain values.

        Raises:
            InvalidExchangeError: the number of links is no integer.
        """
        max_hops = arguments.get(MAX_HOPS, 1)
        if isinstance(max_hops, bool) or not isinstance(max_hops, int):
            raise InvalidExchangeError(f"invalid argument '{MAX_HOPS}': it is no integer")
        self._max_hops = max_hops
        self._name = arguments.get(DOWNSTREAM_NAME)
        self._vhost = arguments.get(DOWNSTREAM_VHOST)
        self._fanout = FanoutExchange()

    def validate(self, _routing_key: str, _arguments: Mapping[str, object], /) -> None:
        """Accept anything, as a fanout."""

    def bind(self, binding: Binding, /) -> None:
        """Let every message that may go further go to the destination."""
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
        """Return all destinations, or none."""
        if not self._may_go_on(looked_at):
            return ()
        return self._fanout.match(routing_key, looked_at)

    def pieces(
        self, routing_key: str, looked_at: Mapping[str, object] | None, /
    ) -> Iterator[Iterable[Destination]]:
        """Return the same destinations in pieces."""
        if not self._may_go_on(looked_at):
            return iter(())
        return self._fanout.pieces(routing_key, looked_at)

    def _may_go_on(self, headers: Mapping[str, object] | None) -> bool:
        hops = None if headers is None else headers.get(RECEIVED_FROM)
        if not isinstance(hops, list):
            return True
        return len(hops) < self._max_hops and not any(map(self._is_downstream, hops))

    def _is_downstream(self, hop: object) -> bool:
        """Whether a link was from the downstream of this exchange."""
        table = hop[1] if isinstance(hop, tuple) else None
        if not isinstance(table, dict) or _text(table, "cluster-name") != self._name:
            return False
        vhost = _text(table, "vhost")
        return vhost is None or self._vhost is None or vhost == self._vhost


def _text(table: Mapping[str, object], key: str) -> object:
    """Return a value of a table within a header: the second of a pair."""
    pair = table.get(key)
    return pair[1] if isinstance(pair, tuple) else None
