"""What arguments and policies make of a queue: the effective options, already validated."""

from dataclasses import dataclass
from enum import Enum


class Overflow(Enum):
    """What a queue at its max-length does with one message more (RabbitMQ, maxlength)."""

    DROP_HEAD = "drop-head"
    REJECT_PUBLISH = "reject-publish"
    REJECT_PUBLISH_DLX = "reject-publish-dlx"


class Durability(Enum):
    """What a confirm of a persistent message in a durable queue waits for.

    ``FSYNC`` is the disk and survives a power cut, ``OS`` the page cache and survives a kill.
    """

    FSYNC = "fsync"
    OS = "os"


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """Effective options of one queue. None means: no such limit.

    Attributes:
        message_ttl_ms: a message expires this long after it was enqueued; 0 is at once unless a
            consumer takes it.
        expires_ms: the queue is deleted after this long without consumer, get or redeclare.
        max_length: ready messages at most (count); 0 keeps none.
        max_length_bytes: bodies of ready messages at most (bytes).
        max_priority: priority bands 0..max_priority; None is a plain FIFO.
        durability: what confirms wait for; of no meaning to a transient queue.
        delivery_limit: returns of one message before it is dead-lettered (quorum: default 20).
        consumer_timeout_ms: an unacked delivery older than this closes the channel; None is never.
        dead_letter_routing_key: None keeps the message's own keys.
        dead_letters_at_least_once: a message that died stays, and counts for the limits, until
            every queue that it goes to has confirmed it.
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

    @property
    def keeps_all(self) -> bool:
        """Whether only a message's own TTL can keep it from becoming ready, and staying so."""
        limits = (self.message_ttl_ms, self.max_length, self.max_length_bytes)
        return limits == (None, None, None)
