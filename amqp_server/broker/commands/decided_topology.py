"""The commands on queues, exchanges and bindings, on a node of a cluster: ``commands.decided``."""

from dataclasses import replace

from amqp_server.broker.access.rights import (
    Permission,
)
from amqp_server.broker.arguments.declare import (
    ExchangeProperties,
    QueueProperties,
    with_default_queue_type,
)
from amqp_server.broker.asking import counting
from amqp_server.broker.broker import Broker
from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.definitions.definition import (
    Definition,
    QueueDefinition,
)
from amqp_server.broker.errors import NotSupportedError
from amqp_server.broker.names import (
    check_fits_frames,
    check_not_default_exchange,
    strip_line_ends,
)
from amqp_server.broker.queue import NOBODY
from amqp_server.broker.request_rights import (
    asker_of,
    check_bind,
    check_exchange_declare,
    check_queue_declare,
)
from amqp_server.broker.steps import WaitingSteps
from amqp_server.wire.tables import Table
from exchanges.bindings import Destination, DestinationKind


class DecidedTopology:
    """Has the store decide what ``commands.topology`` would do."""

    def __init__(self, broker: Broker, decisions: Decisions) -> None:
        self._broker = broker
        self._decisions = decisions

    def declare_queue(
        self,
        _now_ms: int,
        vhost: str,
        name: str,
        *,
        username: str | None,
        durable: bool,
        auto_delete: bool,
        arguments: Table,
    ) -> WaitingSteps[bool]:
        """Declare a queue; return whether it is new, as far as this node knew."""
        name = strip_line_ends(name)
        check_fits_frames("queue", name)
        found = self._broker.vhost(vhost)
        arguments = with_default_queue_type(
            arguments,
            found.default_queue_kind,
            durable=durable,
            exclusive=False,
            auto_delete=auto_delete,
        )
        check_queue_declare(asker_of(self._broker.users, username, found), name, arguments)
        is_new = found.queues.find(name) is None
        if not is_new:
            found.queues.get(name, NOBODY)
        is_exclusive = False
        properties = QueueProperties(durable, is_exclusive, auto_delete, arguments)
        declaring = self._decisions.declaring_queue(vhost, name, properties)
        yield from self._decisions.places.placing(self._broker, found, name, declaring)
        return is_new

    def delete_queue(
        self,
        now_ms: int,
        vhost: str,
        name: str,
        *,
        username: str | None,
        if_unused: bool,
        if_empty: bool,
    ) -> WaitingSteps[int]:
        """Delete a queue; return how many ready messages went with it.

        Raises:
            NotFoundError: there is none, or its leader does not answer in time.
            PreconditionFailedError: it is in use, or not empty, at its leader.
        """
        found = self._broker.vhost(vhost)
        asker_of(self._broker.users, username, found).require(Permission.CONFIGURE, "queue", name)
        queue = found.queues.deletable(name, NOBODY, now_ms, if_unused=if_unused, if_empty=if_empty)
        counts = yield from counting(queue, now_ms)
        found.queues.check_conditions(queue, counts, if_unused=if_unused, if_empty=if_empty)
        yield from self._decisions.deleting_queue(vhost, name, queue.stored_id)
        return counts.ready_count

    def pause_queue(
        self, _now_ms: int, vhost: str, name: str, *, username: str | None, is_on: bool
    ) -> WaitingSteps[None]:
        """Have the consumers of a queue get nothing, or get messages again."""
        found = self._broker.vhost(vhost)
        asker_of(self._broker.users, username, found).require(Permission.CONFIGURE, "queue", name)
        queue = found.queues.get(name, NOBODY)
        if queue.emptied is None:
            raise NotSupportedError(f"{queue.text} is a stream: it cannot be paused")

        def paused(before: Definition | None) -> Definition | None:
            if not isinstance(before, QueueDefinition):
                return None
            return replace(before, is_paused=is_on)

        yield from self._decisions.changing(queue.definition, paused)

    def declare_exchange(
        self,
        _now_ms: int,
        vhost: str,
        name: str,
        *,
        username: str | None,
        properties: ExchangeProperties,
    ) -> WaitingSteps[bool]:
        """Declare an exchange; return whether it is new, as far as this node knew."""
        name = strip_line_ends(name)
        check_fits_frames("exchange", name)
        found = self._broker.vhost(vhost)
        check_not_default_exchange(name)
        asker = asker_of(self._broker.users, username, found)
        check_exchange_declare(asker, name, properties.arguments)
        is_new = not found.exchanges.exists(name)
        yield from self._decisions.declaring_exchange(vhost, name, properties)
        return is_new

    def delete_exchange(
        self, _now_ms: int, vhost: str, name: str, *, username: str | None, if_unused: bool
    ) -> WaitingSteps[None]:
        """Delete an exchange with its bindings."""
        found = self._broker.vhost(vhost)
        check_not_default_exchange(name)
        asker = asker_of(self._broker.users, username, found)
        asker.require(Permission.CONFIGURE, "exchange", name)
        found.exchanges.get(name)
        yield from self._decisions.deleting_exchange(vhost, name, if_unused=if_unused)

    def bind(
        self,
        _now_ms: int,
        vhost: str,
        source: str,
        destination: str,
        *,
        username: str | None,
        destination_type: str,
        routing_key: str,
        arguments: Table,
    ) -> WaitingSteps[None]:
        """Bind a ``queue`` or an ``exchange`` to an exchange."""
        check_fits_frames("routing key", routing_key)
        to = Destination(DestinationKind(destination_type), destination)
        self._check_ends(vhost, source, to, routing_key, username)
        yield from self._decisions.binding_of(vhost, source, to, routing_key, arguments)

    def unbind(
        self,
        _now_ms: int,
        vhost: str,
        source: str,
        destination: str,
        *,
        username: str | None,
        destination_type: str,
        routing_key: str,
        arguments: Table,
    ) -> WaitingSteps[None]:
        """Remove a binding; a missing binding is no error."""
        to = Destination(DestinationKind(destination_type), destination)
        self._check_ends(vhost, source, to, routing_key, username)
        yield from self._decisions.unbinding_of(vhost, source, to, routing_key, arguments)

    def _check_ends(
        self, vhost: str, source: str, to: Destination, routing_key: str, username: str | None
    ) -> None:
        found = self._broker.vhost(vhost)
        check_bind(asker_of(self._broker.users, username, found), source, to, routing_key)
        if to.kind is DestinationKind.QUEUE and found.queues.find(to.name) is not None:
            found.queues.get(to.name, NOBODY)
