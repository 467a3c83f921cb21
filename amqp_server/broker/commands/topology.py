"""The commands on queues, exchanges and bindings; each is made as a user, or as the operator.

Source: RabbitMQ 3.10, rabbit_mgmt_wm_queue, _exchange and _binding: each makes a request of AMQP
as the user who asks.
"""

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.arguments.declare import (
    ExchangeProperties,
    QueueProperties,
    with_default_queue_type,
)
from amqp_server.broker.asking import purging_elsewhere
from amqp_server.broker.broker import Broker
from amqp_server.broker.names import (
    check_fits_frames,
    check_not_default_exchange,
    strip_line_ends,
)
from amqp_server.broker.queue import NOBODY, purging
from amqp_server.broker.request_rights import (
    Asker,
    asker_of,
    check_bind,
    check_exchange_declare,
    check_queue_declare,
)
from amqp_server.broker.steps import Steps, WaitingSteps
from amqp_server.broker.vhost import Vhost
from amqp_server.wire.tables import Table
from exchanges.bindings import Destination, DestinationKind
from queues.commits import SAFE_NOW
from queues.kinds import Request
from queues.outcomes import PurgeOutcome


class TopologyCommands:
    """The commands on queues, exchanges and bindings; see ``broker.admin``.

    ``username`` is who asks, and needs the rights that AMQP asks for; None is the operator, who
    needs none.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    # ── queues ──

    def declare_queue(
        self,
        now_ms: int,
        vhost: str,
        name: str,
        *,
        username: str | None,
        durable: bool,
        auto_delete: bool,
        arguments: Table,
    ) -> Steps[bool]:
        """Declare a queue, without line ends in its name; return whether it is new."""
        name = strip_line_ends(name)
        check_fits_frames("queue", name)
        found = self._broker.vhost(vhost)
        queues = found.queues
        yield from queues.finishing(name)
        arguments = with_default_queue_type(
            arguments,
            found.default_queue_kind,
            durable=durable,
            exclusive=False,
            auto_delete=auto_delete,
        )
        check_queue_declare(self._asker(username, found), name, arguments)
        is_new = queues.find(name) is None
        self._broker.check_room_for_queue(found, name)
        is_exclusive = False
        properties = QueueProperties(durable, is_exclusive, auto_delete, arguments)
        queues.declare(name, properties, NOBODY, now_ms)
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
    ) -> Steps[int]:
        """Delete a queue; return how many ready messages went with it."""
        found = self._broker.vhost(vhost)
        self._asker(username, found).require(Permission.CONFIGURE, "queue", name)
        found.queues.get(name, NOBODY)
        return (
            yield from found.queues.deleting(
                name, NOBODY, now_ms, if_unused=if_unused, if_empty=if_empty
            )
        )

    def purge_queue(
        self, now_ms: int, vhost: str, name: str, *, username: str | None
    ) -> WaitingSteps[PurgeOutcome]:
        """Drop all ready messages of a queue, wherever it is led.

        Raises:
            NotFoundError: its leader does not answer in time.
        """
        found = self._broker.vhost(vhost)
        self._asker(username, found).require(Permission.READ, "queue", name)
        queue = found.queues.get(name, NOBODY)
        queue.check_granted(Request.PURGE)
        found.queues.refresh(queue, now_ms)
        asked = queue.asked_for_messages
        if asked is not None:
            return PurgeOutcome((yield from purging_elsewhere(queue, asked, now_ms)), SAFE_NOW)
        return (yield from purging(queue))

    def pause_queue(
        self, _now_ms: int, vhost: str, name: str, *, username: str | None, is_on: bool
    ) -> Steps[None]:
        """Have the consumers of a queue get nothing, also after a restart; or get messages again.

        Raises:
            NotSupportedError: it is a stream.
        """
        yield from ()
        found = self._broker.vhost(vhost)
        self._asker(username, found).require(Permission.CONFIGURE, "queue", name)
        found.queues.pause(found.queues.get(name, NOBODY), is_on=is_on)

    # ── exchanges and bindings ──

    def declare_exchange(
        self,
        _now_ms: int,
        vhost: str,
        name: str,
        *,
        username: str | None,
        properties: ExchangeProperties,
    ) -> Steps[bool]:
        """Declare an exchange, without line ends in its name; return whether it is new."""
        name = strip_line_ends(name)
        check_fits_frames("exchange", name)
        found = self._broker.vhost(vhost)
        check_not_default_exchange(name)
        check_exchange_declare(self._asker(username, found), name, properties.arguments)
        yield from found.exchanges.finishing(name)
        is_new = not found.exchanges.exists(name)
        found.exchanges.declare(name, properties)
        return is_new

    def delete_exchange(
        self, _now_ms: int, vhost: str, name: str, *, username: str | None, if_unused: bool
    ) -> Steps[None]:
        """Delete an exchange with its bindings."""
        found = self._broker.vhost(vhost)
        check_not_default_exchange(name)
        self._asker(username, found).require(Permission.CONFIGURE, "exchange", name)
        found.exchanges.get(name)
        yield from found.exchanges.deleting(name, if_unused=if_unused)

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
    ) -> Steps[None]:
        """Bind a ``queue`` or an ``exchange`` to an exchange."""
        check_fits_frames("routing key", routing_key)
        found = self._broker.vhost(vhost)
        to = Destination(DestinationKind(destination_type), destination)
        check_bind(self._asker(username, found), source, to, routing_key)
        if to.kind is DestinationKind.QUEUE and found.exchanges.exists(source):
            found.queues.get(destination, NOBODY)
        found.bind(source, to, routing_key, arguments)
        yield

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
    ) -> Steps[None]:
        """Remove a binding; a missing binding is no error."""
        found = self._broker.vhost(vhost)
        to = Destination(DestinationKind(destination_type), destination)
        check_bind(self._asker(username, found), source, to, routing_key)
        if found.exchanges.is_bound(source, to, routing_key, arguments):
            if to.kind is DestinationKind.QUEUE and not found.queues.is_leaving(destination):
                found.queues.get(destination, NOBODY)
            yield from found.exchanges.unbinding(source, to, routing_key, arguments)

    def _asker(self, username: str | None, vhost: Vhost) -> Asker:
        return asker_of(self._broker.users, username, vhost)
