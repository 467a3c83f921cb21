"""Numbers of a protocol that has no channels to count: the stream protocol.

A node has one ``ProtocolCounters`` for it. They only grow, unless they say how it is now.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

STREAM: Final = "stream"


class ProtocolCounts(NamedTuple):
    """The numbers of one protocol.

    Attributes:
        received, with_confirm, confirmed: published messages: all, those that ask for a confirm,
            and those that are safe.
        routed: published messages, once for each queue that they reached.
        delivered: messages that subscriptions got.
        publishers, consumers: how many there are now.
        errors: how often a code was answered, by its name.
    """

    received: int
    with_confirm: int
    confirmed: int
    routed: int
    delivered: int
    publishers: int
    consumers: int
    errors: Mapping[str, int]


class ProtocolCounters:
    """The counters of one protocol, as its connections add to them; see ``ProtocolCounts``."""

    __slots__ = (
        "confirmed_count",
        "consumer_count",
        "delivered_count",
        "errors",
        "publisher_count",
        "received_count",
        "routed_count",
    )

    def __init__(self) -> None:
        self.received_count = self.confirmed_count = self.routed_count = 0
        self.delivered_count = 0
        self.publisher_count = self.consumer_count = 0
        self.errors: dict[str, int] = {}

    def note_error(self, code: str) -> None:
        """Count an answer with a code; the caller has a fixed set of them."""
        self.errors[code] = self.errors.get(code, 0) + 1

    def counts(self) -> ProtocolCounts:
        """Return the numbers."""
        return ProtocolCounts(
            self.received_count,
            self.received_count,
            self.confirmed_count,
            self.routed_count,
            self.delivered_count,
            self.publisher_count,
            self.consumer_count,
            MappingProxyType(dict(self.errors)),
        )


def new_protocol_counters() -> dict[str, ProtocolCounters]:
    """Return counters of each protocol without channels, by RabbitMQ's word for it."""
    return {STREAM: ProtocolCounters()}
