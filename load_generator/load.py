"""The queues, publishes and consumers of a run, as values for its workers.

Everything here is decided before a connection is opened. So a load can be inspected, and the names
and keys of a worker do not depend on other workers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from load_generator.wire import FieldValue

PUBLISH_WRITE_BYTES: Final = 1 << 16
"""Without another limit, a publisher hands about this much to the socket at once."""
INSTANT_BYTES: Final = 8
"""Size of the instant at the beginning of a body, of the monotonic clock, to measure latency."""


class Settle(StrEnum):
    """How a consumer settles its deliveries."""

    AUTO = "auto-ack"
    EACH = "ack each"
    MULTIPLE = "ack multiple"


@dataclass(frozen=True, slots=True)
class Binding:
    """A binding of a queue to the exchange of a topology."""

    queue: str
    key: str
    arguments: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Topology:
    """The queues and the exchange of a load.

    Attributes:
        queues: names.
        exchange: its name; empty is the default exchange, which needs no bindings.
        exchange_kind: its type.
        bindings: between the exchange and the queues.
        queue_arguments: of each queue.
        durable: exchange and queues survive a restart.
        is_shared: queues may exist already; those are used as they are, and not deleted.
        super_stream: its name, if the queues are its partitions; only over the stream protocol.
    """

    queues: Sequence[str]
    exchange: str = ""
    exchange_kind: str = ""
    bindings: Sequence[Binding] = ()
    queue_arguments: Mapping[str, FieldValue] = field(default_factory=dict)
    durable: bool = False
    is_shared: bool = False
    super_stream: str = ""


@dataclass(frozen=True, slots=True)
class Streaming:
    """What a load over the stream protocol has besides; without it, a load speaks AMQP.

    Attributes:
        batch_count: messages in one Publish.
        sub_entry_count: messages in each sub-entry; 0 or 1 is without sub-entries.
        filter_values: of the messages, in turn; empty is without.
        credit: chunks that a reader lets the broker send ahead.
        partitions: streams over which keys are hashed; empty publishes to streams by name.
    """

    batch_count: int = 100
    sub_entry_count: int = 0
    filter_values: Sequence[str] = ()
    credit: int = 10
    partitions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """The work of publishers and consumers.

    Attributes:
        exchange: the exchange of all publishes.
        publisher_keys: the routing keys of each publisher, which it uses in turn, again and
            again; there is a connection for each publisher.
        properties: property flags and values of every message, from ``wire.properties``.
        body: of every message.
        mandatory: unroutable messages are returned.
        has_instants: bodies begin with the instant at which the message was due, and consumers
            read it.
        rate_per_s: messages of each publisher; 0 is no limit.
        publishes_per_write: messages in one write; 0 fills PUBLISH_WRITE_BYTES.
        confirm_window: most unconfirmed publishes of a publisher; 0 publishes without confirms.
        message_count_max: most messages of all publishers together; 0 is no limit.
        backlog_max: messages that publishers may be ahead of the deliveries; 0 is no limit.
        copies: number of deliveries per message, for ``backlog_max``.
        consumer_queues: the queue of each consumer; there is a connection for each.
        settle: how deliveries are settled.
        ack_every: deliveries per ack, if ``settle`` is MULTIPLE.
        prefetch_count: basic.qos of each consumer; 0 is no limit.
        offset: where readers of streams begin; empty is the broker's default, which is next.
        filters: readers of streams get messages with one of these values; empty is all.
        streaming: None speaks AMQP.
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
    offset: str = ""
    filters: Sequence[str] = ()
    streaming: Streaming | None = None


def publishes_per_write(load: Load, message_bytes: int) -> int:
    """Return the most publishes in one write.

    A write is small compared with the backlog and the confirm window. With larger writes the
    publisher would stop after each of them until the broker has caught up.
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
