"""Resource alarms: while one is on, connections that publish are blocked.

The monitors of memory and disk call ``set``. Listeners that need to know of a change subscribe.

Source: RabbitMQ, alarms; the reasons are the texts connection.blocked carries.
"""

from collections.abc import Callable
from enum import Enum

from amqp_server.broker.events import EventKind, Events
from amqp_server.broker.steps import Steps, finish


class Resource(Enum):
    """What can run low; the value is the word RabbitMQ uses for it."""

    MEMORY = "memory"
    DISK = "disk"


class Alarms:
    """Which resources run low on this node.

    Attributes:
        is_on: whether publishers must be blocked.
        generation: rises with every alarm that comes on: a connection that published before it
            has not yet published since.
    """

    def __init__(
        self, events: Events | None = None, carry_out: Callable[[Steps[None]], None] = finish
    ) -> None:
        """Begin with no alarm.

        Args:
            events: hear of the alarms; None is nobody.
            carry_out: has the listeners called, of which each publisher may be one.
        """
        self._events = Events() if events is None else events
        self._carry_out = carry_out
        self._low: set[Resource] = set()
        self._listeners: dict[Callable[[int], None], None] = {}
        self.generation = 0
        self.is_on = False

    def is_low(self, resource: Resource) -> bool:
        """Return whether a resource runs low."""
        return resource in self._low

    @property
    def reason(self) -> str:
        """The text of connection.blocked: ``low on memory``, ``low on memory & disk``."""
        names = [resource.value for resource in Resource if resource in self._low]
        return f"low on {' & '.join(names)}"

    def set(self, resource: Resource, *, is_low: bool, now_ms: int) -> None:
        """Note a measurement; tells the listeners when it changes anything."""
        if is_low == (resource in self._low):
            return
        if is_low:
            self._low.add(resource)
            self.generation += 1
        else:
            self._low.discard(resource)
        self.is_on = bool(self._low)
        kind = EventKind.ALARM_SET if is_low else EventKind.ALARM_CLEARED
        self._events.note(kind, name=resource.value)
        self._carry_out(self._telling(now_ms))

    def _telling(self, now_ms: int) -> Steps[None]:
        for listener in tuple(self._listeners):
            listener(now_ms)
            yield

    def subscribe(self, listener: Callable[[int], None]) -> None:
        """Call ``listener(now_ms)`` after every change; it looks at the state by itself.

        Where there are many, some are called in later turns. By then the state may have changed
        again, or they may have unsubscribed.
        """
        self._listeners[listener] = None

    def unsubscribe(self, listener: Callable[[int], None]) -> None:
        """Remove a listener."""
        self._listeners.pop(listener, None)
