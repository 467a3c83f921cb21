"""Auto-delete exchanges whose last binding may be to a queue that is about to go.

What needs a queue ends with it, and is swept some time later. An exchange that goes with its last
binding would stay until then. So whoever deletes the queue has those bindings swept at once.
"""

from collections.abc import Callable, Iterator
from typing import Final, Protocol, TypeAlias

from amqp_server.broker.binding_arguments import typed_arguments
from amqp_server.broker.definitions.definition import BindingDefinition
from exchanges.bindings import Destination, DestinationKind
from exchanges.routing import Router

EXCHANGES_MAX: Final = 64
"""Of one queue; others wait for the sweep."""

BINDINGS_MAX: Final = 64
"""Of one exchange: those that ended are looked up one by one, and whoever deletes waits for that.
Exchanges with more of them wait for the sweep, too."""

LOOKED_AT_MAX: Final = 4_096
"""Bindings of one queue, about two milliseconds; likewise."""

LastBindings: TypeAlias = Callable[[str, str], Iterator[BindingDefinition]]
"""Takes the names of a vhost and of a queue, and returns a binding from each such exchange."""


class Routed(Protocol):
    """A vhost, as far as it routes."""

    @property
    def router(self) -> Router:
        """Its exchanges and bindings."""


class Tables(Protocol):
    """The tables of this node; ``broker.broker.Broker`` implements it."""

    def has_vhost(self, name: str) -> bool:
        """Whether there is a vhost of this name."""

    def vhost(self, name: str) -> Routed:
        """Return it."""


def last_bindings(tables: Tables, vhost: str, queue: str) -> Iterator[BindingDefinition]:
    """Return a binding of a queue from each auto-delete exchange, as this node's tables have it."""
    if not tables.has_vhost(vhost):
        return
    router = tables.vhost(vhost).router
    seen: set[str] = set()
    bindings = router.bindings.of_destination(Destination(DestinationKind.QUEUE, queue))
    for binding in bindings[:LOOKED_AT_MAX]:
        source = router.exchanges.get(binding.source)
        if source is None or not source.auto_delete or source.name in seen:
            continue
        if router.bindings.count_of_source(source.name) > BINDINGS_MAX:
            continue
        seen.add(source.name)
        arguments = typed_arguments(binding)
        key = binding.routing_key
        yield BindingDefinition(source.name, vhost, queue, "queue", key, arguments)
        if len(seen) >= EXCHANGES_MAX:
            return
