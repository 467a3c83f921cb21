"""Which queues the controller elects leaders for, and when (R13). Only it calls ``take``.

news of a queue or node ──▶ due ──▶ take ──▶ Elect ──▶ under way ──▶ ended ──▶ due again, if it must
                             └──▶ nobody can be elected: offline until a node comes
"""

from collections.abc import Callable
from itertools import islice

from cluster.node.view import ClusterView
from cluster.placement.nodes import ACTIVE
from cluster.replication.election import is_due
from cluster.replication.inputs import Elect
from cluster.replication.rules import Rules


class Elections:
    """The controller's work.

    Attributes:
        offline: ids of queues without a leader, of whose in-sync set nobody lives.
        done_count: leaders that the store has taken since the start.
        under_way: whom the store was asked to elect and has not answered, by queue id.
    """

    def __init__(self, view: ClusterView, rules: Rules) -> None:
        """Begin with nothing that is due."""
        self.offline: dict[str, None] = {}
        self.done_count = 0
        self.under_way: dict[str, str] = {}
        self._view = view
        self._rules = rules
        self._due: dict[str, None] = {}
        self._chosen_counts: dict[str, int] = {}

    @property
    def due_count(self) -> int:
        """How many queues are to be looked at."""
        return len(self._due)

    def note_queue(self, queue_id: str) -> None:
        """A queue's state is another one, or it is gone."""
        self.offline.pop(queue_id, None)
        self._due[queue_id] = None

    def note_node(self, name: str) -> None:
        """A node lives, or does not any more, or is another incarnation."""
        self._due |= dict.fromkeys(self._view.led_by(name))
        if name in self._view.live:
            self._due |= self.offline
            self.offline.clear()

    def begin(self) -> None:
        """This node elects from now on: look at every queue."""
        self._due = dict.fromkeys(self._view.queues)
        self.offline.clear()

    def end(self) -> None:
        """This node does not elect any more."""
        self._due.clear()
        self.offline.clear()

    def ended(self, queue_id: str) -> None:
        """The store has answered, or nobody knows: look at the queue again."""
        chosen = self.under_way.pop(queue_id, None)
        if chosen is not None:
            self._chosen_counts[chosen] -= 1
        self._due[queue_id] = None

    def take(self, looks_max: int, is_spent: Callable[[], bool]) -> list[Elect]:
        """Return elections that can be submitted now.

        Args:
            looks_max: queues to look at.
            is_spent: whether the rest should wait for another turn; asked after each queue.
        """
        found: list[Elect] = []
        for queue_id in list(islice(self._due, looks_max)):
            del self._due[queue_id]
            if queue_id not in self.under_way and (elect := self._look_at(queue_id)) is not None:
                found.append(elect)
            if is_spent():
                break
        return found

    def _look_at(self, queue_id: str) -> Elect | None:
        known = self._view.queues.get(queue_id)
        live = self._view.live_nodes()
        if known is None or queue_id in self._view.gone or not is_due(known.stored.state, live):
            return None
        state, options = known.stored.state, known.stored.options
        able = self._rules.candidates(options.replicas, state.in_sync_set, live)
        if not able:
            self.offline[queue_id] = None
            return None
        chosen = min(able, key=self._cost_of)
        self.under_way[queue_id] = chosen
        self._chosen_counts[chosen] = self._chosen_counts.get(chosen, 0) + 1
        return Elect(queue_id, state, known.revision, dict(live), chosen, options)

    def _cost_of(self, name: str) -> tuple[bool, int]:
        """Return whether a node drains or leaves, and how many queues it leads.

        Of equals the first of the replicas is chosen.
        """
        member = self._view.members.get(name)
        is_leaving = member is not None and member.state != ACTIVE
        return is_leaving, self._view.led_count(name) + self._chosen_counts.get(name, 0)
