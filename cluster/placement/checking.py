"""What would happen to the queues without a node: before it stops, and for health checks."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from cluster.placement.moving import PlacedQueue
from cluster.placement.nodes import NodeStanding


class Harm(Enum):
    """What a queue would suffer."""

    HELD = "held"
    """Its publishes would wait: fewer members than ``min_isr`` would live."""
    OFFLINE = "offline"
    """Nobody could lead it."""


@dataclass(frozen=True, slots=True)
class HarmedQueue:
    """A queue that needs a node.

    Attributes:
        key: what the caller knows it by.
        harm: what would happen to it.
        left_count: members that would still live.
        min_isr: how many it needs.
    """

    key: str
    harm: Harm
    left_count: int
    min_isr: int


def harmed_without(
    name: str, queues: Iterable[PlacedQueue], nodes: Collection[NodeStanding]
) -> list[HarmedQueue]:
    """Return the queues that would be offline, or below ``min_isr``, if this node stopped now.

    A queue that has no replica there is not harmed by it, whatever it suffers already. Each queue
    is looked at for itself, so a long list may be handed in in parts.
    """
    live = {node.replica for node in nodes if node.is_live and node.name != name}
    harmed = []
    for queue in queues:
        stored = queue.stored
        members = stored.state.in_sync_set
        if name not in {replica.node for replica in members}:
            continue
        left_count = len(members & live)
        if left_count == 0:
            harm = Harm.OFFLINE
        elif left_count < stored.options.min_isr:
            harm = Harm.HELD
        else:
            continue
        harmed.append(HarmedQueue(queue.key, harm, left_count, stored.options.min_isr))
    return harmed
