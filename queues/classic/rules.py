"""In what the kinds differ that the classic engine runs."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SharingRules:
    """How consumers share a queue, and what counts as its use.

    Attributes:
        knows_exclusive_consumers: whether one may have the queue for itself; else ``exclusive``
            means nothing.
        hands_over: once all is settled, the single active consumer makes way for a newcomer with
            a higher priority.
        declare_is_use: a redeclare puts off that the queue expires.
    """

    knows_exclusive_consumers: bool = True
    hands_over: bool = False
    declare_is_use: bool = True


CLASSIC_RULES: Final = SharingRules()

QUORUM_RULES: Final = SharingRules(
    knows_exclusive_consumers=False, hands_over=True, declare_is_use=False
)
"""Of quorum queues. Source: RabbitMQ, rabbit_fifo and rabbit_quorum_queue."""
