"""The views that publishers and subscriptions of the stream protocol give of themselves."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from persistence.streams.extent import KeptSegment


class StreamPublisherView(NamedTuple):
    """A publisher of the stream protocol.

    Attributes:
        connection_number, publisher_id: its connection in the node, and its number there.
        stream_name, vhost: the stream that it publishes to.
        reference: its name in the stream; empty is none.
        published, confirmed, errored: entries that came, that are safe, and that were refused; a
            sub-batch is one.
    """

    connection_number: int
    publisher_id: int
    stream_name: str
    vhost: str
    reference: str
    published: int
    confirmed: int
    errored: int


class StreamConsumerView(NamedTuple):
    """A subscription of the stream protocol.

    Attributes:
        connection_number, subscription_id: its connection in the node, and its number there.
        stream_name, vhost: the stream that it reads.
        credit: chunks that it may still get.
        consumed: messages of the chunks that were sent.
        offset: of the last message that was sent; 0 before.
        lag: messages behind that one; those of a gap count too. 0 where it has no place yet.
        is_active, activity: see ``broker.counts.ConsumerView``.
        properties: what its client said of it.
        next_offset: that it reads next; None while it waits for its turn in a group.
    """

    connection_number: int
    subscription_id: int
    stream_name: str
    vhost: str
    credit: int
    consumed: int
    offset: int
    lag: int
    is_active: bool
    activity: str
    properties: Mapping[str, str]
    next_offset: int | None = None


class OpenStreams(Protocol):
    """The port through which views see a client of streams; ``stream_protocol`` implements it."""

    def publisher_views(
        self, connection_number: int, after: int, max_count: int
    ) -> Sequence[StreamPublisherView]:
        """Return some publishers, with numbers behind one, in their order; -1 is before all."""

    def consumer_views(
        self, connection_number: int, after: int, max_count: int
    ) -> Sequence[StreamConsumerView]:
        """Return some subscriptions, in the same way."""


class StreamTracking(NamedTuple):
    """What a stream keeps by reference.

    Attributes:
        offsets: the stored offset of each consumer.
        publishing_ids: the highest publishing id of each publisher.
    """

    offsets: Mapping[str, int]
    publishing_ids: Mapping[str, int]


class StreamSegments(NamedTuple):
    """A part of the segments of a stream.

    Attributes:
        first_offset, next_offset: of all that is kept and may be read.
        message_count, size_bytes, segment_count: of the whole stream.
        segments: the part, the oldest first.
        cursor: offset at which the next part begins; None is the end.
    """

    first_offset: int
    next_offset: int
    message_count: int
    size_bytes: int
    segment_count: int
    segments: Sequence[KeptSegment]
    cursor: int | None
