"""Numbers of the node and of vhosts: as histories of several lengths, the longer ones coarser.

Source: RabbitMQ, sample_retention_policies: 10 minutes each 5 s, an hour each minute, 8 hours each
10 minutes, a day each half an hour.
"""

from collections.abc import Sequence
from typing import Final

from management.samples.history import POINTS_MAX, History

STEPS_MS: Final = (5_000, 60_000, 600_000, 1_800_000)
"""Between two points of each history; each has ``POINTS_MAX`` points."""


class Spans:
    """The numbers of one thing that is shown for as long as a day.

    Args:
        width: how many numbers there are.
    """

    def __init__(self, width: int) -> None:
        self._histories = [History(width) for _ in STEPS_MS]
        self._noted_ms: list[int | None] = [None] * len(STEPS_MS)
        self._last_ms = 0

    @property
    def last(self) -> Sequence[int]:
        """The numbers as they were at the last look."""
        return self._histories[0].last

    def note(self, now_ms: int, numbers: Sequence[int]) -> None:
        """Note the numbers at a time."""
        self._last_ms = now_ms
        for index, step_ms in enumerate(STEPS_MS):
            noted_ms = self._noted_ms[index]
            if index == 0 or noted_ms is None or now_ms - noted_ms >= step_ms:
                self._histories[index].note(now_ms, numbers)
                self._noted_ms[index] = now_ms

    def growth(self, from_ms: int, to_ms: int) -> Sequence[int] | None:
        """Return by how much each number grew between two late times; None where none has."""
        return self._histories[0].growth(from_ms, to_ms)

    def at(self, index: int, then_ms: int) -> int:
        """Return a number as it was at a time, as exactly as it is known."""
        age_ms = self._last_ms - then_ms
        for history, step_ms in zip(self._histories, STEPS_MS, strict=True):
            if age_ms <= step_ms * (POINTS_MAX - 1):
                return history.at(index, then_ms)
        return self._histories[-1].at(index, then_ms)
