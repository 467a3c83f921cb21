"""Bindings, as definitions.

Source: RabbitMQ, rabbit_definitions and the exports of its versions.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from amqp_server.broker.definitions.definition import BindingDefinition, DestinationWord
from amqp_server.broker.definitions.fields import Fields, table_of, table_text
from amqp_server.broker.definitions.item import Item, json_table, wrong
from amqp_server.broker.definitions.place import ALREADY_THERE, Place
from amqp_server.broker.definitions.row import Applying, Names, Reading
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.names import DEFAULT_EXCHANGE, exchange_text, queue_text
from amqp_server.broker.steps import Steps
from amqp_server.wire.tables import encode_table, matched_table
from exchanges.bindings import Destination, DestinationKind
from exchanges.kinds import make_kind

_DESTINATIONS: Final[Mapping[str, DestinationWord]] = {"queue": "queue", "exchange": "exchange"}


class BindingRow:
    """A binding that a client made. Stored, if both of its ends are, under all that makes it one.

    The digest at the end of its names stands for its arguments, which may be far larger than a
    key; it is empty where they are.
    """

    word: Final = "binding"
    value_type: Final = BindingDefinition
    section: Final = "bindings"
    component: Final = None
    obeys_policies: Final = False

    def names(self, binding: BindingDefinition) -> Names:
        """Return vhost, source, queue or exchange, destination, routing key and digest."""
        digest = ""
        if binding.arguments:
            digest = sha256(encode_table(dict(sorted(binding.arguments.items())))).hexdigest()
        return (
            binding.vhost,
            binding.source,
            binding.destination_type,
            binding.destination,
            binding.routing_key,
            digest,
        )

    def encode(self, binding: BindingDefinition) -> Fields:
        """Return the arguments."""
        return {"arguments": table_text(binding.arguments)}

    def decode(self, names: Names, fields: Fields) -> BindingDefinition:
        """Return the binding."""
        vhost, source, kind, destination, routing_key, _digest = names
        return BindingDefinition(
            source,
            vhost,
            destination,
            _DESTINATIONS[kind],
            routing_key,
            table_of(fields["arguments"]),
        )

    def read(self, item: Item, reading: Reading) -> BindingDefinition:
        """Read a binding; one that does not say so is one to a queue."""
        word = item.text("destination_type", "queue")
        if word not in _DESTINATIONS:
            raise wrong(f"{item.path}.destination_type", "queue or exchange", word)
        return BindingDefinition(
            item.name("source"),
            reading.vhost_of(item),
            item.name("destination"),
            _DESTINATIONS[word],
            item.name("routing_key", ""),
            item.table("arguments"),
        )

    def show(self, binding: BindingDefinition) -> dict[str, object]:
        """Return all of it."""
        return {
            "source": binding.source,
            "vhost": binding.vhost,
            "destination": binding.destination,
            "destination_type": binding.destination_type,
            "routing_key": binding.routing_key,
            "arguments": json_table(binding.arguments),
        }

    def missing(self, place: Place, binding: BindingDefinition) -> str | None:
        """Refer to both ends; a binding of the default exchange is nothing to do."""
        vhost, name = binding.vhost, binding.destination
        missing = place.missing_vhost(vhost)
        if missing is not None:
            return missing
        kind = place.exchange_type(vhost, binding.source)
        if kind is None:
            return f": no {exchange_text(vhost, binding.source)}"
        if binding.destination_type == "queue" and not place.has_queue(vhost, name):
            return f": no {queue_text(vhost, name)}"
        if binding.destination_type == "exchange" and place.exchange_type(vhost, name) is None:
            return f": no {exchange_text(vhost, name)}"
        if DEFAULT_EXCHANGE in {binding.source, name}:
            by_name = binding.destination_type == "queue" and binding.routing_key == name
            return ALREADY_THERE if by_name else ": the default exchange binds by name alone"
        make_kind(kind).validate(binding.routing_key, matched_table(binding.arguments))
        return None

    def apply(self, broker: BrokerTarget, binding: BindingDefinition, _applying: Applying) -> None:
        """Bind; an existing binding stays as it is."""
        broker.vhost(binding.vhost).bind(
            binding.source, _destination(binding), binding.routing_key, binding.arguments
        )

    def remove(self, broker: BrokerTarget, binding: BindingDefinition, _now_ms: int) -> Steps[None]:
        """Take it away, and an auto-delete exchange that it was the last of."""
        if broker.has_vhost(binding.vhost):
            yield from broker.vhost(binding.vhost).exchanges.unbinding(
                binding.source, _destination(binding), binding.routing_key, binding.arguments
            )

    def held(self, broker: BrokerTarget) -> Iterable[BindingDefinition]:
        """Return all but those to exclusive queues."""
        for vhost in broker.vhosts():
            for binding in vhost.exchanges.binding_definitions():
                if binding.destination_type == "queue":
                    queue = vhost.queues.find(binding.destination)
                    if queue is None or queue.owner is not None:
                        continue
                yield binding


def _destination(binding: BindingDefinition) -> Destination:
    return Destination(DestinationKind(binding.destination_type), binding.destination)
