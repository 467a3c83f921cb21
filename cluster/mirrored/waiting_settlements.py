"""Settlements of a mirrored queue that are in no record yet: they ride with the next one.

A record costs a leader and each mirror as much as dozens of messages in it, and nobody waits for
that of an ack. So while something of the queue is on its way to the mirrors, settlements wait: for
the next record, in whose frame and write they go, or until all is committed. That is one commit at
most, and they could not have been committed before it. Meanwhile they become fewer: acks follow
each other, and stretches that touch are one.
"""

from operator import attrgetter
from typing import Final

from persistence.operations import encode_settle

STRETCHES_MAX: Final = 64
"""Acks in no order do not become one stretch; with so many of them a record is worth its cost."""

_START: Final = attrgetter("start")


class WaitingSettlements:
    """Positions that are settled and in no record."""

    __slots__ = ("_stretches",)

    def __init__(self) -> None:
        """Begin with none."""
        self._stretches: list[range] = []

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self._stretches)

    @property
    def is_full(self) -> bool:
        """Whether they are to wait no longer."""
        return len(self._stretches) >= STRETCHES_MAX

    def add(self, positions: range) -> None:
        """Have positions wait, of any step; none of them does yet."""
        stretches = self._stretches
        if stretches:
            last = stretches[-1]
            if last.stop == positions.start and last.step == positions.step == 1:
                stretches[-1] = range(last.start, positions.stop)
                return
        stretches.append(positions)

    def records(self, queue_id: int) -> list[bytes]:
        """Return a record for each stretch; they wait until ``clear``."""
        found: list[range] = []
        for each in sorted(self._stretches, key=_START):
            if found and found[-1].stop == each.start and found[-1].step == each.step == 1:
                found[-1] = range(found[-1].start, each.stop)
            else:
                found.append(each)
        return [encode_settle(queue_id, each) for each in found]

    def clear(self) -> None:
        """They are in the log."""
        self._stretches.clear()
