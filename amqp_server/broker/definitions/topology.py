"""Exchanges, queues and bindings, as definitions.

Source: RabbitMQ, rabbit_definitions and the exports of its versions.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from amqp_server.broker.arguments.declare import (
    ExchangeProperties,
    QueueProperties,
    validate_exchange,
    validate_queue,
    with_default_queue_type,
)
from amqp_server.broker.arguments.rules import QUEUE_TYPE
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    DestinationWord,
    ExchangeDefinition,
    QueueDefinition,
)
from amqp_server.broker.definitions.fields import Fields, flag, table_of, table_text, text, whole
from amqp_server.broker.definitions.item import Item, checking, json_of, wrong
from amqp_server.broker.definitions.place import ALREADY_THERE, Place
from amqp_server.broker.definitions.row import Applying, Names, Reading
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.names import (
    DEFAULT_EXCHANGE,
    RESERVED_PREFIX,
    exchange_text,
    queue_text,
)
from amqp_server.broker.steps import Steps
from amqp_server.wire.tables import Table, encode_table, longstr, matched_table
from exchanges.bindings import Destination, DestinationKind
from exchanges.kinds import KIND_NAMES, make_kind
from queues.kinds import DEFAULT_KIND, QueueKind

_DESTINATIONS: Final[Mapping[str, DestinationWord]] = {"queue": "queue", "exchange": "exchange"}


class ExchangeRow:
    """An exchange that a client declared. Stored, if it is durable, under vhost and name."""

    word: Final = "exchange"
    value_type: Final = ExchangeDefinition
    section: Final = "exchanges"
    component: Final = None
    obeys_policies: Final = True

    def names(self, exchange: ExchangeDefinition) -> Names:
        """Return vhost and name."""
        return (exchange.vhost, exchange.name)

    def encode(self, exchange: ExchangeDefinition) -> Fields:
        """Return all but the names; it is durable."""
        return {
            "type": exchange.exchange_type,
            "auto_delete": exchange.auto_delete,
            "internal": exchange.internal,
            "arguments": table_text(exchange.arguments),
        }

    def decode(self, names: Names, fields: Fields) -> ExchangeDefinition:
        """Return the exchange."""
        vhost, name = names
        return ExchangeDefinition(
            name,
            vhost,
            text(fields["type"]),
            durable=True,
            auto_delete=flag(fields["auto_delete"]),
            internal=flag(fields["internal"]),
            arguments=table_of(fields["arguments"]),
        )

    def read(self, item: Item, reading: Reading) -> ExchangeDefinition:
        """Read an exchange, of a type that there is."""
        exchange = ExchangeDefinition(
            item.name("name"),
            reading.vhost_of(item),
            item.text("type"),
            item.flag("durable", default=True),
            item.flag("auto_delete", default=False),
            item.flag("internal", default=False),
            item.table("arguments"),
        )
        kind = exchange.exchange_type
        if kind not in KIND_NAMES:
            raise wrong(f"{item.path}.type", f"one of {', '.join(KIND_NAMES)}", kind)
        with checking(item):
            validate_exchange(exchange.name, exchange.vhost, exchange.arguments)
        return exchange

    def show(self, exchange: ExchangeDefinition) -> dict[str, object]:
        """Return all of it."""
        return {
            "name": exchange.name,
            "vhost": exchange.vhost,
            "type": exchange.exchange_type,
            "durable": exchange.durable,
            "auto_delete": exchange.auto_delete,
            "internal": exchange.internal,
            "arguments": _shown(exchange.arguments),
        }

    def missing(self, place: Place, exchange: ExchangeDefinition) -> str | None:
        """Refer to a vhost; one that exists is nothing to do."""
        vhost, name = exchange.vhost, exchange.name
        missing = place.missing_vhost(vhost)
        if missing is not None:
            return missing
        if place.exchange_type(vhost, name) is not None:
            return ALREADY_THERE
        if name.startswith(RESERVED_PREFIX):
            return f".name: '{name}' has the reserved prefix '{RESERVED_PREFIX}'"
        place.add_exchange(vhost, name, exchange.exchange_type)
        return None

    def apply(
        self, broker: BrokerTarget, exchange: ExchangeDefinition, _applying: Applying
    ) -> None:
        """Declare it, unless there is one."""
        exchanges = broker.vhost(exchange.vhost).exchanges
        if not exchanges.exists(exchange.name):
            properties = ExchangeProperties(
                exchange.exchange_type,
                exchange.durable,
                exchange.auto_delete,
                exchange.internal,
                exchange.arguments,
            )
            exchanges.declare(exchange.name, properties)

    def remove(
        self, broker: BrokerTarget, exchange: ExchangeDefinition, _now_ms: int
    ) -> Steps[None]:
        """Delete it with its bindings."""
        if broker.has_vhost(exchange.vhost):
            yield from broker.vhost(exchange.vhost).exchanges.deleting(
                exchange.name, if_unused=False
            )

    def held(self, broker: BrokerTarget) -> Iterable[ExchangeDefinition]:
        """Return all but the predeclared ones."""
        for vhost in broker.vhosts():
            yield from vhost.exchanges.definitions()


class QueueRow:
    """A queue that is not exclusive. Stored, if it is durable, under vhost and name."""

    word: Final = "queue"
    value_type: Final = QueueDefinition
    section: Final = "queues"
    component: Final = None
    obeys_policies: Final = True

    def names(self, queue: QueueDefinition) -> Names:
        """Return vhost and name."""
        return (queue.vhost, queue.name)

    def encode(self, queue: QueueDefinition) -> Fields:
        """Return all but the names; it is durable."""
        return {
            "id": queue.queue_id,
            "auto_delete": queue.auto_delete,
            "arguments": table_text(queue.arguments),
        }

    def decode(self, names: Names, fields: Fields) -> QueueDefinition:
        """Return the queue."""
        vhost, name = names
        return QueueDefinition(
            name,
            vhost,
            durable=True,
            auto_delete=flag(fields["auto_delete"]),
            arguments=table_of(fields["arguments"]),
            queue_id=whole(fields["id"]),
        )

    def read(self, item: Item, reading: Reading) -> QueueDefinition:
        """Read a queue; its type may stand beside the arguments."""
        queue = QueueDefinition(
            item.name("name"),
            reading.vhost_of(item),
            item.flag("durable", default=True),
            item.flag("auto_delete", default=False),
            item.table("arguments"),
        )
        if item.has("type") and QUEUE_TYPE not in queue.arguments:
            # 4.x names the type beside the arguments, too; a plugin's by its module.
            kind_name = item.text("type").removeprefix("rabbit_").removesuffix("_queue")
            named = {**queue.arguments, QUEUE_TYPE: longstr(kind_name)}
        else:
            named = dict(queue.arguments)
        with checking(item):
            kind = _validated(queue, named)
        if kind is DEFAULT_KIND:
            return queue
        return QueueDefinition(queue.name, queue.vhost, queue.durable, queue.auto_delete, named)

    def show(self, queue: QueueDefinition) -> dict[str, object]:
        """Return all but the id."""
        return {
            "name": queue.name,
            "vhost": queue.vhost,
            "durable": queue.durable,
            "auto_delete": queue.auto_delete,
            "arguments": _shown(queue.arguments),
        }

    def missing(self, place: Place, queue: QueueDefinition) -> str | None:
        """Refer to a vhost, whose default type the arguments must go with."""
        missing = place.missing_vhost(queue.vhost)
        if missing is not None:
            return missing
        arguments = _typed(queue, place.default_queue_kind(queue.vhost))
        if not place.has_queue(queue.vhost, queue.name):
            _validated(queue, arguments)
        place.add_queue(queue.vhost, queue.name)
        return None

    def apply(self, broker: BrokerTarget, queue: QueueDefinition, applying: Applying) -> None:
        """Declare it, unless there is one; from a file, with the default type of its vhost."""
        vhost = broker.vhost(queue.vhost)
        if vhost.queues.find(queue.name) is not None:
            return
        arguments = queue.arguments
        if not applying.is_restored:
            arguments = _typed(queue, vhost.default_queue_kind)
        vhost.queues.declare(
            queue.name,
            QueueProperties(queue.durable, False, queue.auto_delete, arguments),  # noqa: FBT003
            None,
            applying.now_ms,
            may_be_reserved=True,  # amq.gen names are stored and exported, too
            queue_id=queue.queue_id,
        )

    def remove(self, broker: BrokerTarget, queue: QueueDefinition, now_ms: int) -> Steps[None]:
        """Delete it with its messages and bindings; an exclusive one of that name stays."""
        if not broker.has_vhost(queue.vhost):
            return
        queues = broker.vhost(queue.vhost).queues
        found = queues.find(queue.name)
        if found is None or found.owner is None:
            yield from queues.deleting(queue.name, None, now_ms, if_unused=False, if_empty=False)

    def held(self, broker: BrokerTarget) -> Iterable[QueueDefinition]:
        """Return all but the exclusive ones."""
        for vhost in broker.vhosts():
            for queue in vhost.queues:
                if queue.owner is None:
                    asked = queue.properties
                    yield QueueDefinition(
                        queue.name,
                        vhost.name,
                        asked.durable,
                        asked.auto_delete,
                        asked.arguments,
                        queue.queue_id,
                    )


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
            "arguments": _shown(binding.arguments),
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
        """Bind; what is bound already stays so."""
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


def _typed(queue: QueueDefinition, default_kind: QueueKind | None) -> Table:
    return with_default_queue_type(
        queue.arguments,
        default_kind,
        durable=queue.durable,
        exclusive=False,
        auto_delete=queue.auto_delete,
    )


def _validated(queue: QueueDefinition, arguments: Table) -> QueueKind:
    return validate_queue(
        queue.name,
        queue.vhost,
        arguments,
        durable=queue.durable,
        exclusive=False,
        auto_delete=queue.auto_delete,
    )


def _shown(table: Table) -> dict[str, object]:
    return {key: json_of(field) for key, field in table.items()}
