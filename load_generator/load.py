"""What is declared, published and consumed, as values that workers are handed.

Everything here is decided before a connection is opened, so that a load can be looked at, and
the names and keys of one worker do not depend on another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from load_generator.wire import FieldValue

PUBLISH_WRITE_BYTES: Final = 1 << 16
"""A publisher that is not told otherwise hands about this much to the socket at a time."""
INSTANT_BYTES: Final = 8
"""What a body begins with where latency is measured: an instant of the monotonic clock."""


class Settle(StrEnum):
    """How a consumer settles what is delivered to it."""

    AUTO = "auto-ack"
    EACH = "ack each"
    MULTIPLE = "ack multiple"


@dataclass(frozen=True, slots=True)
class Binding:
    """A binding of a queue to the one exchange of a topology."""

    queue: str
    key: str
    arguments: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Topology:
    """The queues and the exchange of a load.

    Attributes:
        queues: names.
        exchange: empty is the default exchange, which binds by itself.
        exchange_kind: its type.
        bindings: between the exchange and the queues.
        queue_arguments: of each queue.
        durable: exchange and queues survive a restart.
        is_shared: the queues may exist already, and are then used as they are and left alone.
    """

    queues: Sequence[str]
    exchange: str = ""
    exchange_kind: str = ""
    bindings: Sequence[Binding] = ()
    queue_arguments: Mapping[str, FieldValue] = field(default_factory=dict)
    durable: bool = False
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """The work of publishers and consumers.

    Attributes:
        exchange: the exchange of all publishes.
        publisher_keys: the routing keys of each publisher, which it goes through in turn for
            ever; there is a connection for each publisher.
        properties: property flags and values of every message, from ``wire.properties``.
        body: of every message.
        mandatory: messages that no queue takes are returned.
        has_instants: bodies begin with the instant at which the message was due, and consumers
            read it.
        rate_per_s: messages of each publisher; 0 is as many as go.
        publishes_per_write: messages in one write; 0 fills PUBLISH_WRITE_BYTES.
        confirm_window: publishes of a publisher not yet confirmed at most; 0 publishes without
            confirms.
        message_count_max: all publishers together end after so many; 0 is no limit.
        backlog_max: messages that publishers may be ahead of the deliveries; 0 is no limit.
        copies: deliveries that a message becomes, for ``backlog_max``.
        consumer_queues: the queue of each consumer; there is a connection for each.
        settle: how deliveries are settled.
        ack_every: deliveries per ack, where ``settle`` is MULTIPLE.
        prefetch_count: basic.qos of each consumer; 0 is no limit.
    """

    exchange: str = ""
    publisher_keys: Sequence[Sequence[str]] = ()
    properties: bytes = b""
    body: bytes = b""
    mandatory: bool = False
    has_instants: bool = False
    rate_per_s: float = 0
    publishes_per_write: int = 0
    confirm_window: int = 0
    message_count_max: int = 0
    backlog_max: int = 0
    copies: int = 1
    consumer_queues: Sequence[str] = ()
    settle: Settle = Settle.AUTO
    ack_every: int = 100
    prefetch_count: int = 0


def publishes_per_write(load: Load, message_bytes: int) -> int:
    """Return how many publishes go into one write at most.

    A write is small against the backlog and the confirm window: else one write would make the
    publisher wait for its own tail, and the figure would be that of a stop-and-go.
    """
    count = load.publishes_per_write or PUBLISH_WRITE_BYTES // message_bytes
    if load.backlog_max:
        count = min(count, load.backlog_max // 8)
    if load.confirm_window:
        count = min(count, load.confirm_window // 20)
    return max(1, count)


def share(total: int, part_count: int, index: int) -> int:
    """Return the size of one of ``part_count`` parts that differ by at most 1."""
    return total // part_count + (index < total % part_count)
