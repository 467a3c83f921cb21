"""The ``queues`` section: how much a queue does at a time.

Each key is declared with its type, default, range and a sentence; the settings package reads
the declaration.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuesSettings:
    """All queues."""

    deliveries_per_turn_max: int = field(
        default=4_096,
        metadata={
            "min": 1,
            "max": 1_000_000,
            "doc": "Messages that one queue delivers before the others have their turn.",
        },
    )
