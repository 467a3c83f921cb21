"""A vhost with its turn in reach of a test: what clients do, without connections."""

from collections.abc import Mapping

from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.backing import IN_MEMORY, Backing
from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.congestion import Congestion
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import finish
from amqp_server.broker.turn import Turn
from amqp_server.broker.vhost import Vhost
from amqp_server.wire.properties import split, traits_of
from amqp_server.wire.tables import Field, plain
from exchanges.bindings import Destination, DestinationKind
from exchanges.random_choice import RandomBytes
from persistence.record import Record, make_route
from queues.outcomes import PublishOutcome
from tests.support.frames import content_header, property_list, table

NOW_MS = 5_000
TURNS_MAX = 1_000
EPOCH_S = 1_700_000_000


def message(
    body: bytes = b"", exchange: str = "", routing_key: str = "jobs", **properties: object
) -> Record:
    """Return a message as a client publishes it; properties as ``property_list`` takes them."""
    header = content_header(len(body), property_list(**properties))
    return Record(make_route(exchange, routing_key), header, body, *traits_of(header))


def headers_of(record: Record) -> dict[str, Field]:
    """Return a message's headers, typed."""
    return split(record.header).headers()


def plain_headers(record: Record) -> dict[str, object]:
    """Return a message's headers as plain values."""
    return {key: plain(field) for key, field in headers_of(record).items()}


def _destination(name: str, to_queue: bool) -> Destination:
    return Destination(DestinationKind.QUEUE if to_queue else DestinationKind.EXCHANGE, name)


class VhostUnderTest:
    """The vhost ``/``; time stands until moved, effects wait until ``end``."""

    def __init__(
        self,
        deliveries_per_queue_max: int = 4096,
        *,
        budget: TurnBudget | None = None,
        backing: Backing = IN_MEMORY,
        random_bytes: RandomBytes = bytes,
    ) -> None:
        self.now_ms = NOW_MS
        self.turn = Turn(deliveries_per_queue_max, budget)
        self.congestion = Congestion()
        self.vhost = Vhost(
            "/",
            self.turn,
            lambda now_ms: EPOCH_S + now_ms // 1000,
            None,
            backing,
            congestion=self.congestion,
            random_bytes=random_bytes,
        )

    # -- declaring --

    def queue(
        self,
        name: str = "jobs",
        connection: object = None,
        *,
        durable: bool = True,
        exclusive: bool = False,
        auto_delete: bool = False,
        **arguments: object,
    ) -> Queue:
        """Declare a queue; ``message_ttl=1`` is the argument ``x-message-ttl``."""
        named = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
        properties = QueueProperties(durable, exclusive, auto_delete, table(named))
        return self.vhost.queues.declare(name, properties, connection, self.now_ms)

    def exchange(
        self,
        name: str,
        kind: str = "fanout",
        *,
        auto_delete: bool = False,
        internal: bool = False,
        alternate: str | None = None,
        arguments: Mapping[str, object] | None = None,
    ) -> None:
        arguments = dict(arguments or {})
        if alternate is not None:
            arguments["alternate-exchange"] = alternate
        self.vhost.exchanges.declare(
            name, ExchangeProperties(kind, True, auto_delete, internal, table(arguments))
        )

    def bind(
        self,
        source: str,
        to: str,
        routing_key: str = "",
        arguments: Mapping[str, object] | None = None,
        *,
        to_queue: bool = True,
    ) -> None:
        self.vhost.bind(source, _destination(to, to_queue), routing_key, table(arguments or {}))

    def bind_exchange(self, source: str, to: str, routing_key: str = "") -> None:
        self.bind(source, to, routing_key, to_queue=False)

    def unbind(
        self,
        source: str,
        to: str,
        routing_key: str = "",
        arguments: Mapping[str, object] | None = None,
        *,
        to_queue: bool = True,
    ) -> None:
        destination = _destination(to, to_queue)
        finish(
            self.vhost.exchanges.unbinding(source, destination, routing_key, table(arguments or {}))
        )

    def delete_queue(self, name: str) -> None:
        finish(self.vhost.queues.deleting(name, None, self.now_ms, if_unused=False, if_empty=False))

    def policy(
        self,
        definition: Mapping[str, object],
        name: str = "p",
        pattern: str = ".*",
        *,
        priority: int = 0,
        operator: bool = False,
    ) -> None:
        """Set a policy and apply it to everything there is."""
        self.vhost.policies.set(Policy(name, pattern, definition, priority), operator=operator)
        finish(self.vhost.applying_policies(self.now_ms))

    def clear_policy(self, name: str = "p", *, operator: bool = False) -> None:
        assert self.vhost.policies.clear(name, operator=operator)
        finish(self.vhost.applying_policies(self.now_ms))

    # -- messages --

    def publish(
        self,
        *bodies: bytes,
        exchange: str = "",
        routing_key: str = "jobs",
        **properties: object,
    ) -> PublishOutcome:
        """Publish one run; nothing is delivered before the turn's end."""
        run = [message(body, exchange, routing_key, **properties) for body in bodies]
        return self.vhost.publisher.publish(exchange, run, self.now_ms)

    def take(self, name: str = "jobs") -> list[Record]:
        """Take every message out of a queue; [] where there is none."""
        queue = self.vhost.queues.find(name)
        taken: list[Record] = []
        while queue is not None and (got := queue.engine.get(self.now_ms, no_ack=True)) is not None:
            taken += got[0].records
        return taken

    def bodies(self, name: str = "jobs") -> list[bytes]:
        """Take every message out of a queue and return the bodies."""
        return [record.body for record in self.take(name)]

    def reject(self, name: str = "jobs") -> None:
        """Take the head and reject it without requeue; then the turn ends."""
        queue = self.vhost.queues.find(name)
        assert queue is not None, f"queue {name}"
        got = queue.engine.get(self.now_ms)
        assert got is not None, "a message to reject"
        queue.engine.reject((got[0],), self.now_ms)
        self.end()

    # -- time --

    def end(self) -> None:
        """End turns until nothing is left to do."""
        for _ in range(TURNS_MAX):
            if not self.turn.end(self.now_ms):
                return
        raise AssertionError("the turn never ends")

    def advance(self, span_ms: int) -> None:
        """Let time pass, with every tick on the way."""
        until_ms = self.now_ms + span_ms
        while (due_ms := self.turn.next_deadline_ms()) is not None and due_ms <= until_ms:
            self.now_ms = max(self.now_ms, due_ms)
            self.turn.on_deadline(self.now_ms)
            self.end()
        self.now_ms = until_ms
