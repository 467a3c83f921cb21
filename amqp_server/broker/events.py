"""What comes and goes: counted by kind, and told to whoever subscribed.

An event is told in the call that brings it about, once the thing is there or gone. Who is told
only takes it down: it changes nothing of the broker, and raises nothing.

Source: RabbitMQ, rabbitmq_event_exchange: the names of the events.
"""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, TypeAlias

from amqp_server.broker.definitions.definition import Definition


class EventKind(Enum):
    """What came or went; the value is RabbitMQ's name of it."""

    CONNECTION_CREATED = "connection.created"
    CONNECTION_CLOSED = "connection.closed"
    CHANNEL_CREATED = "channel.created"
    CHANNEL_CLOSED = "channel.closed"
    EXCHANGE_CREATED = "exchange.created"
    EXCHANGE_DELETED = "exchange.deleted"
    QUEUE_DECLARED = "queue.declared"
    QUEUE_CREATED = "queue.created"
    QUEUE_DELETED = "queue.deleted"
    BINDING_CREATED = "binding.created"
    BINDING_DELETED = "binding.deleted"
    CONSUMER_CREATED = "consumer.created"
    CONSUMER_DELETED = "consumer.deleted"
    VHOST_CREATED = "vhost.created"
    VHOST_DELETED = "vhost.deleted"
    DEFINITION_SAVED = "definition.saved"
    DEFINITION_FORGOTTEN = "definition.forgotten"
    ALARM_SET = "alarm.set"
    ALARM_CLEARED = "alarm.cleared"

    # Members are equal by identity; Enum's own hash is a frame of Python.
    __hash__ = object.__hash__


class Event(NamedTuple):
    """One thing that came or went.

    Attributes:
        vhost: its vhost; empty where it is in none.
        name: its own; of a binding the source, of a consumer the queue, of an alarm the resource.
            Empty for a connection or channel: their session has the ``connection_name``.
        subject: what it is, to tell it from others of the name: the session of a connection, the
            channel's number with it, a binding, a consumer; None where the name says all. Of what
            is gone no more may be asked than that.
        definition: what was saved or forgotten: a user, rights, a policy, limits, a parameter.
    """

    kind: EventKind
    vhost: str
    name: str
    subject: object = None
    definition: Definition | None = None


Listener: TypeAlias = Callable[[Event], None]


class Events:
    """The events of a node.

    Attributes:
        counts: how many there were of each kind since the start.
    """

    __slots__ = ("_listeners", "counts")

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self.counts = dict.fromkeys(EventKind, 0)

    def note(
        self,
        kind: EventKind,
        vhost: str = "",
        name: str = "",
        subject: object = None,
        definition: Definition | None = None,
    ) -> None:
        """Count an event, and tell it; without listeners none is made."""
        self.counts[kind] += 1
        if self._listeners:
            event = Event(kind, vhost, name, subject, definition)
            for listener in self._listeners:
                listener(event)

    def subscribe(self, listener: Listener) -> None:
        """Tell somebody every event from now on; once, however often they ask."""
        if listener not in self._listeners:
            self._listeners = (*self._listeners, listener)

    def unsubscribe(self, listener: Listener) -> None:
        """Tell them no more; who never subscribed passes."""
        self._listeners = tuple([one for one in self._listeners if one != listener])
