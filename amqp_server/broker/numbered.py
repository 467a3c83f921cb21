"""Open connections by number, for who shows them: an address may be used twice, a number is not."""

from collections.abc import Mapping
from typing import Protocol

from amqp_server.broker.counts import ConnectionView, OpenChannel
from amqp_server.broker.ordered_keys import OrderedKeys
from amqp_server.broker.stream_counts import OpenStreams


class Viewable(Protocol):
    """A connection that says how it is, and can be closed."""

    @property
    def channels(self) -> Mapping[int, OpenChannel]:
        """Its channels by number; none where the protocol has none."""

    @property
    def open_streams(self) -> OpenStreams | None:
        """Its publishers and subscriptions; None where it does not speak the stream protocol."""

    def view(self) -> ConnectionView:
        """Return how it is, without what the broker knows of it."""

    def shut_down(self, reason: str, now_ms: int) -> None:
        """Close it with 320 CONNECTION_FORCED and this reason."""


class NumberedConnections:
    """The open connections of a node.

    Attributes:
        numbers: of all, in the order of opening.
    """

    def __init__(self) -> None:
        self._last_number = 0
        self._number_of: dict[object, int] = {}
        self._opened: dict[int, tuple[Viewable, int]] = {}
        self.numbers = OrderedKeys(self._opened)

    def __len__(self) -> int:
        return len(self._opened)

    def add(self, connection: Viewable, opened_at_ms: int) -> None:
        """Give a connection the next number."""
        self._last_number = number = self._last_number + 1
        self._number_of[connection] = number
        self._opened[number] = (connection, opened_at_ms)
        self.numbers.note_added(number)

    def remove(self, connection: Viewable) -> None:
        """Forget a connection that has a number."""
        number = self._number_of.pop(connection)
        del self._opened[number]
        self.numbers.note_removed(number)

    def number_of(self, connection: object) -> int:
        """Return the number of a connection; 0 where it is not open."""
        return self._number_of.get(connection, 0)

    def find(self, number: int) -> Viewable | None:
        """Return the connection of a number; None where it is not open any more."""
        opened = self._opened.get(number)
        return None if opened is None else opened[0]

    def view(self, number: int) -> ConnectionView | None:
        """Return how the connection of a number is; None where it is not open any more."""
        opened = self._opened.get(number)
        if opened is None:
            return None
        connection, opened_at_ms = opened
        return connection.view()._replace(number=number, opened_at_ms=opened_at_ms)
