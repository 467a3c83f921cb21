"""The view of a binding."""

from collections.abc import Mapping
from typing import NamedTuple

from amqp_server.broker.binding_arguments import typed_arguments
from amqp_server.wire.tables import Table, plain
from exchanges.bindings import Binding


class BindingView(NamedTuple):
    """A binding; ``destination_type`` is ``queue`` or ``exchange``.

    ``typed_arguments`` are the arguments with their AMQP types, as the commands take them.
    """

    source: str
    vhost: str
    destination: str
    destination_type: str
    routing_key: str
    arguments: Mapping[str, object]
    typed_arguments: Table


def binding_view(vhost: str, binding: Binding) -> BindingView:
    """Return the view of a binding in a vhost."""
    kind, destination = binding.destination
    key, typed = binding.routing_key, typed_arguments(binding)
    given = {key: plain(field) for key, field in typed.items()}
    return BindingView(binding.source, vhost, destination, kind.value, key, given, typed)
