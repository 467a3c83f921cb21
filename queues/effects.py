"""What a queue tells the broker. Effects are carried out in order, after the call returned.

An effect never re-enters the queue that emitted it while that queue is at work: dead-lettering
into the same queue, or deleting it, happens when the broker drains its list of effects.
"""

from dataclasses import dataclass
from enum import Enum


class DeathReason(Enum):
    """Why a message was dead-lettered; the value stands in x-death (RabbitMQ, dlx)."""

    REJECTED = "rejected"
    EXPIRED = "expired"
    MAXLEN = "maxlen"
    DELIVERY_LIMIT = "delivery_limit"


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """So many more messages wait for the dead letter exchange: ``QueueEngine.moves``.

    Emitted only while the queue has a dead letter exchange; without one they are settled at once.

    Attributes:
        count: how many.
        is_prompt: a publish brought them about: whoever publishes waits while there is much of
            that, or they would become ever more.
    """

    queue_name: str
    count: int
    is_prompt: bool = False


@dataclass(frozen=True, slots=True)
class DroppedAtLimit:
    """The delivery limit drops messages for good: there is no dead letter exchange."""

    queue_name: str
    count: int


@dataclass(frozen=True, slots=True)
class QueueExpired:
    """The queue was unused for its ``x-expires`` and must be deleted; nothing is dead-lettered."""

    queue_name: str


@dataclass(frozen=True, slots=True)
class QueueUnused:
    """The last consumer of an auto-delete queue is gone: it must be deleted."""

    queue_name: str


Effect = DeadLettered | DroppedAtLimit | QueueExpired | QueueUnused
