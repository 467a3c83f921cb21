"""What a queue asks the broker to do. Effects are carried out in order, after the call.

The broker carries effects out when the queue's call has returned. So an effect never re-enters the
queue that emitted it while that queue is at work, for instance to dead-letter into the same queue,
or to delete it.
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
    """More messages wait for the dead letter exchange: see ``QueueEngine.moves``.

    Emitted only while the queue has a dead letter exchange. Without one, dead messages are settled
    at once.

    Attributes:
        count: how many more.
        is_prompt: a publish caused them. Publishers wait while there are many of these, so that
            their number stays bounded.
    """

    queue_name: str
    count: int
    is_prompt: bool = False


@dataclass(frozen=True, slots=True)
class DroppedAtLimit:
    """The delivery limit drops messages for good, as there is no dead letter exchange."""

    queue_name: str
    count: int


@dataclass(frozen=True, slots=True)
class QueueExpired:
    """The queue was unused for ``x-expires`` and must be deleted, without dead letters."""

    queue_name: str


@dataclass(frozen=True, slots=True)
class QueueUnused:
    """The last consumer of an auto-delete queue is gone, so the queue must be deleted."""

    queue_name: str


Effect = DeadLettered | DroppedAtLimit | QueueExpired | QueueUnused
