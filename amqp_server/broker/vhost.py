"""One vhost: its exchanges, queues and bindings, joined for publishing and dead-lettering."""

from collections.abc import Callable, Mapping

from amqp_server.broker.dead_letters import dead_letter
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.exchange_table import ExchangeTable
from amqp_server.broker.limits import VhostLimits
from amqp_server.broker.names import queue_text
from amqp_server.broker.policies import PolicyTable
from amqp_server.broker.publish import Publisher, PublishTarget
from amqp_server.broker.queue_table import Queue, QueueTable
from amqp_server.broker.reply_consumers import ReplyConsumers
from amqp_server.broker.turn import Turn
from amqp_server.wire.tables import Table
from exchanges.bindings import Destination, DestinationKind
from exchanges.routing import Router
from queues.effects import DeadLettered, Effect
from queues.options import QueueKind


class Vhost:
    """Everything of one vhost that has a name.

    Attributes:
        name: of the vhost, any text.
        exchanges: declare, delete and bind exchanges.
        queues: declare, find and delete queues.
        publisher: routes and enqueues.
        policies: ordinary and operator policies; call ``apply_policies`` after a change.
        limits: max-connections and max-queues.
        reply_consumers: who waits for direct replies.
        description, tags: shown to people, no more.
        default_queue_kind: of queues declared without a type; None leaves it to the node.
    """

    def __init__(
        self,
        name: str,
        turn: Turn,
        wall_s: Callable[[int], int],
        default_consumer_timeout_ms: int | None,
    ) -> None:
        """Make a vhost with the predeclared exchanges.

        Args:
            name: any text.
            turn: the broker's.
            wall_s: the time of day in seconds at a ``now_ms``.
            default_consumer_timeout_ms: for queues that say nothing; None is never.
        """
        self.name = name
        self._wall_s = wall_s
        self.description = ""
        self.tags: tuple[str, ...] = ()
        self.policies = PolicyTable()
        self.limits = VhostLimits()
        self.reply_consumers = ReplyConsumers()
        self.default_queue_kind: QueueKind | None = None
        self.router = Router(self._has_queue)
        self.exchanges = ExchangeTable(name, self.router, self._exchange_policy)
        self.queues = QueueTable(
            name,
            turn,
            self._queue_policy,
            self._on_queue,
            self._carry_out,
            default_consumer_timeout_ms,
        )
        self.publisher = Publisher(self.router, self._target_of)

    def bind(self, source: str, destination: Destination, routing_key: str, table: Table) -> None:
        """Bind a queue or an exchange to an exchange; what is bound already stays so.

        Raises:
            NotFoundError: one of them does not exist; the source is named first (404).
            PreconditionFailedError: the source's type refuses key or arguments (406).
        """
        self.exchanges.get(source)
        if destination.kind is DestinationKind.EXCHANGE:
            self.exchanges.get(destination.name)
        elif self.queues.find(destination.name) is None:
            raise NotFoundError(f"no {queue_text(self.name, destination.name)}")
        self.exchanges.bind(source, destination, routing_key, table)

    def forget_reply_consumer(self, name: str) -> None:
        """Direct replies under this name go nowhere from now on."""
        self.reply_consumers.remove(name)
        self.router.touch()

    def apply_policies(self, now_ms: int) -> None:
        """Re-apply policies to everything they may match."""
        self.exchanges.apply_policies()
        self.queues.apply_policies(now_ms)

    def _has_queue(self, name: str) -> bool:
        return self.queues.find(name) is not None or self.reply_consumers.has(name)

    def _target_of(self, name: str) -> PublishTarget | None:
        queue = self.queues.find(name)
        return queue.engine if queue is not None else self.reply_consumers.find(name)

    def _on_queue(self, name: str, gone: bool) -> None:  # noqa: FBT001 — the table's callback
        if gone:
            self.exchanges.forget_queue(name)
        else:
            self.router.touch()

    def _queue_policy(self, name: str, kind: QueueKind) -> Mapping[str, object]:
        return self.policies.effective("queue", kind.value, name)

    def _exchange_policy(self, name: str) -> Mapping[str, object]:
        return self.policies.effective("exchange", None, name)

    def _carry_out(self, queue: Queue, effect: Effect, now_ms: int) -> None:
        assert isinstance(effect, DeadLettered), "the queue table carries out the others"
        options = queue.engine.options
        exchange = options.dead_letter_exchange
        if exchange is None or not (exchange == "" or self.exchanges.exists(exchange)):
            return
        for record in effect.records:
            letter = dead_letter(
                record,
                effect.reason,
                queue.name,
                exchange,
                options.dead_letter_routing_key,
                self._wall_s(now_ms),
            )
            self.publisher.publish_to_keys(
                exchange, letter.routing_keys, letter.record, now_ms, letter.is_cycle
            )
