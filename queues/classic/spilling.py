"""Long queues: decides which messages leave memory for the disk.

A queue over its budget keeps a quarter of the budget at its head, for the next deliveries, and a
quarter at its end, which may never have to be written if consumers catch up. The messages between
go to the log, those of the lane that is served last first. Of what was requeued a quarter of the
budget stays too: what is delivered next.
"""

from typing import Final, Protocol

from queues.classic.ready import Lane
from queues.classic.spilled import Spilled
from queues.log_port import QueueLog
from queues.tail import QueueMemory

PARTS_OF_BUDGET: Final = 4
"""The share of the budget that stays at the head, and again at the end."""

CHUNKS_OF_PART: Final = 4
"""A chunk of less than a quarter of that is not written: small chunks make a queue slow."""

REFUSED_APPENDS: Final = 64
"""A queue that could give up no memory tries again after this many more runs."""


class InLanes(Protocol):
    """Messages in lanes, with one budget."""

    @property
    def memory(self) -> QueueMemory:
        """What they take, and may take."""

    def lanes(self) -> list[tuple[int, Lane]]:
        """Return the non-empty lanes with their numbers, the one served last first."""


def make_room(ready: InLanes, log: QueueLog) -> int | None:
    """Give messages of a queue that is over its budget to its log.

    Returns:
        How much memory that frees; None when it is none because the disk refuses.
    """
    memory = ready.memory
    budget_bytes = memory.budget_bytes
    if memory.used_bytes <= budget_bytes:
        budget_bytes = memory.short_budget_bytes
    lanes = ready.lanes()
    part_bytes = max(budget_bytes // PARTS_OF_BUDGET // max(len(lanes), 1), 1)
    wanted_bytes = memory.used_bytes - 2 * budget_bytes // PARTS_OF_BUDGET
    freed_bytes = 0
    for number, lane in lanes:
        freed = _spill(lane, number, log, memory, part_bytes, wanted_bytes - freed_bytes)
        if freed is None:
            return freed_bytes or None
        freed_bytes += freed
        if freed_bytes >= wanted_bytes:
            break
    return freed_bytes


def _spill(
    lane: Lane,
    number: int,
    log: QueueLog,
    memory: QueueMemory,
    part_bytes: int,
    wanted_bytes: int,
) -> int | None:
    """Give up what is between head and end of a lane, and the last of what was requeued.

    Returns:
        As ``make_room``.
    """
    chunk_bytes_min = max(part_bytes // CHUNKS_OF_PART, 1)
    freed_bytes = _spill_middle(lane, number, log, memory, part_bytes, wanted_bytes)
    if freed_bytes is None or freed_bytes >= wanted_bytes:
        return freed_bytes
    requeued_bytes = lane.requeued.spill(
        number, log, part_bytes, chunk_bytes_min, wanted_bytes - freed_bytes
    )
    if requeued_bytes is None and not freed_bytes:
        return None
    return freed_bytes + (requeued_bytes or 0)


def _spill_middle(
    lane: Lane,
    number: int,
    log: QueueLog,
    memory: QueueMemory,
    part_bytes: int,
    wanted_bytes: int,
) -> int | None:
    chunk_bytes_min = max(part_bytes // CHUNKS_OF_PART, 1)
    if lane.spilled is None:
        if lane.head.memory_bytes < 2 * part_bytes + chunk_bytes_min:
            return 0
        lane.spilled = Spilled(number, log, lane.head, lane.requeued, memory)
        lane.spilled.split_head(part_bytes)
    freed_bytes = lane.spilled.spill(part_bytes, chunk_bytes_min, wanted_bytes)
    if lane.spilled.is_done:
        lane.spilled = None
    return freed_bytes
