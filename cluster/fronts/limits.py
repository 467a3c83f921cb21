"""The bounds of front halves, and what all of them on one node share."""

from dataclasses import dataclass, field

from cluster.replication.publishers import Front


@dataclass(frozen=True, slots=True)
class FrontLimits:
    """What front halves may hold, and for how long.

    Attributes:
        hold_ms: how long a publish or a question waits for a leader before it fails.
        open_bytes_max: publishes of one queue that are not confirmed, in memory.
        node_open_bytes_max: the same of all queues of the node.
        credit_max: messages that a leader may have on their way to one consumer.
        credit_bytes: bodies on their way to one consumer, but for the message that goes beyond.
        again_ms: time between two tries to open a queue at a node that does not serve it yet.
    """

    hold_ms: int = 30_000
    open_bytes_max: int = 64 << 20
    node_open_bytes_max: int = 512 << 20
    credit_max: int = 2_000
    credit_bytes: int = 1 << 20
    again_ms: int = 200


@dataclass(slots=True)
class FrontNode:
    """What the front halves of one node have in common, for as long as its process lives.

    Attributes:
        front: the node, and the incarnation with which the process began. It stays when the node
            loses its lease: a number names one message of the process for ever.
        limits: of them.
        open_bytes: publishes of all of them that are not confirmed.
        last_numbers: by queue id, the last number that was given to a message. A front half that
            is made again goes on from there.
    """

    front: Front
    limits: FrontLimits = FrontLimits()
    open_bytes: int = 0
    last_numbers: dict[str, int] = field(default_factory=dict)

    def forget(self, queue: str) -> None:
        """A queue is gone for good: no other one has its id."""
        self.last_numbers.pop(queue, None)
