"""Exchanges, as definitions.

Source: RabbitMQ, rabbit_definitions and the exports of its versions.
"""

from collections.abc import Iterable
from typing import Final

from amqp_server.broker.arguments.declare import ExchangeProperties, validate_exchange
from amqp_server.broker.definitions.definition import ExchangeDefinition
from amqp_server.broker.definitions.fields import Fields, flag, table_of, table_text, text, whole
from amqp_server.broker.definitions.item import Item, checking, json_table, wrong
from amqp_server.broker.definitions.place import ALREADY_THERE, Place
from amqp_server.broker.definitions.row import Applying, Names, Reading
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.names import RESERVED_PREFIX
from amqp_server.broker.steps import Steps
from amqp_server.wire.tables import matched_table
from exchanges.kinds import KIND_NAMES, make_kind


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
        fields: dict[str, object] = {
            "type": exchange.exchange_type,
            "auto_delete": exchange.auto_delete,
            "internal": exchange.internal,
            "arguments": table_text(exchange.arguments),
        }
        return {**fields, "id": exchange.queue_id} if exchange.queue_id else fields

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
            queue_id=whole(fields["id"]) if "id" in fields else 0,
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
            make_kind(kind, matched_table(exchange.arguments))
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
            "arguments": json_table(exchange.arguments),
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
            exchanges.declare(exchange.name, properties, queue_id=exchange.queue_id)

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
