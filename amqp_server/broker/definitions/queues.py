"""Queues, as definitions.

Source: RabbitMQ, rabbit_definitions and the exports of its versions.
"""

from collections.abc import Iterable
from typing import Final

from amqp_server.broker.arguments.declare import (
    QueueProperties,
    validate_queue,
    with_default_queue_type,
)
from amqp_server.broker.arguments.rules import QUEUE_TYPE
from amqp_server.broker.definitions.definition import QueueDefinition
from amqp_server.broker.definitions.fields import Fields, flag, table_of, table_text, whole
from amqp_server.broker.definitions.item import Item, checking, json_table
from amqp_server.broker.definitions.place import Place
from amqp_server.broker.definitions.row import Applying, Names, Reading
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.steps import Steps
from amqp_server.wire.tables import Table, longstr
from queues.kinds import DEFAULT_KIND, QueueKind


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
        fields: Fields = {
            "id": queue.queue_id,
            "auto_delete": queue.auto_delete,
            "arguments": table_text(queue.arguments),
        }
        return {**fields, "paused": True} if queue.is_paused else fields

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
            is_paused=flag(fields.get("paused", False)),
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
            "arguments": json_table(queue.arguments),
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
        made = vhost.queues.declare(
            queue.name,
            QueueProperties(queue.durable, False, queue.auto_delete, arguments),  # noqa: FBT003
            None,
            applying.now_ms,
            may_be_reserved=True,  # amq.gen names are stored and exported, too
            queue_id=queue.queue_id,
        )
        if queue.is_paused:
            vhost.queues.pause(made, is_on=True)

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
                        queue.is_paused,
                    )


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
