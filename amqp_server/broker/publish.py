"""The join of routing and queues: a run is routed once and appended to each queue once.

Slow paths, entered by what the scanner or the route told: headers exchanges route each message by
its own headers; CC and BCC give a message several keys.

Source: RabbitMQ, rabbit_channel:deliver_to_queues; DESIGN, how a publish travels.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import plain_headers
from exchanges.route_cache import RouteCache
from exchanges.routing import Router
from persistence.record import Record, Run, header_stretches, route_of

NOTHING_WRITTEN: Final = 0


class Enqueued(Protocol):
    """What a queue says of a run."""

    @property
    def rejected(self) -> Sequence[int]:
        """Indexes of the messages that the queue refused (reject-publish)."""

    @property
    def lsn(self) -> int:
        """When this is committed the run is safe; 0 is at once."""


class PublishTarget(Protocol):
    """A queue, or what stands in for one (direct reply-to)."""

    def publish(self, run: Run, now_ms: int) -> Enqueued:
        """Take a run."""


class Published(NamedTuple):
    """What became of a run.

    Attributes:
        unroutable: indexes of messages that reached no queue.
        rejected: indexes of messages that at least one queue refused.
        lsn: when this is committed all queues have the run safe; 0 is at once.
    """

    unroutable: Sequence[int]
    rejected: Sequence[int]
    lsn: int


_ALL_WELL: Final = Published((), (), NOTHING_WRITTEN)


class Publisher:
    """Routes and enqueues for one vhost."""

    def __init__(self, router: Router, target_of: Callable[[str], PublishTarget | None]) -> None:
        """Join a router to the queues.

        Args:
            router: the vhost's.
            target_of: the queue of a name; None while there is none.
        """
        self._router = router
        self._target_of = target_of
        self._routes: RouteCache[tuple[PublishTarget, ...]] = RouteCache()

    def publish(self, exchange: str, run: Run, now_ms: int) -> Published:
        """Publish messages that share exchange and routing key.

        Args:
            exchange: name of an existing exchange, or "".
            run: at least one message; their ``route`` says exchange and key.
            now_ms: the time of this turn.
        """
        route = route_of(run)
        targets = self._routes.get(route, self._router.generation)
        if targets is None:
            routing = self._router.route(exchange, (run[0].routing_key,), None)
            if routing.uses_headers:
                return self._publish_by_headers(exchange, run, now_ms)
            targets = self._targets(routing.queue_names)
            self._routes.put(route, self._router.generation, targets)
        return _enqueue(targets, run, now_ms)

    def publish_to_keys(
        self,
        exchange: str,
        routing_keys: Sequence[str],
        record: Record,
        now_ms: int,
        excluded: Callable[[str], bool] | None = None,
    ) -> Published:
        """Publish one message under several routing keys (CC, BCC, dead letters).

        ``excluded`` tells of a queue name that the message must not go there, cycles for one.
        """
        headers = _readable_headers_of(record)
        names = self._router.route(exchange, routing_keys, headers).queue_names
        if excluded is not None:
            names = tuple(name for name in names if not excluded(name))
        return _enqueue(self._targets(names), (record,), now_ms)

    def _targets(self, queue_names: Iterable[str]) -> tuple[PublishTarget, ...]:
        found = (self._target_of(name) for name in queue_names)
        return tuple(target for target in found if target is not None)

    def _publish_by_headers(self, exchange: str, run: Run, now_ms: int) -> Published:
        """Route each stretch of messages with the same header by that header."""
        unroutable: list[int] = []
        rejected: list[int] = []
        lsn = NOTHING_WRITTEN
        for start, stop in header_stretches(run):
            part = run[start:stop]
            headers = plain_headers(part[0].header)
            routing = self._router.route(exchange, (part[0].routing_key,), headers)
            published = _enqueue(self._targets(routing.queue_names), part, now_ms)
            unroutable += (start + index for index in published.unroutable)
            rejected += (start + index for index in published.rejected)
            lsn = max(lsn, published.lsn)
        return Published(unroutable, rejected, lsn)


def _enqueue(targets: tuple[PublishTarget, ...], run: Run, now_ms: int) -> Published:
    if not targets:
        return Published(range(len(run)), (), NOTHING_WRITTEN)
    if len(targets) == 1:
        enqueued = targets[0].publish(run, now_ms)
        if not enqueued.rejected and enqueued.lsn == NOTHING_WRITTEN:
            return _ALL_WELL
        return Published((), enqueued.rejected, enqueued.lsn)
    rejected: set[int] = set()
    lsn = NOTHING_WRITTEN
    for target in targets:
        enqueued = target.publish(run, now_ms)
        if enqueued.rejected:
            rejected.update(enqueued.rejected)
        lsn = max(lsn, enqueued.lsn)
    if not rejected and lsn == NOTHING_WRITTEN:
        return _ALL_WELL
    return Published((), sorted(rejected), lsn)


def _readable_headers_of(record: Record) -> Mapping[str, object] | None:
    """Return the headers; none where x-death made them more than what is read of a peer."""
    try:
        return plain_headers(record.header)
    except WireError:
        return None
