"""What a queue tells the broker. Effects are carried out in order, after the call returned.

An effect never re-enters the queue that emitted it while that queue is at work: dead-lettering
into the same queue, or deleting it, happens when the broker drains its list of effects.
"""

from dataclasses import dataclass
from enum import Enum

from persistence.record import Record


class DeathReason(Enum):
    """Why a message was dead-lettered; the value stands in x-death (RabbitMQ, dlx)."""

    REJECTED = "rejected"
    EXPIRED = "expired"
    MAXLEN = "maxlen"
    DELIVERY_LIMIT = "delivery_limit"


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """These messages left the queue for its dead letter exchange, oldest first.

    Emitted only while the queue has a dead letter exchange; without one they are just gone.
    ``delivery_count`` is that of the last message's life in the queue; 0 if never returned.
    """

    queue_name: str
    records: tuple[Record, ...]
    reason: DeathReason


@dataclass(frozen=True, slots=True)
class QueueExpired:
    """The queue was unused for its ``x-expires`` and must be deleted; nothing is dead-lettered."""

    queue_name: str


@dataclass(frozen=True, slots=True)
class QueueUnused:
    """The last consumer of an auto-delete queue is gone: it must be deleted."""

    queue_name: str


Effect = DeadLettered | QueueExpired | QueueUnused
