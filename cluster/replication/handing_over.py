"""A planned move of a queue that is in use: it stands still for a moment, and then moves (R22).

A member has to have the whole log, and while clients publish and settle that may never be so. So
admission and delivery stop first; what is published meanwhile waits in front. Settlements are
appended as ever, and end soon without deliveries. Where it takes too long the queue goes on, and is
left alone for a while.
"""

from typing import Final

from cluster.replication import membership
from cluster.replication.leadership import HandingOver, Leadership
from cluster.replication.node_state import NodeState

REST_TIMES: Final = 4
"""So many times as long it is left alone after it stood still for nothing."""

AT_ONCE_MAX: Final = 256
"""Queues of a node that stand still at a time; the others are handed over after them."""


def may_begin(node: NodeState, lead: Leadership, target: str) -> bool:
    """Return whether the target could have the whole log in a moment."""
    progress = lead.mirrors.get(target)
    return (
        progress is not None
        and progress.replica in lead.state.in_sync_set
        and progress.is_settled()
        and lead.is_serving()
        and lead.handing_over is None
        and node.now_ms >= lead.in_use_until_ms
        and len(node.handing_over) < AT_ONCE_MAX
        and membership.may_submit(node, lead)
    )


def begin(node: NodeState, lead: Leadership, target: str, incarnation: int) -> None:
    """Move the queue now if that can be, else let it stand still until it can."""
    if lead.handing_over is None and membership.may_move(node, lead, target):
        membership.move(node, lead, target, incarnation)
    elif may_begin(node, lead, target):
        until_ms = node.now_ms + node.still_max_ms
        lead.handing_over = HandingOver(target, incarnation, until_ms)
        node.handing_over[lead.queue] = lead


def look(node: NodeState) -> None:
    """Move what can be moved by now, and let go on what stood still for too long."""
    for queue, lead in list(node.handing_over.items()):
        handing_over = lead.handing_over
        if handing_over is None or node.leaderships.get(queue) is not lead:
            del node.handing_over[queue]
        elif membership.may_move(node, lead, handing_over.target):
            _end(node, lead)
            membership.move(node, lead, handing_over.target, handing_over.incarnation)
        elif node.now_ms >= handing_over.until_ms:
            _end(node, lead)
            lead.in_use_until_ms = node.now_ms + REST_TIMES * node.still_max_ms


def _end(node: NodeState, lead: Leadership) -> None:
    del node.handing_over[lead.queue]
    lead.handing_over = None
