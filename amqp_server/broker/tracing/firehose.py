"""The firehose of one vhost: every publish and every delivery, copied to ``amq.rabbitmq.trace``.

    publish    routed, traced, then enqueued: the publisher waits for its own traces
    delivery   noted as it is written, traced by a job of the turns to come

While it is off it costs nothing: publishes know their queues and do not look here, and consumers
are told when it is switched. While it is on, each message is routed and traced on its own.

A trace is published as any message is. Only its own deliveries are not traced. While nothing is
bound to the exchange, or an alarm is on, no trace is made.

Source: RabbitMQ 3.10, rabbit_trace.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from amqp_server.broker.congestion import Congestion
from amqp_server.broker.publish import Publisher
from amqp_server.broker.steps import Steps, StepsJob
from amqp_server.broker.tracing.traced import (
    TRACE_EXCHANGE,
    Actor,
    Place,
    is_trace,
    trace_of_delivery,
    trace_of_publish,
)
from amqp_server.broker.turn import Turn
from amqp_server.wire.errors import WireError
from exchanges.counters import ExchangeCounters
from exchanges.keeping import is_keeper
from persistence.record import Record, Run, memory_bytes
from queues.commits import SAFE_NOW, later_of
from queues.outcomes import PublishOutcome, StillOpen, placed

log = logging.getLogger(__name__)

WAITING_BYTES_MAX: Final = 67_108_864
"""Memory of deliveries that wait to be traced (bytes); those that are more are not traced."""

WAITING_MAX: Final = 65_536
"""How many deliveries may wait to be traced."""


class _Delivered(NamedTuple):
    """Messages of one batch, which wait to be traced."""

    queue_name: str
    records: Run
    actor: Actor
    redelivered: bool
    size_bytes: int


class Firehose:
    """Traces of one vhost.

    Attributes:
        is_on: whether publishes and deliveries are traced; ``Vhost.switching_tracing`` changes it.
        dropped_count: deliveries that were not traced, because too many waited.
    """

    def __init__(
        self,
        place: Place,
        publisher: Publisher,
        turn: Turn,
        has_readers: Callable[[], bool],
        is_short: Callable[[], bool],
        congestion: Congestion,
    ) -> None:
        """Make a firehose that is off.

        Args:
            place: names of vhost and node.
            publisher: the vhost's.
            turn: the broker's.
            has_readers: whether anything is bound to the exchange.
            is_short: whether an alarm is on.
            congestion: the broker's; traces of deliveries let no client wait.
        """
        self._place = place
        self._publisher = publisher
        self._turn = turn
        self._has_readers = has_readers
        self._is_short = is_short
        self._congestion = congestion
        self.is_on = False
        self.dropped_count = 0
        self._waiting: deque[_Delivered] = deque()
        self._waiting_count = 0
        self._waiting_bytes = 0

    def publishing(
        self,
        exchange: str,
        run: Run,
        keys: Sequence[str] | None,
        now_ms: int,
        actor: Actor,
        counters: ExchangeCounters,
    ) -> Steps[PublishOutcome]:
        """Publish messages as ``Publisher`` does, and trace each of them.

        Args:
            exchange: name of an existing exchange, or "".
            run: at least one message; several share exchange and key.
            keys: all routing keys of the only message; None is the messages' own.
            now_ms: the time of this turn.
            actor: who publishes.
            counters: where the messages are counted.
        """
        publisher = self._publisher
        unroutable: list[int] = []
        rejected: list[int] = []
        still_open: list[StillOpen] = []
        safe_at = SAFE_NOW
        for index, record in enumerate(run):
            own_keys = (record.routing_key,) if keys is None else tuple(keys)
            one = (record,)
            names = yield from publisher.finding_names(exchange, own_keys, one, None)
            if self._is_wanted():
                queues = [name for name in names if not is_keeper(name)]
                trace = trace_of_publish(record, own_keys, queues, actor, self._place)
                yield from self._telling(trace, now_ms)
            outcome = yield from publisher.publishing_to_names(
                exchange, names, own_keys, one, now_ms, counters
            )
            unroutable += [index] * len(outcome.unroutable)
            rejected += [index] * len(outcome.rejected)
            still_open += placed(outcome.still_open, (index,))
            safe_at = later_of(safe_at, outcome.safe_at)
            yield
        return PublishOutcome(rejected, safe_at, unroutable, tuple(still_open))

    def note_deliveries(
        self, actor: Actor, queue_name: str, records: Run, *, redelivered: bool
    ) -> None:
        """Have deliveries traced in the turns to come."""
        if not self._is_wanted():
            return
        count, size_bytes = len(records), memory_bytes(records)
        if self._waiting and (
            self._waiting_bytes + size_bytes > WAITING_BYTES_MAX
            or self._waiting_count + count > WAITING_MAX
        ):
            if not self.dropped_count:
                log.warning("deliveries are faster than their traces vhost=%r", self._place.vhost)
            self.dropped_count += count
            return
        self._waiting.append(_Delivered(queue_name, records, actor, redelivered, size_bytes))
        self._waiting_count += count
        self._waiting_bytes += size_bytes
        if len(self._waiting) == 1:
            self._turn.later(StepsJob(self._tracing_deliveries(), self._turn))

    def _is_wanted(self) -> bool:
        return self._has_readers() and not self._is_short()

    def _tracing_deliveries(self) -> Steps[None]:
        """Trace what waits, until nothing does; what is under way stays the first."""
        waiting = self._waiting
        while waiting:
            queue_name, records, actor, redelivered, size_bytes = waiting[0]
            for record in records:
                if not is_trace(record):
                    trace = trace_of_delivery(
                        record, queue_name, actor, self._place, redelivered=redelivered
                    )
                    yield from self._telling(trace, self._turn.now_ms)
                    # No client waits for room in a queue that traces of deliveries fill.
                    self._congestion.excuse()
                yield
            waiting.popleft()
            self._waiting_count -= len(records)
            self._waiting_bytes -= size_bytes

    def _telling(self, trace: Record, now_ms: int) -> Steps[None]:
        """Publish a trace; one whose headers nobody could decode again is left out."""
        try:
            yield from self._publisher.publishing(TRACE_EXCHANGE, (trace,), now_ms)
        except WireError as error:
            log.warning("a message is not traced: %s", error)
