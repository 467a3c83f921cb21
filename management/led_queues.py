"""The queues of a list, wherever they are led: the views of this node, and what others have told.

led here                       the view, and the samples of this node
led elsewhere, and told        the view with the numbers of its leader
led elsewhere, and not told    how it was declared, and no numbers, as RabbitMQ shows it
not in the tables of this node the object that its node has told
"""

import json
from collections.abc import Mapping
from typing import Any

from amqp_server.broker.views import QueueView
from management.call import Call
from management.peer_rows import QueueRow
from management.samples.details import Looks
from management.samples.history import History
from management.samples.sampler import QueueKey


class LedQueues:
    """What one list is made of.

    Args:
        call: that asks for the list.
        told: queues of other nodes.
        is_whole: whether the other nodes were asked.

    Attributes:
        looks: when the queues of this node were looked at.
    """

    def __init__(self, call: Call, told: Mapping[QueueKey, QueueRow], *, is_whole: bool) -> None:
        self._call = call
        self._told = told
        self._is_whole = is_whole
        self._alone: dict[str, list[str]] | None = None
        self._own = call.services.identity.node
        self.looks: Looks = call.services.sampler.looks

    def view(self, view: QueueView) -> QueueView:
        """Return the view of a queue, with the numbers of who leads it."""
        row = self._row((view.vhost, view.name))
        return view if row is None else row.on(view)

    def numbers(self, place: QueueKey) -> History | None:
        """Return the sampled numbers of a queue; None are none yet."""
        row = self._row(place)
        return self._call.services.sampler.queues.get(place) if row is None else row.numbers

    def is_unknown(self, view: QueueView) -> bool:
        """Whether another node leads a queue, and has told nothing of it."""
        if not self._is_whole or self._row((view.vhost, view.name)) is not None:
            return False
        return self._leader(view.vhost, view.name) != self._own

    def is_shared(self, view: QueueView) -> bool:
        """Whether the object of a queue is made of its view and numbers alone."""
        return not self.is_unknown(view) and (
            view.mirrored is not None or self._row((view.vhost, view.name)) is None
        )

    def placed(self, view: QueueView, body: dict[str, Any]) -> dict[str, Any]:
        """Return the object of a queue with the node that has it."""
        row = None if view.mirrored is not None else self._row((view.vhost, view.name))
        return body if row is None or "node" not in body else body | {"node": row.node}

    def only_there(self, vhost: str) -> list[str]:
        """Return the names of queues of a vhost that only other nodes have, sorted."""
        if self._alone is None:
            # All that was told is looked at once, however many vhosts there are.
            self._alone = {}
            for (its_vhost, name), row in self._told.items():
                if row.text:
                    self._alone.setdefault(its_vhost, []).append(name)
        find = self._call.node.views.queue
        return sorted(name for name in self._alone.get(vhost, ()) if find(vhost, name) is None)

    def body(self, place: QueueKey) -> dict[str, Any] | None:
        """Return the object of a queue that only another node has; None: there is none."""
        row = self._told.get(place)
        if row is None or not row.text:
            return None
        body: dict[str, Any] = json.loads(row.text)
        return body

    def _row(self, place: QueueKey) -> QueueRow | None:
        row = self._told.get(place)
        # What was told may be older than the leadership of this node.
        return None if row is None or self._leader(*place) == self._own else row

    def _leader(self, vhost: str, name: str) -> str:
        return self._call.node.views.leader_of(vhost, name)


async def led_queues(call: Call) -> LedQueues:
    """Return the queues of all nodes, asking them where it must."""
    told = call.services.told
    return LedQueues(call, await told.queues(), is_whole=told.is_clustered)


def here_only(call: Call) -> LedQueues:
    """Return the queues as this node has them."""
    return LedQueues(call, {}, is_whole=False)
