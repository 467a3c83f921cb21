"""The ``_details`` of a number: its rate, and its samples where a request asks for them.

    {"rate": 0.2, "avg": 2.1, "avg_rate": 0.05,
     "samples": [{"sample": 3, "timestamp": 1763806335000}, …]}

Source: RabbitMQ 3.10, recorded answers: the newest sample comes first.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from management.lists.ranges import Range

MS_PER_S = 1_000


class Numbers(Protocol):
    """Numbers over time: ``History`` and ``Spans``."""

    def at(self, index: int, then_ms: int) -> int:
        """Return a number as it was at a time."""

    def growth(self, from_ms: int, to_ms: int) -> Sequence[int] | None:
        """Return by how much each number grew between two times; None where none has changed."""


class Looks(NamedTuple):
    """When it was looked at.

    Attributes:
        last_ms, before_ms: the last look, and the one before; the same if there was one only.
        wall_offset_ms: turns an instant into ms since 1970.
        period_ms: between two looks.
    """

    last_ms: int = 0
    before_ms: int = 0
    wall_offset_ms: int = 0
    period_ms: int = 5_000


def growth_of(numbers: Numbers | None, looks: Looks) -> Sequence[int] | None:
    """Return by how much each number grew between the last two looks; None where none has."""
    if numbers is None or looks.last_ms <= looks.before_ms:
        return None
    return numbers.growth(looks.before_ms, looks.last_ms)


def rate_in(grown: Sequence[int] | None, indexes: tuple[int, ...], looks: Looks) -> float:
    """Return how fast the sum of some numbers grew, in 1/s.

    Args:
        grown: see ``growth_of``.
        indexes: of the numbers.
        looks: when it was looked at.
    """
    if grown is None:
        return 0.0
    span_ms = looks.last_ms - looks.before_ms
    return sum([grown[index] for index in indexes]) * MS_PER_S / span_ms


def rate_of(numbers: Numbers | None, indexes: tuple[int, ...], looks: Looks) -> float:
    """Return how fast the sum of some numbers grew between the last two looks, in 1/s."""
    return rate_in(growth_of(numbers, looks), indexes, looks)


def details(
    numbers: Numbers | None, indexes: tuple[int, ...], looks: Looks, wanted: Range | None = None
) -> dict[str, Any]:
    """Return the details of the sum of some numbers.

    Args:
        numbers: over time; None is a thing that was not looked at yet.
        indexes: of the numbers.
        looks: when it was looked at.
        wanted: the samples; None is the rate alone.
    """
    shown: dict[str, Any] = {"rate": rate_of(numbers, indexes, looks)}
    if wanted is None:
        return shown
    incr_ms = wanted.incr_s * MS_PER_S
    times = [looks.last_ms - step * incr_ms for step in range(wanted.samples_count)]
    # Looks come a little early or late: each is told at the time that it is nearest to.
    late_ms = looks.period_ms // 2
    values = [0 if numbers is None else _sum_at(numbers, indexes, each + late_ms) for each in times]
    shown["samples"] = [
        {"sample": value, "timestamp": each + looks.wall_offset_ms}
        for value, each in zip(values, times, strict=True)
    ]
    span_s = (times[0] - times[-1]) / MS_PER_S
    shown["avg_rate"] = (values[0] - values[-1]) / span_s if span_s else 0.0
    shown["avg"] = sum(values) / len(values)
    return shown


def _sum_at(numbers: Numbers, indexes: tuple[int, ...], then_ms: int) -> int:
    return sum([numbers.at(index, then_ms) for index in indexes])
