"""One subscription: whole chunks, as long as there is credit.

    Subscribe(credit 10) ── Deliver, Deliver, ... ── Credit(5) ── Deliver, ...

A chunk leaves as it lies in the segment, without its filter and its trailer. The one that holds the
offset asked for is sent whole, and the client drops what lies before.

Source: RabbitMQ, rabbit_stream_reader; stream protocol, Deliver.
"""

from collections.abc import Callable, Mapping
from typing import Final

from amqp_server.broker.groups.single_active import PLAIN, GroupKey
from amqp_server.broker.protocol_counts import ProtocolCounters
from amqp_server.broker.queue import Queue
from amqp_server.broker.stream_counts import StreamConsumerView
from amqp_server.connections.outbox import Outbox
from amqp_server.stream_protocol.fields import U8, U64
from amqp_server.stream_protocol.frames import frame_head
from amqp_server.stream_protocol.keys import VERSION_2, CommandKey
from persistence.streams.chunk import CHUNK_HEADER, ChunkHeader
from persistence.streams.chunk_filter import LOOKS_MAX, LOOKS_PER_MESSAGE, WantedValues
from queues.offset_spec import NEXT, OffsetSpec
from queues.stream_port import Served, StreamQueue, Then

EXTENT_BYTES_MAX: Final = 512 << 10
"""Octets that one read of the log brings, if one chunk is not larger."""

EXTENT_BYTES_MIN: Final = 4 << 10
"""The same, where chunks are small and credit is little."""

EXTENT_BYTES_FIRST: Final = 64 << 10
"""The same, before anything was read."""

CHUNK_COST: Final = 64
"""What the delivery of a chunk counts at least, in messages."""

BYTES_PER_MESSAGE: Final = 1_024
"""Octets that are read and copied in the time of a message."""

FILTER_PREFIX: Final = "filter."
MATCH_UNFILTERED: Final = "match-unfiltered"


class Subscription:
    """One subscription; a ``queues.stream_port.StreamReader``.

    Attributes:
        offset: where the next read begins.
        credit: chunks that may be sent.
        properties: what its client said of it.
        consumed_offset: behind the last chunk that was sent.
        consumed_count: messages of the chunks that were sent.
        spec: where it begins, if its client does not say something else when it becomes active.
        group: of which only one reads; None reads for itself.
        partition_index: of the stream in the super stream that its client named, or ``PLAIN``.
    """

    __slots__ = (
        "_counters",
        "_deliver_version",
        "_extent_bytes_max",
        "_on_held",
        "_outbox",
        "_wanted",
        "consumed_count",
        "consumed_offset",
        "credit",
        "group",
        "is_over",
        "offset",
        "partition_index",
        "properties",
        "queue",
        "spec",
        "stream",
        "subscription_id",
    )

    def __init__(
        self,
        subscription_id: int,
        queue: Queue,
        stream: StreamQueue,
        properties: Mapping[str, str],
        outbox: Outbox,
        *,
        on_held: Callable[["Subscription"], None],
        deliver_version: int,
        counters: ProtocolCounters,
    ) -> None:
        self.subscription_id = subscription_id
        self.queue = queue
        self.stream = stream
        self.properties = properties
        self.offset = 0
        self.consumed_offset = 0
        self.consumed_count = 0
        self.credit = 0
        self.is_over = False
        self.spec = NEXT
        self.group: GroupKey | None = None
        self.partition_index = PLAIN
        self._outbox = outbox
        self._on_held = on_held
        self._deliver_version = deliver_version
        self._counters = counters
        self._extent_bytes_max = EXTENT_BYTES_FIRST
        self._wanted = _wanted_of(properties)

    def serve(self, max_count: int, now_ms: int) -> Served:
        """Send chunks, as many as credit, output and one read allow."""
        if self.is_over or self.credit <= 0:
            return Served(1, Then.HELD)
        outbox = self._outbox
        if outbox.is_full:
            self._on_held(self)
            return Served(1, Then.HELD)
        chunk_count = max(max_count // CHUNK_COST, 1)
        looks_left = LOOKS_MAX
        try:
            extent = self.stream.log.read(self.offset, self._extent_bytes_max)
            prefix = self._prefix()
        except OSError as error:
            self.stream.read_again(error, now_ms)
            return Served(CHUNK_COST, Then.AT_END)
        if extent is None:
            return Served(1, Then.AT_END)
        sent_count = used_bytes = 0
        for position, header in extent.chunks:
            if not self.credit or sent_count >= chunk_count or looks_left <= 0 or outbox.is_full:
                break
            wants: bool | None = True
            if (wanted := self._wanted) is not None:
                at = position + CHUNK_HEADER.size
                chunk_filter = extent.octets[at : at + header.filter_bytes]
                wants = wanted.may_be_in(chunk_filter, header.first_offset, looks_left)
                looks_left -= wanted.looks_count
            if wants is None:
                break
            self.offset = header.next_offset
            used_bytes = position + header.size_bytes
            if wants:
                self._deliver(prefix, extent.octets, position, header)
                sent_count += 1
        self._fit_extent(used_bytes, len(extent.octets))
        read_cost = len(extent.octets) // BYTES_PER_MESSAGE
        cost = max(sent_count * CHUNK_COST, CHUNK_COST, read_cost)
        cost += (LOOKS_MAX - looks_left) // LOOKS_PER_MESSAGE
        return Served(cost, Then.READY if self.credit else Then.HELD)

    def _fit_extent(self, used_bytes: int, extent_bytes: int) -> None:
        """Read next time about as much as was used.

        The log looks at each chunk of an extent. Where chunks are small, that of the whole extent
        would cost far more than what little credit sends.
        """
        if used_bytes < extent_bytes:
            self._extent_bytes_max = max(2 * used_bytes, EXTENT_BYTES_MIN)
        else:
            self._extent_bytes_max *= 2
        self._extent_bytes_max = min(self._extent_bytes_max, EXTENT_BYTES_MAX)

    def _prefix(self) -> bytes:
        """Return what goes before each chunk of one read; no commit comes between these."""
        prefix = U8.pack(self.subscription_id)
        if self._deliver_version == VERSION_2:
            prefix += U64.pack(self.stream.log.last_chunk_offset() or 0)
        return prefix

    def _deliver(
        self, prefix: bytes, octets: bytes | memoryview, position: int, header: ChunkHeader
    ) -> None:
        view = memoryview(octets)
        size_bytes = len(prefix) + CHUNK_HEADER.size + header.data_bytes
        head = frame_head(CommandKey.DELIVER, size_bytes, self._deliver_version) + prefix
        data_at = position + header.data_at
        data = view[data_at : data_at + header.data_bytes]
        head += view[position : position + CHUNK_HEADER.size]
        self._outbox.deliver_all([head, data])
        self.credit -= 1
        self.consumed_count += header.record_count
        self._counters.delivered_count += header.record_count
        self.consumed_offset = header.next_offset

    def view(self, connection_number: int, vhost: str, *, is_active: bool) -> StreamConsumerView:
        """Return how it is."""
        lag = max(self.stream.log.readable_offset - self.offset, 0) if is_active else 0
        activity = "up" if self.group is None else "single_active" if is_active else "waiting"
        return StreamConsumerView(
            connection_number,
            self.subscription_id,
            self.queue.name,
            vhost,
            self.credit,
            self.consumed_count,
            max(self.consumed_offset - 1, 0),
            lag,
            is_active,
            activity,
            self.properties,
            self.offset if is_active else None,
        )


def properties_bytes(properties: Mapping[str, str]) -> int:
    """Return the size of the properties of a subscription: its filter values, mostly."""
    return sum(map(len, properties)) + sum(map(len, properties.values()))


def _wanted_of(properties: Mapping[str, str]) -> WantedValues | None:
    """Return which chunks a client wants; None is all."""
    values = {
        value.encode("utf-8", "surrogateescape")
        for key, value in properties.items()
        if key.startswith(FILTER_PREFIX)
    }
    if not values:
        return None
    return WantedValues(values, match_unfiltered=properties.get(MATCH_UNFILTERED) == "true")


def begin(subscription: Subscription, spec: OffsetSpec, now_ms: int) -> None:
    """Let a subscription read from here on."""
    stream = subscription.stream
    subscription.offset = stream.first_offset_of(spec, now_ms)
    stream.attach(subscription)
