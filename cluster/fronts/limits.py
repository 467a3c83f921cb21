"""The bounds of front halves, and what all of them on one node share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from cluster.replication.publishers import Front


@dataclass(frozen=True, slots=True)
class FrontLimits:
    """What front halves may hold, and for how long.

    Attributes:
        hold_ms: how long a publish or a question waits for a leader before it fails.
        open_bytes_max: publishes of one queue that are not confirmed, in memory; beyond it they
            are refused.
        node_open_bytes_max: the same of all queues of the node.
        full_part: a queue is full from this part of either bound on: who publishes to it waits.
        credit_max: messages that a leader may have on their way to one consumer.
        credit_bytes: bodies on their way to one consumer, but for the message that goes beyond.
        again_ms: time between two tries to open a queue at a node that does not serve it yet.
    """

    hold_ms: int = 30_000
    open_bytes_max: int = 64 << 20
    node_open_bytes_max: int = 512 << 20
    full_part: int = 4
    credit_max: int = 8_000
    credit_bytes: int = 1 << 20
    again_ms: int = 200


OnFull: TypeAlias = Callable[[Callable[[Callable[[], None]], None]], None]
"""Is told that what was just published filled its queue. It gets what takes a call for when there
is room again."""


def nobody_waits(_until_room: Callable[[Callable[[], None]], None]) -> None:
    """Let no publisher wait."""


@dataclass(slots=True)
class FrontNode:
    """What the front halves of one node have in common, for as long as its process lives.

    Attributes:
        front: the node, and the incarnation with which the process began. It stays when the node
            loses its lease: a number names one message of the process for ever.
        limits: of them.
        on_full: has who just published wait for room in the queue.
        open_bytes: publishes of all of them that are not confirmed.
        last_numbers: by queue id, the last number that was given to a message. A front half that
            is made again goes on from there.
    """

    front: Front
    limits: FrontLimits = FrontLimits()
    on_full: OnFull = nobody_waits
    open_bytes: int = 0
    last_numbers: dict[str, int] = field(default_factory=dict)

    def forget(self, queue: str) -> None:
        """A queue is gone for good: no other one has its id."""
        self.last_numbers.pop(queue, None)
