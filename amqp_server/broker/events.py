"""Events of things that come and go: they are counted by kind, and passed to subscribers.

An event is passed on in the call that causes it, after the thing has come or gone. A subscriber
only notes it. It changes nothing of the broker, and raises nothing. Where nobody listens to a kind,
no event of it is made: each declare and each bind would pay for that.

Source: RabbitMQ, rabbitmq_event_exchange: the names of the events.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final, NamedTuple, TypeAlias, TypeVar

from amqp_server.broker.definitions.definition import Definition
from amqp_server.broker.steps import WaitingSteps

T = TypeVar("T")


class EventKind(Enum):
    """The kind of an event; the value is RabbitMQ's name of it."""

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
    LOGIN_ACCEPTED = "user.authentication.success"
    LOGIN_REFUSED = "user.authentication.failure"
    ALARM_SET = "alarm.set"
    ALARM_CLEARED = "alarm.cleared"

    # Members are equal by identity, and Enum's own hash would cost a Python call.
    __hash__ = object.__hash__


DEFINITION_KINDS: Final = (EventKind.DEFINITION_SAVED, EventKind.DEFINITION_FORGOTTEN)
"""What tells of users, rights, policies, limits and parameters."""


class Event(NamedTuple):
    """One thing that came or went.

    Attributes:
        vhost: its vhost; empty if it is in none.
        name: its own; of a binding the source, of a consumer the queue, of an alarm the resource.
            Empty for a connection or channel: their session has the ``connection_name``. Of a login
            the mechanism.
        subject: tells it from others of the same name: the session of a connection, also with a
            channel's number, a binding, a consumer; None if the name is enough. If it is gone, a
            subscriber may ask for no more than this.
        definition: the saved or forgotten user, rights, policy, limits or parameter.
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
        actor: the user whose request is carried out right now; empty where the node itself does
            something. ``acting`` sets it.
    """

    __slots__ = ("_listeners", "actor", "counts")

    def __init__(self) -> None:
        self._listeners: dict[EventKind, tuple[Listener, ...]] = dict.fromkeys(EventKind, ())
        self.counts = dict.fromkeys(EventKind, 0)
        self.actor = ""

    def note(
        self,
        kind: EventKind,
        vhost: str = "",
        name: str = "",
        subject: object = None,
        definition: Definition | None = None,
    ) -> None:
        """Count an event, and pass it on to those who listen to its kind, in their order."""
        self.counts[kind] += 1
        listeners = self._listeners[kind]
        if listeners:
            event = Event(kind, vhost, name, subject, definition)
            for listener in listeners:
                listener(event)

    def subscribe(self, listener: Listener, kinds: Iterable[EventKind] = EventKind) -> None:
        """Pass every later event of some kinds to a listener; a second call has no effect."""
        for kind in kinds:
            listeners = self._listeners[kind]
            if listener not in listeners:
                self._listeners[kind] = (*listeners, listener)

    def unsubscribe(self, listener: Listener) -> None:
        """Stop passing events to a listener; an unknown listener is ignored."""
        for kind, listeners in self._listeners.items():
            self._listeners[kind] = tuple([one for one in listeners if one != listener])


def acting(events: Events, user: str, steps: WaitingSteps[T]) -> WaitingSteps[T]:
    """Take the steps of a user's request: what they tell is told as done by this user."""
    while True:
        events.actor = user
        try:
            wait = next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            events.actor = ""
        yield wait
