"""A clean stop hands over what this node leads, so that no queue waits for an election (R22)."""

from collections.abc import Callable, Iterator

from cluster.node.view import ClusterView
from cluster.replication.core import ReplicationCore
from cluster.replication.inputs import HandOver


class HandingOver:
    """Has all queues that are led here moved, as soon as that can be.

    Args:
        core: of this node.
        view: says who lives.
    """

    def __init__(self, core: ReplicationCore, view: ClusterView) -> None:
        self._core = core
        self._view = view

    @property
    def is_over(self) -> bool:
        """Whether no queue is led here that somebody else could lead."""
        return not any(self._target(each) for each in self._core.node.leaderships)

    def moves(self, is_spent: Callable[[], bool]) -> Iterator[HandOver]:
        """Yield what may be moved now, or stand still for it; the core gets each at once."""
        for queue_id in tuple(self._core.node.leaderships):
            target = self._target(queue_id)
            if target and self._core.may_hand_over(queue_id, target):
                yield HandOver(queue_id, target, self._view.live[target].incarnation)
            if is_spent():
                return

    def _target(self, queue_id: str) -> str:
        """Return who leads fewest of those that may lead a queue; empty: nobody else may."""
        lead = self._core.lead_of(queue_id)
        if lead is None:
            return ""
        live = self._view.live_nodes()
        able = [
            member.node
            for member in sorted(lead.state.in_sync_set)
            if member.node != self._core.node.name
            and member.node in live
            and live[member.node].replica == member
        ]
        return min(able, key=self._view.led_count, default="")
