"""The effective options of a queue, from arguments and policies, already validated."""

from dataclasses import dataclass
from enum import Enum


class Overflow(Enum):
    """What a queue at its max-length does with a further message (RabbitMQ, maxlength)."""

    DROP_HEAD = "drop-head"
    REJECT_PUBLISH = "reject-publish"
    REJECT_PUBLISH_DLX = "reject-publish-dlx"


class Durability(Enum):
    """What a confirm of a persistent message in a durable queue waits for.

    ``FSYNC`` is the disk and survives a power cut. ``OS`` is the page cache and survives a kill.
    """

    FSYNC = "fsync"
    OS = "os"

    # Members are equal by identity, and Enum's own hash would cost a Python call for each declare.
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """Effective options of one queue. None means no limit.

    Attributes:
        message_ttl_ms: a message expires this long after it was enqueued; with 0 it expires at once
            unless a consumer takes it.
        expires_ms: the queue is deleted after this long without consumer, get or redeclare.
        max_length: the most ready messages (count); 0 keeps none.
        max_length_bytes: the most bytes of bodies of ready messages.
        max_priority: priority bands 0..max_priority; None is a plain FIFO.
        durability: what confirms wait for; without effect in a transient queue.
        delivery_limit: requeues of one message before it is dead-lettered (quorum: default 20).
        consumer_timeout_ms: an unacked delivery older than this closes the channel; None is never.
        dead_letter_routing_key: None keeps the message's own keys.
        dead_letters_at_least_once: a dead message stays, and counts for the limits, until every
            target queue has confirmed it.
        max_age_ms: of a stream: older segments are dropped.
        segment_bytes_max: of a stream: a segment of this size gets no more messages; None is the
            default of ``persistence.streams.retention``.
        segment_age_ms: of a stream: a segment that is so old gets no more messages.
        filter_bytes: of a stream: size of the filter of a chunk; None is the default of
            ``persistence.streams.chunk_filter``.
        compact_key: of a stream: the header whose value is the key of a message, or
            ``routing-key``; only the last message of each key is kept. None keeps all.
        deduplication_header: a message is not taken while another one in the queue has the same
            value of this header; None takes all.
        tombstone_age_ms: of a stream: how long a message without a body stays that says that its
            key is gone; None is the default of ``persistence.streams.compaction``.
    """

    message_ttl_ms: int | None = None
    expires_ms: int | None = None
    max_length: int | None = None
    max_length_bytes: int | None = None
    overflow: Overflow = Overflow.DROP_HEAD
    dead_letter_exchange: str | None = None
    dead_letter_routing_key: str | None = None
    dead_letters_at_least_once: bool = False
    max_priority: int | None = None
    durability: Durability = Durability.FSYNC
    single_active_consumer: bool = False
    delivery_limit: int | None = None
    consumer_timeout_ms: int | None = None
    max_age_ms: int | None = None
    segment_bytes_max: int | None = None
    segment_age_ms: int | None = None
    filter_bytes: int | None = None
    compact_key: str | None = None
    tombstone_age_ms: int | None = None
    deduplication_header: str | None = None

    @property
    def keeps_all(self) -> bool:
        """Whether every message without a TTL of its own becomes ready and stays so."""
        limits = (self.message_ttl_ms, self.max_length, self.max_length_bytes)
        return limits == (None, None, None)
