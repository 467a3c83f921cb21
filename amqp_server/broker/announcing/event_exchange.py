"""The event exchange: ``amq.rabbitmq.event``, in the vhost that the settings name.

    broker.events ── noted as it happens ──▶ waiting ── a job of the turns to come ──▶ exchange

A message has a routing key such as ``queue.created``, headers, and no body. It is persistent. While
nothing is bound to the exchange no message is made.

However many events there are, the client that causes them waits for none of their messages. What
waits is bounded. Events beyond that are counted, and not announced.

Source: RabbitMQ 3.10, rabbitmq_event_exchange.
"""

import logging
from collections import deque
from typing import Final

from amqp_server.broker.announcing.event_headers import ACTOR, NOBODYS, announced
from amqp_server.broker.broker import Broker
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.events import Event
from amqp_server.broker.names import EVENT_EXCHANGE
from amqp_server.broker.steps import Steps, StepsJob
from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import DELIVERY_MODE_PERSISTENT, Properties, traits_of
from amqp_server.wire.tables import Field
from persistence.record import Record, make_route

log = logging.getLogger(__name__)

_INTERNAL: Final = "rmq-internal"
"""RabbitMQ's name for what the node does by itself."""

WAITING_MAX: Final = 65_536
"""Messages that may wait to be published."""


class EventExchange:
    """Announces the events of a broker.

    Attributes:
        dropped_count: messages that were not published, because too many waited.
    """

    def __init__(self, broker: Broker) -> None:
        """Announce nothing yet.

        Args:
            broker: whose ``settings.event_exchange_vhost`` says where.
        """
        self._broker = broker
        self._vhost_name = broker.settings.event_exchange_vhost
        self._waiting: deque[Record] = deque()
        self.dropped_count = 0

    def begin(self) -> None:
        """Announce what comes and goes from now on, if the settings name a vhost for it."""
        if self._vhost_name:
            self._broker.events.subscribe(self._note)

    def _note(self, event: Event) -> None:
        """Take an event down; see ``broker.events``."""
        broker = self._broker
        if not broker.has_vhost(self._vhost_name):
            return
        if not broker.vhost(self._vhost_name).router.has_bindings_from(EVENT_EXCHANGE):
            return
        by = {}
        if event.kind not in NOBODYS:
            actor = broker.events.actor or _INTERNAL
            by[ACTOR] = Field("S", actor.encode("utf-8", "surrogateescape"))
        try:
            for key, headers in announced(event, broker):
                self._keep(key, {**by, **headers})
        except Exception:
            log.exception("an event is not announced kind=%s", event.kind.value)

    def _keep(self, key: str, headers: dict[str, Field]) -> None:
        waiting = self._waiting
        if len(waiting) >= WAITING_MAX:
            if not self.dropped_count:
                log.warning("events come faster than they can be announced: some are left out")
            self.dropped_count += 1
            return
        waiting.append(_message(key, headers, self._broker.wall_ms(self._broker.turn.now_ms)))
        if len(waiting) == 1:
            turn = self._broker.turn
            turn.later(StepsJob(self._announcing(), turn))

    def _announcing(self) -> Steps[None]:
        """Publish what waits, until nothing does; what is under way stays the first."""
        waiting, broker = self._waiting, self._broker
        while waiting:
            if broker.has_vhost(self._vhost_name):
                publisher = broker.vhost(self._vhost_name).publisher
                run = (waiting[0],)
                try:
                    yield from publisher.publishing(EVENT_EXCHANGE, run, broker.turn.now_ms)
                except (BrokerError, WireError) as error:
                    log.warning("an event is not announced: %s", error)
                broker.congestion.excuse()
            waiting.popleft()
            yield


def _message(key: str, headers: dict[str, Field], wall_ms: int) -> Record:
    properties = Properties(0, {})
    properties.set_headers({**headers, "timestamp_in_ms": Field("l", wall_ms)})
    properties.raw["delivery_mode"] = DELIVERY_MODE_PERSISTENT
    properties.raw["timestamp"] = (wall_ms // 1000).to_bytes(8, "big")
    header = properties.encode()
    return Record(make_route(EVENT_EXCHANGE, key), header, b"", *traits_of(header))
