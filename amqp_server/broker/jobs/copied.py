"""Messages that were copied to another queue and are settled later, once the copies are safe.

In one log the order of LSNs is enough: a copy, then its settlement (ADR 18). Logs of mirrored
queues are cut one by one where a leader is lost, so a settlement could be there and its copy not
(ADR 53). So the messages stay where they are until the copies are safe. Whoever takes one meanwhile
has it, and it is in the other queue too.
"""

from collections.abc import Callable, Sequence
from typing import Final

from amqp_server.broker.queue import Queue
from queues.commits import CommitPoint, is_safe, point_at, wait_for
from queues.looking import LookedMessage, LookPlace
from queues.outcomes import StillOpen, refused_later
from queues.ports import QueueEngine

AT_ONCE_MAX: Final = 256
"""A look returns so many at most."""


class LedAnewError(OSError):
    """The queue has another leader than before, or another term of the same: places are others."""

    def __init__(self) -> None:
        super().__init__(0, "it has another leader now")


def engine_here(queue: Queue) -> QueueEngine | None:
    """Return the engine that the places of messages are those of; None where it is led elsewhere.

    A node that leads the queue once more has another one.
    """
    return queue.engine if queue.asked is None else queue.asked.here


def settle_those_there(
    queue: Queue, led: QueueEngine | None, lane: int, positions: Sequence[int]
) -> int:
    """Settle messages that are still ready at these places; return the LSN, 0 where none is.

    Args:
        queue: that they are in.
        led: its engine when they were looked at.
        lane: that they are in.
        positions: of messages whose copies are safe, ascending.

    Raises:
        LedAnewError: there is another engine, and all of them stay.
        OSError: the disk could not be read; those that were not found by then stay.
    """
    if not queue.is_deleted and engine_here(queue) is not led:
        raise LedAnewError
    engine, lsn, at = queue.emptied, 0, 0
    while at < len(positions) and engine is not None and not queue.is_deleted:
        found = queue.engine.look(LookPlace(lane, positions[at]), AT_ONCE_MAX)
        if found.place is None or found.place.lane != lane:
            break
        wanted = frozenset(positions[at:])
        there: list[LookedMessage] = [
            one for each in found.slices for one in each.messages() if one.position in wanted
        ]
        if there:
            lsn = max(lsn, engine.remove(lane, there))
        passed = found.place.position
        at = next((i for i in range(at, len(positions)) if positions[i] >= passed), len(positions))
    return lsn


class CopiedLater:
    """A ``queues.commits.CommitGroup`` of one LSN: one message, copied and then settled.

    It is committed when the settlement is. It fails when the copy is not safe, or was refused: then
    the message is where it was.
    """

    is_one_log = False

    def __init__(
        self,
        queue: Queue,
        message: LookedMessage,
        lane: int,
        copied_at: CommitPoint,
        still_open: Sequence[StillOpen],
    ) -> None:
        """Wait until the copy of a message is safe, and settle the message then."""
        self.committed_lsn = 0
        self.has_failed = False
        self._queue = queue
        self._led = engine_here(queue)
        self._message = message
        self._lane = lane
        self._copied_at = copied_at
        self._still_open = still_open
        self._waiters: list[Callable[[], None]] = []
        wait_for(copied_at, self._copied)

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call when it is decided; see the port."""
        if lsn <= self.committed_lsn or self.has_failed:
            call()
        else:
            self._waiters.append(call)

    def _copied(self) -> None:
        if not is_safe(self._copied_at) or refused_later(self._still_open):
            self._decide(is_good=False)
            return
        try:
            lsn = settle_those_there(self._queue, self._led, self._lane, [self._message.position])
        except OSError:
            self._decide(is_good=False)
            return
        settled_at = point_at(self._queue.engine.commit_group, lsn)
        wait_for(settled_at, lambda: self._decide(is_good=is_safe(settled_at)))

    def _decide(self, *, is_good: bool) -> None:
        self.has_failed = not is_good
        self.committed_lsn = int(is_good)
        waiters, self._waiters = self._waiters, []
        for call in waiters:
            call()
