"""One consumer: what its queue asks of it, and what its channel must undo.

Source: AMQP 0-9-1 §1.8.3.3, basic.consume; RabbitMQ for priorities, prefetch and cancel notify.
"""

from typing import Final, NamedTuple, Protocol

from amqp_server.broker.queue_table import Queue
from amqp_server.broker.reply_consumers import REPLY_PREFIX
from amqp_server.broker.turn import Turn
from amqp_server.protocol.delivery_count import with_delivery_count
from amqp_server.protocol.outbox import Outbox
from amqp_server.protocol.prefetch import Window
from amqp_server.protocol.unacked import Unacked
from amqp_server.wire.content import (
    deliver_prefix,
    render_deliveries,
    render_large_deliveries,
)
from persistence.record import LARGE_BODY_BYTES, Run
from queues.batch import Batch
from queues.options import QueueKind

FIRST_GUESS_BYTES: Final = 512
"""What a delivery is taken to cost before the first one was rendered."""


class Lane(Protocol):
    """What a consumer asks of its channel; ``protocol.channel`` has it."""

    number: int
    outbox: Outbox
    starved: set[Queue]
    unacked: "Unacked[Consumer | GetOwner]"
    shared_window: Window
    payload_max_bytes: int
    turn: Turn
    unacked_max: int

    def consumer_lost(self, consumer: "Consumer") -> None:
        """A consumer is gone that its client did not end."""


class ConsumerProperties(NamedTuple):
    """What basic.consume asked for.

    Attributes:
        timeout_ms: an unacked delivery older than this closes the channel; None is never.
    """

    consumer_tag: str
    no_ack: bool
    exclusive: bool
    priority: int
    timeout_ms: int | None


class Consumer:
    """A ``queues.ports.ConsumerHandle`` over one lane.

    Invariant: ``window.used`` is the number of its unacked deliveries.
    """

    __slots__ = (
        "_counts_deliveries",
        "_delivery_bytes",
        "_lane",
        "_prefix",
        "consumer_tag",
        "exclusive",
        "is_cancelled",
        "no_ack",
        "priority",
        "queue",
        "timeout_ms",
        "window",
    )

    def __init__(
        self, lane: Lane, queue: Queue, properties: ConsumerProperties, prefetch: int
    ) -> None:
        self._lane = lane
        self._prefix = deliver_prefix(properties.consumer_tag)
        self._delivery_bytes = FIRST_GUESS_BYTES
        self._counts_deliveries = queue.kind is QueueKind.QUORUM
        self.queue = queue
        self.consumer_tag = properties.consumer_tag
        self.no_ack = properties.no_ack
        self.exclusive = properties.exclusive
        self.priority = properties.priority
        self.timeout_ms = properties.timeout_ms
        self.window = Window(prefetch)
        self.is_cancelled = False

    @property
    def shares_credit(self) -> bool:
        """Whether the channel has a window that all its consumers share."""
        return not self.no_ack and self._lane.shared_window.limit > 0

    def credit(self) -> int:
        """Return how many messages may be delivered now; see the port."""
        lane = self._lane
        outbox = lane.outbox
        room_bytes = outbox.full_bytes - outbox.size_bytes
        if outbox.transport_full or room_bytes <= 0:
            lane.starved.add(self.queue)
            return 0
        if self.is_cancelled:
            return 0
        count = room_bytes // self._delivery_bytes + 1
        if self.no_ack:
            return count
        window, shared_window = self.window, lane.shared_window
        room = lane.unacked_max - lane.unacked.count
        if window.limit:
            room = min(room, window.limit - window.used)
        if shared_window.limit:
            room = min(room, shared_window.limit - shared_window.used)
        return count if count < room else max(room, 0)

    def deliver(self, batch: Batch) -> None:
        """Write a batch out; what must be acked is noted first."""
        lane = self._lane
        records = batch.records
        count = len(records)
        if self._counts_deliveries and batch.delivery_count:
            records = with_delivery_count(records, batch.delivery_count)
        if self.no_ack:
            first_tag = lane.unacked.skip(count)
        else:
            first_tag = lane.unacked.add(self, batch, lane.turn.now_ms)
            self.window.used += count
            lane.shared_window.used += count
        outbox = lane.outbox
        if self._delivery_bytes >= LARGE_BODY_BYTES:
            written_bytes = self._write_large(first_tag, records, redelivered=batch.redelivered)
        else:
            octets = render_deliveries(
                lane.number,
                self._prefix,
                first_tag,
                records,
                lane.payload_max_bytes,
                redelivered=batch.redelivered,
            )
            written_bytes = len(octets)
            outbox.deliver(octets)
        self._delivery_bytes = written_bytes // count
        if outbox.transport_full or outbox.size_bytes >= outbox.full_bytes:
            lane.starved.add(self.queue)

    def _write_large(self, first_tag: int, records: Run, *, redelivered: bool) -> int:
        """Write deliveries as large as the last ones; right, if not better, when they are not."""
        lane = self._lane
        chunks = render_large_deliveries(
            lane.number,
            self._prefix,
            first_tag,
            records,
            lane.payload_max_bytes,
            redelivered=redelivered,
        )
        return lane.outbox.deliver_all(chunks)

    def settled(self, count: int) -> None:
        """Note that so many of its deliveries are outstanding no more."""
        self.window.used -= count
        self._lane.shared_window.used -= count

    def queue_deleted(self) -> None:
        """The queue is gone: tell the client, if it said it wants to know."""
        self.is_cancelled = True
        self._lane.consumer_lost(self)


class GetOwner:
    """Whose unacked messages those of basic.get are: a queue's, in nobody's window."""

    __slots__ = ("queue", "timeout_ms")

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.timeout_ms = queue.engine.options.consumer_timeout_ms or None

    def settled(self, count: int) -> None:
        """Nothing counts them."""


class ReplyReceiver:
    """The consumer of ``amq.rabbitmq.reply-to``: replies come without a queue, and unacked."""

    __slots__ = ("_lane", "_prefix", "consumer_tag", "name")

    def __init__(self, lane: Lane, consumer_tag: str, token: str) -> None:
        self._lane = lane
        self._prefix = deliver_prefix(consumer_tag)
        self.consumer_tag = consumer_tag
        self.name = REPLY_PREFIX + token

    def deliver_replies(self, run: Run) -> None:
        """Write replies out at once: nobody keeps them until there is room."""
        lane = self._lane
        octets = render_deliveries(
            lane.number,
            self._prefix,
            lane.unacked.skip(len(run)),
            run,
            lane.payload_max_bytes,
            redelivered=False,
        )
        lane.outbox.deliver(octets)
