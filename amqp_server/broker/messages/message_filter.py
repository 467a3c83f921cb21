"""Which messages somebody looks for; every condition that is set must hold.

exchange, routing key    equal to those of the message
headers                  each is there with this value; a text is also equal to a number that
is written so
text, pattern            are found in the body: in the first octets of a long one
path                     a test of JSONPaths holds for the body
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from amqp_server.broker.access.patterns import Pattern
from amqp_server.broker.messages.json_test import JsonTest
from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import split
from amqp_server.wire.tables import plain
from persistence.record import HAS_HEADERS, Record

TEXT_BYTES_MAX: Final = 1 << 20
"""A text is looked for in the first octets of a body: as many."""

PATTERN_BYTES_MAX: Final = 65_536
"""And a pattern in as many."""

STEPS_MAX: Final = 50_000
"""Steps of a search for a pattern, about a millisecond. One that needs more finds nothing."""

_NOTHING: Final[Mapping[str, object]] = {}


class MessageFilter(NamedTuple):
    """Conditions; None, and no headers, hold for every message."""

    exchange: str | None = None
    routing_key: str | None = None
    headers: Mapping[str, object] = _NOTHING
    text: bytes | None = None
    pattern: Pattern | None = None
    path: JsonTest | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is any condition."""
        return self != EVERY_MESSAGE

    def cost(self, record: Record) -> int:
        """Return how many octets of a body a look at it takes, at most."""
        if self.pattern is None and self.text is None and self.path is None:
            return 0
        return min(len(record.body), TEXT_BYTES_MAX)

    def matches(self, record: Record) -> bool | None:
        """Return whether a message is looked for.

        None cannot be told: a search for the pattern took too long, or the body is no JSON.
        """
        if self.exchange is not None and record.exchange != self.exchange:
            return False
        if self.routing_key is not None and record.routing_key != self.routing_key:
            return False
        if self.headers and not self._has_headers(record):
            return False
        if self.text is not None and self.text not in bytes(record.body[:TEXT_BYTES_MAX]):
            return False
        if self.pattern is not None:
            found = self.pattern.is_in(bytes(record.body[:PATTERN_BYTES_MAX]))
            if not found:
                return found
        return True if self.path is None else self.path.holds_in(record.body)

    def _has_headers(self, record: Record) -> bool:
        if not record.flags & HAS_HEADERS:
            return False
        try:
            headers = split(record.header).headers()
        except WireError:
            return False
        for key, wanted in self.headers.items():
            field = headers.get(key)
            if field is None or not _is_equal(plain(field), wanted):
                return False
        return True


EVERY_MESSAGE: Final = MessageFilter()


def _is_equal(value: object, wanted: object) -> bool:
    if isinstance(wanted, str) and isinstance(value, int | float):
        return wanted == (str(value).lower() if isinstance(value, bool) else str(value))
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return value == wanted
