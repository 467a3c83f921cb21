"""Queues that may not go on at this moment, and are told once they may.

held         nothing may be delivered: no lease, or a move is open (R16, R22)
shut         nothing is admitted or confirmed: the same (R17, R22)
unanswered   no mirror has yet the record that the queue waits for
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from cluster.mirrored.log import MirroredLog
from cluster.replication.core import ReplicationCore

LOOKED_AT_MAX: Final = 16
"""Of queues that still may not go on, so many of a kind are looked at in a step."""


class HeldBack:
    """The queues of a node that wait to be told.

    Args:
        core: says what may be done now.
        logs: of the queues that are led here; who is in none of them is forgotten.

    Attributes:
        held, shut, unanswered: names of queues; see above. Who was refused puts it there.
    """

    def __init__(self, core: ReplicationCore, logs: Mapping[str, MirroredLog]) -> None:
        self._core = core
        self._logs = logs
        self.held: OrderedDict[str, None] = OrderedDict()
        self.shut: OrderedDict[str, None] = OrderedDict()
        self.unanswered: OrderedDict[str, None] = OrderedDict()

    def tell(self) -> None:
        """Tell queues that may go on; some of the others may wait for the next time."""
        if self.held:
            self._let_go(self.held, self._core.may_deliver, _deliver)
        if self.shut:
            self._let_go(self.shut, self._admits, _admit)
        if self.unanswered:
            self._let_go(self.unanswered, self._is_answered, _deliver)

    def _let_go(
        self,
        held: OrderedDict[str, None],
        may: Callable[[str], bool],
        tell: Callable[[MirroredLog], None],
    ) -> None:
        left_count = LOOKED_AT_MAX
        for _ in range(len(held)):
            queue, _ = held.popitem(last=False)
            log = self._logs.get(queue)
            if log is None:
                continue
            if may(queue):
                tell(log)
                continue
            # Behind the others: each is looked at in its turn.
            held[queue] = None
            left_count -= 1
            if not left_count:
                return

    def _admits(self, queue: str) -> bool:
        """Return whether a run would be decided now: no move (R22), and a lease (R17)."""
        return self._core.may_append(queue) and self._core.may_confirm(queue, 0)

    def _is_answered(self, queue: str) -> bool:
        """Return whether a mirror has the record that a queue looks at; not all may have it."""
        return self._core.is_elsewhere(queue, self._logs[queue].lag.index)


def _deliver(log: MirroredLog) -> None:
    log.on_committed()


def _admit(log: MirroredLog) -> None:
    log.on_admitted()
