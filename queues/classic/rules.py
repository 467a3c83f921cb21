"""The rules in which the kinds of the classic engine differ."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SharingRules:
    """How consumers share a queue, and what counts as its use.

    Attributes:
        knows_exclusive_consumers: whether a consumer may have exclusive use; otherwise
            ``exclusive`` has no effect.
        hands_over: when everything is settled, the single active consumer makes way for a newcomer
            with a higher priority.
        declare_is_use: a redeclare delays the expiry of the queue.
    """

    knows_exclusive_consumers: bool = True
    hands_over: bool = False
    declare_is_use: bool = True


CLASSIC_RULES: Final = SharingRules()

QUORUM_RULES: Final = SharingRules(
    knows_exclusive_consumers=False, hands_over=True, declare_is_use=False
)
"""Of quorum queues. Source: RabbitMQ, rabbit_fifo and rabbit_quorum_queue."""
