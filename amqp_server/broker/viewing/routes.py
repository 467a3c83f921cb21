"""The view of a way: where a message would go, without one that goes."""

from collections.abc import Mapping
from typing import NamedTuple

from amqp_server.broker.broker import Broker
from amqp_server.broker.commands.messages import CARBON_COPIES_MAX
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.messages.carbon_copies import copy_keys
from amqp_server.broker.names import exchange_text
from amqp_server.broker.steps import Steps
from amqp_server.broker.viewing.bindings import BindingView, binding_view
from amqp_server.wire.tables import Table, matched_table
from exchanges.explaining import Explanation, Message, Passed, Way, explaining
from exchanges.routing import DEFAULT_EXCHANGE


class WayView(NamedTuple):
    """From an exchange to a queue or another exchange.

    Attributes:
        how: ``default``, ``binding`` or ``alternate``; see ``exchanges.explaining``.
        binding: None where no binding was made.
    """

    how: str
    source: str
    destination: str
    destination_type: str
    binding: BindingView | None


class ArrivalView(NamedTuple):
    """A queue that would get the message; see ``exchanges.explaining.Arrival``."""

    queue_name: str
    path: tuple[WayView, ...]
    by_chance: bool


class MissView(NamedTuple):
    """A binding that does not take the message, and why."""

    binding: BindingView
    reason: str


class RouteView(NamedTuple):
    """Where a message would go; see ``exchanges.explaining.Explanation``."""

    arrivals: tuple[ArrivalView, ...]
    arrivals_count: int
    misses: tuple[MissView, ...]
    misses_count: int
    passed: tuple[Passed, ...]
    passed_count: int


class RouteViews:
    """The views of ways; see ``broker.views``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def route(
        self,
        vhost: str,
        exchange: str,
        routing_key: str,
        headers: Table,
        properties: Mapping[str, object],
    ) -> Steps[RouteView]:
        """Return where a message would go, in steps; nothing is counted.

        Args:
            vhost: of the exchange.
            exchange: the default one is empty.
            routing_key: of the message; those of its CC and BCC headers are taken too.
            headers: of the message.
            properties: its other properties, by name.

        Raises:
            InvalidMessageError: CC or BCC is no list, or names too many keys.
            NotFoundError: there is no such vhost or exchange.
        """
        router = self._broker.vhost(vhost).router
        if exchange != DEFAULT_EXCHANGE and exchange not in router.exchanges:
            raise NotFoundError(f"no {exchange_text(vhost, exchange)}")
        keys = (routing_key, *copy_keys(headers, CARBON_COPIES_MAX))
        message = Message(keys, matched_table(headers) or None, lambda: properties)
        found = yield from explaining(router, exchange, message)
        return _shown(vhost, found)


def _shown(vhost: str, found: Explanation) -> RouteView:
    arrivals = [
        ArrivalView(name, tuple([_way(vhost, way) for way in path]), by_chance)
        for name, path, by_chance in found.arrivals
    ]
    misses = [MissView(binding_view(vhost, binding), reason) for binding, reason in found.misses]
    return RouteView(
        tuple(arrivals),
        found.arrivals_count,
        tuple(misses),
        found.misses_count,
        found.passed,
        found.passed_count,
    )


def _way(vhost: str, way: Way) -> WayView:
    kind, name = way.destination
    made = None if way.binding is None else binding_view(vhost, way.binding)
    return WayView(way.how, way.source, name, kind.value, made)
