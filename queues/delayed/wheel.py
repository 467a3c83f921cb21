"""Where a message waits for its time: a hierarchical timing wheel.

    level 0    31 slots of      1 ms     a message waits in the lowest level that reaches its time
    level 1    31 slots of     16 ms
    ...                                  level n reaches 30 slots of 16^n ms ahead
    level 7    31 slots of 16^7 ms       more than 90 days; AMQP's longest delay is 50 days

A slot is *opened* before the first message in it can be due. Its messages then go to lower levels,
or become due. So a message is looked at once for each level, and no more often, however many wait.

A slot may be opened too early: its messages find their slots anew. So it does no harm when two
stretches of time meet in one slot, because a clock was set, or a node was down for months. The slot
is then opened for the earlier one.

Source: Varghese and Lauck, Hashed and Hierarchical Timing Wheels (1987), scheme 7.
"""

from bisect import bisect_right
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Final

LEVELS: Final = 8
SLOT_BITS: Final = 4
"""A slot of one level is this many bits wider than one of the level below."""

LEVEL_BITS: Final = 3
AHEAD_MAX: Final = 30
SLOTS: Final = AHEAD_MAX + 1
SLOT_COUNT: Final = LEVELS * SLOTS

_SHIFTS: Final = [level * SLOT_BITS for level in range(LEVELS - 1)]

EARLY_LEVEL: Final = 2
"""From this level on, a slot is opened half its width early, because it may take long."""


def slot_of(due_ms: int, at_ms: int) -> tuple[int, int]:
    """Return the slot of a message, and when that slot must be opened (instants).

    Args:
        due_ms: when the message is due. In the past it gets a slot that must be opened at once.
        at_ms: the time of the wheel.
    """
    level = shift = 0
    while (due_ms >> shift) - (at_ms >> shift) > AHEAD_MAX and level < LEVELS - 1:
        level += 1
        shift += SLOT_BITS
    # Farther away than the wheel reaches: it is looked at once more on the way.
    number = min(due_ms >> shift, (at_ms >> shift) + AHEAD_MAX)
    early_ms = (1 << shift) >> 1 if level >= EARLY_LEVEL else 0
    return level * SLOTS + number % SLOTS, (number << shift) - early_ms


def slots_of(due_ms: Sequence[int], at_ms: int) -> tuple[list[int], dict[int, int]]:
    """Return the slot of each message, and when each of these slots must be opened: ``slot_of``.

    Args:
        due_ms: when each message is due (instant).
        at_ms: the time of the wheel.
    """
    ends_ms = [((at_ms >> shift) + AHEAD_MAX + 1) << shift for shift in _SHIFTS]
    # Most messages share their slot with others, so few slots are worked out.
    found: dict[int, int] = {}
    opens_at_ms: dict[int, int] = {}
    slots: list[int] = []
    for due in due_ms:
        level = bisect_right(ends_ms, due)
        key = due >> level * SLOT_BITS << LEVEL_BITS | level
        slot = found.get(key)
        if slot is None:
            slot, at = slot_of(due, at_ms)
            found[key] = slot
            opens_at_ms[slot] = min(at, opens_at_ms.get(slot, at))
        slots.append(slot)
    return slots, opens_at_ms


def opens_before(slot: int, due_ms: int) -> int:
    """Return when a slot must be opened at the latest, if all that is known is a message in it."""
    level = slot // SLOTS
    return due_ms - (2 << SLOT_BITS * level) if level else due_ms


class Wheel:
    """The slots in use, and when each must be opened.

    Invariant: the heap has the time of each slot in use; other entries do no harm.
    """

    __slots__ = ("_heap", "_opens_at_ms")

    def __init__(self) -> None:
        """Begin with no slot in use."""
        self._opens_at_ms: list[int | None] = [None] * SLOT_COUNT
        self._heap: list[tuple[int, int]] = []

    def note(self, slot: int, opens_at_ms: int) -> None:
        """Note that a slot is in use, and must be opened at this time or before."""
        known = self._opens_at_ms[slot]
        if known is None or opens_at_ms < known:
            self._opens_at_ms[slot] = opens_at_ms
            heappush(self._heap, (opens_at_ms, slot))

    def forget(self, slot: int) -> None:
        """Note that a slot is not in use any more, or is being opened."""
        self._opens_at_ms[slot] = None

    def next(self) -> tuple[int, int] | None:
        """Return the time and the number of the slot that must be opened next; None is none."""
        heap = self._heap
        while heap and self._opens_at_ms[heap[0][1]] != heap[0][0]:
            heappop(heap)
        return heap[0] if heap else None

    def in_order(self) -> list[int]:
        """Return the slots in use, the one that must be opened first in front."""
        used = [(at, slot) for slot, at in enumerate(self._opens_at_ms) if at is not None]
        return [slot for _, slot in sorted(used)]
