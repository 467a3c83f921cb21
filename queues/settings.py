"""The ``queues`` section: how much a queue does at a time.

Each key is declared with its type, default, range and description. The settings package reads the
declaration.
"""

from dataclasses import dataclass, field
from typing import Final

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuesSettings:
    """The settings of all queues."""

    deliveries_per_turn_max: int = field(
        default=4_096,
        metadata={
            "min": 1,
            "max": 1_000_000,
            "doc": "Messages that one queue delivers before the others have their turn.",
        },
    )
    memory_per_queue_bytes: int = field(
        default=4 * MIB,
        metadata={
            "min": MIB // 16,
            "max": 1 << 50,
            "doc": "Ready messages that a durable queue keeps in memory: its two ends, and of"
            " what was requeued the part that is delivered next.",
        },
    )
    memory_bytes: int = field(
        default=0,
        metadata={
            "min": 0,
            "max": 1 << 50,
            "doc": "Ready messages of the node. Above it every queue, durable or not, keeps a"
            " quarter of memory_per_queue_bytes. 0 is 40 % of the memory watermark.",
        },
    )
