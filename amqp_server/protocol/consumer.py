"""One consumer: the calls of its queue, and the work that its channel must undo.

Source: AMQP 0-9-1 §1.8.3.3, basic.consume; RabbitMQ for priorities, prefetch and cancel notify.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from amqp_server.broker.messages.delivery_header import with_delivery_header
from amqp_server.broker.node_budget import Holding
from amqp_server.broker.queue import Queue
from amqp_server.broker.tracing.traced import Actor
from amqp_server.protocol.argument_memory import arguments_bytes
from amqp_server.protocol.dealt import Dealt
from amqp_server.protocol.fitting import fitted
from amqp_server.protocol.lane import Lane
from amqp_server.protocol.prefetch import Prefetch
from amqp_server.protocol.session import Session
from amqp_server.wire.content import (
    HeaderTooLargeError,
    deliver_prefix,
    render_dealt,
    render_deliveries,
    render_large_deliveries,
)
from amqp_server.wire.tables import Table
from persistence.record import LARGE_BODY_BYTES, Run
from queues.batch import Batch

FIRST_GUESS_BYTES: Final = 512
"""Assumed size of a delivery before the first one was rendered."""


class Trace(Protocol):
    """Has deliveries traced: ``Firehose.note_deliveries`` for one channel."""

    def __call__(self, queue_name: str, records: Run, *, redelivered: bool) -> None:
        """Note messages that are delivered from a queue."""


class HasConsumers(Protocol):
    """The port that a consumer needs of its channel; ``protocol.channel`` implements it."""

    session: Session
    arguments: Holding

    def consumer_lost(self, consumer: "Consumer") -> None:
        """Note that a consumer has ended without its client's request."""

    def end_consumer(self, consumer_tag: str, now_ms: int) -> bool:
        """End a consumer and tell its client."""


class ConsumerProperties(NamedTuple):
    """The request of basic.consume.

    Attributes:
        timeout_ms: an unacked delivery older than this closes the channel; None is never.
        arguments: see the port.
        given_arguments: all that the client gave, for views.
    """

    consumer_tag: str
    no_ack: bool
    exclusive: bool
    priority: int
    timeout_ms: int | None
    arguments: Mapping[str, object] = MappingProxyType({})
    given_arguments: Table = MappingProxyType({})


class Consumer:
    """A ``queues.ports.ConsumerHandle`` over one lane.

    Attributes:
        lane: of its channel, with the shared prefetch if its queue's kind heeds one.
        prefetch: its own.
        is_blocked: see the port.
        is_cancelled: it gets nothing more.
        is_asked_for: the leader of its queue has not said that it is there, so it gets nothing.

    Invariant: ``prefetch.used`` is the number of its unacked deliveries.
    """

    __slots__ = (
        "_channel",
        "_delivery_bytes",
        "_delivery_header",
        "_has_look",
        "_heeds_shared_prefetch",
        "_held_bytes",
        "_prefix",
        "_trace",
        "arguments",
        "consumer_tag",
        "exclusive",
        "given_arguments",
        "is_asked_for",
        "is_blocked",
        "is_cancelled",
        "lane",
        "no_ack",
        "prefetch",
        "priority",
        "queue",
        "timeout_ms",
    )

    def __init__(
        self,
        channel: HasConsumers,
        lane: Lane,
        queue: Queue,
        properties: ConsumerProperties,
        prefetch: int,
    ) -> None:
        self._channel = channel
        self.lane = lane
        self._prefix = deliver_prefix(properties.consumer_tag)
        self._delivery_bytes = FIRST_GUESS_BYTES
        self._delivery_header = queue.kind.delivery_header
        self._heeds_shared_prefetch = queue.kind.heeds_shared_prefetch
        self.queue = queue
        self.consumer_tag = properties.consumer_tag
        self.no_ack = properties.no_ack
        self.exclusive = properties.exclusive
        self.priority = properties.priority
        self.timeout_ms = properties.timeout_ms
        self.arguments = properties.arguments
        self.given_arguments = properties.given_arguments
        self.prefetch = Prefetch(prefetch)
        self.is_blocked = False
        self.is_cancelled = False
        self.is_asked_for = False
        self._held_bytes = 0
        self._trace: Trace | None = None
        self._has_look = False
        self.look_at_tracing()

    def hold_arguments(self) -> None:
        """Count its arguments, which the node keeps for as long as it is there.

        Raises:
            NodeLimitError: those of all clients take too much (506).
        """
        if self.given_arguments:
            held_bytes = arguments_bytes(self.given_arguments)
            self._channel.arguments.add(held_bytes)
            self._held_bytes = held_bytes

    def end(self) -> None:
        """Get nothing more, and hold nothing; the channel may have let go of all before."""
        self.is_cancelled = True
        holding = self._channel.arguments
        if self._held_bytes and holding.held_bytes:
            holding.add(-self._held_bytes)
        self._held_bytes = 0

    @property
    def shares_credit(self) -> bool:
        """Whether the channel has a prefetch that all its consumers share."""
        return self.lane.shared_prefetch.limit > 0

    def has_own_room(self) -> bool:
        """Return whether its own prefetch has room; without acks there is no prefetch."""
        if self.is_asked_for:
            return False
        prefetch = self.prefetch
        return self.no_ack or not prefetch.limit or prefetch.used < prefetch.limit

    def credit(self) -> int:
        """Return how many messages may be delivered now; see the port."""
        lane = self.lane
        outbox = lane.outbox
        room_bytes = outbox.full_bytes - outbox.size_bytes
        if outbox.transport_full or room_bytes <= 0:
            lane.wait_for_output(self.queue)
            return 0
        if self.is_cancelled or self.is_asked_for:
            return 0
        count = room_bytes // self._delivery_bytes + 1
        shared_prefetch = lane.shared_prefetch
        if shared_prefetch.limit and shared_prefetch.used >= shared_prefetch.limit:
            lane.wait_for_acks(self.queue)
            return 0
        if self.no_ack:
            return count
        prefetch, room = self.prefetch, lane.unacked_max - lane.unacked.count
        if room <= 0:
            lane.wait_for_acks(self.queue)
            return 0
        if shared_prefetch.limit:
            room = min(room, shared_prefetch.limit - shared_prefetch.used)
        if prefetch.limit:
            room = min(room, prefetch.limit - prefetch.used)
        delivered = lane.delivered
        if delivered.memory.is_short and not delivered.allows(lane.unacked.held_bytes):
            if prefetch.used:
                delivered.wait(self)
                return 0
            room = min(room, 1)
        return count if count < room else max(room, 0)

    def deliver(self, batch: Batch) -> None:
        """Write a batch out; deliveries that need an ack are noted first."""
        lane = self.lane
        records = batch.records
        count = len(records)
        if self._has_look:
            records = self._looked_at(batch)
        redelivered = batch.redelivered
        if redelivered:
            lane.counters.redelivered_count += count
        if self.no_ack:
            first_tag = lane.unacked.skip(count)
        else:
            first_tag = lane.unacked.add(self, batch, lane.turn.now_ms)
            self.prefetch.used += count
            lane.shared_prefetch.used += count
        try:
            if self._delivery_bytes >= LARGE_BODY_BYTES:
                written_bytes = self._write_large(first_tag, records, redelivered=redelivered)
            else:
                octets = render_deliveries(
                    lane.number,
                    self._prefix,
                    first_tag,
                    records,
                    lane.payload_max_bytes,
                    redelivered=redelivered,
                )
                written_bytes = lane.outbox.deliver(octets)
        except HeaderTooLargeError:
            records = fitted(records, lane.payload_max_bytes)
            written_bytes = self._write_large(first_tag, records, redelivered=redelivered)
        self._delivery_bytes = written_bytes // count

    def deliver_in_turn(self, handles: "Sequence[Consumer]", batch: Batch) -> None:
        """Write out a batch whose messages go to several consumers in turn; see the port."""
        no_ack_count = sum([handle.no_ack for handle in handles])
        is_large = max([handle._delivery_bytes for handle in handles]) >= LARGE_BODY_BYTES
        ways = len(handles)
        if is_large or no_ack_count not in {0, ways}:
            for index in range(len(batch)):
                handles[index % ways].deliver(batch.part(index, 1, index + 1))
            return
        lane = self.lane
        records = batch.records
        count = len(records)
        if self._has_look:
            records = self._looked_at(batch)
        if batch.redelivered:
            lane.counters.redelivered_count += count
        if no_ack_count:
            first_tag = lane.unacked.skip(count)
        else:
            owner = Dealt(handles, batch.positions)
            first_tag = lane.unacked.add(owner, batch, lane.turn.now_ms)
            for index, handle in enumerate(handles):
                handle.prefetch.used += (count - index + ways - 1) // ways
            lane.shared_prefetch.used += count
        prefixes, redelivered = [handle._prefix for handle in handles], batch.redelivered
        head = lane.number, prefixes, first_tag
        limit = lane.payload_max_bytes
        try:
            octets = render_dealt(*head, records, limit, redelivered=redelivered)
        except HeaderTooLargeError:
            octets = render_dealt(*head, fitted(records, limit), limit, redelivered=redelivered)
        delivery_bytes = lane.outbox.deliver(octets) // count
        for handle in handles:
            handle._delivery_bytes = delivery_bytes

    def _looked_at(self, batch: Batch) -> Run:
        """Return the messages of a batch as they are delivered; have them traced."""
        records = batch.records
        if self._delivery_header is not None:
            records = with_delivery_header(self._delivery_header, batch)
        if self._trace is not None:
            self._trace(self.queue.name, records, redelivered=batch.redelivered)
        return records

    @property
    def actor(self) -> Actor:
        """The user, connection and channel."""
        return self._channel.session.actor(self.lane.number)

    def look_at_tracing(self) -> None:
        """Trace deliveries from now on, or stop it: the vhost's tracing may have changed."""
        firehose = self._channel.session.open_vhost.firehose
        self._trace = None
        if firehose.is_on:
            self._trace = partial(firehose.note_deliveries, self.actor)
        self._has_look = self._trace is not None or self._delivery_header is not None

    def _write_large(self, first_tag: int, records: Run, *, redelivered: bool) -> int:
        """Write deliveries faster if they are as large as the last ones; else it is still right."""
        lane = self.lane
        pieces = render_large_deliveries(
            lane.number,
            self._prefix,
            first_tag,
            records,
            lane.payload_max_bytes,
            redelivered=redelivered,
        )
        return lane.outbox.deliver_all(pieces)

    def settled(self, positions: range) -> int:
        """Note that these are settled; return how many of them the shared prefetch counted."""
        count = len(positions)
        self.prefetch.used -= count
        if self.is_blocked:
            self.queue.engine.credit_regained(self)
        return count if self._heeds_shared_prefetch else 0

    def ask_again(self) -> None:
        """Let its queue ask for credit again: it was refused, and less is outstanding now."""
        self.queue.engine.credit_regained(self)

    def cancelled(self) -> None:
        """Tell the client that its queue does not serve it any more; see the port."""
        if self.is_asked_for:
            self.is_cancelled = True  # its client waits still, and hears of it in the answer
        elif not self.is_cancelled:
            self._channel.end_consumer(self.consumer_tag, self.lane.turn.now_ms)

    def queue_deleted(self) -> None:
        """Tell the client that the queue is gone, if the client asked to be told."""
        self.end()
        self._channel.consumer_lost(self)


class GetOwner:
    """The owner of unacked messages of basic.get: a queue, and no prefetch counts them.

    All owners of one queue are equal, so messages of several gets may be settled together.
    """

    __slots__ = ("queue", "timeout_ms")

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.timeout_ms = queue.engine.options.consumer_timeout_ms or None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GetOwner) and other.queue is self.queue

    def __hash__(self) -> int:
        return hash(self.queue)

    def settled(self, _positions: range) -> int:
        """Return 0: no prefetch counts them."""
        return 0
