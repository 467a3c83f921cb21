"""Counts latencies in buckets; the width of a bucket is at most 1/128 of its values.

    value      0 … 255        256 … 511      512 … 1023     …    up to 2^40 ns, 18 minutes
    bucket     0 … 255        256 … 383      384 … 511      …
    width      1 ns           2 ns           4 ns           …

The buckets are cells of shared memory with one writer each. The measuring process sums them over
the workers. The difference of two sums is the count between them.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

_BITS: Final = 7
_EXACT: Final = 1 << (_BITS + 1)
LATENCY_NS_MAX: Final = (1 << 40) - 1
BUCKET_COUNT: Final = ((40 - _BITS - 1) << _BITS) + _EXACT
CELL_COUNT: Final = BUCKET_COUNT + 1
"""One for each bucket; the last one counts values that are no latency."""


class Latencies(NamedTuple):
    """Percentiles in microseconds; each is at most 1 % too high, and never too low."""

    message_count: int
    p50_us: float
    p75_us: float
    p95_us: float
    p99_us: float
    p999_us: float
    max_us: float


_RANKS_PER_MILLE: Final = (500, 750, 950, 990, 999, 1_000)


class Histogram:
    """The cells of one worker, which only that worker writes."""

    def __init__(self, cells: memoryview) -> None:
        assert len(cells) == CELL_COUNT, "a cell for each bucket, and one for other values"
        self._cells = cells

    def record(self, now_ns: int, due_ns: Iterable[int], weight: int = 1) -> None:
        """Count messages that arrived at ``now_ns``.

        Args:
            now_ns: of the monotonic clock.
            due_ns: the instants at which they were due, of the same clock. One in the future, or
                too long ago, is not from this host's clock, and is counted apart.
            weight: number of messages that each of them stands for.
        """
        cells = self._cells
        for due in due_ns:
            value = now_ns - due
            if 0 <= value <= LATENCY_NS_MAX:
                shift = value.bit_length() - _BITS - 1
                index = (shift << _BITS) + (value >> shift) if shift > 0 else value
            else:
                index = BUCKET_COUNT
            cells[index] += weight


def total(all_cells: Iterable[Sequence[int] | memoryview]) -> list[int]:
    """Return the sums of the workers' cells, bucket by bucket."""
    return [sum(column) for column in zip(*all_cells, strict=True)]


def difference(last: Sequence[int], first: Sequence[int]) -> list[int]:
    """Return the counts between two sums; an empty first sum is all zero."""
    return [after - before for after, before in zip(last, first, strict=True)] if first else [*last]


def stranger_count(counts: Sequence[int]) -> int:
    """Return the number of bodies that did not begin with an instant of this host's clock."""
    return counts[BUCKET_COUNT] if counts else 0


def percentiles(counts: Sequence[int]) -> Latencies | None:
    """Return the percentiles by nearest rank; None if nothing was counted."""
    buckets = counts[:BUCKET_COUNT]
    count = sum(buckets)
    if not count:
        return None
    ranks = [-(-count * per_mille // 1_000) for per_mille in _RANKS_PER_MILLE]
    values_us: list[float] = []
    so_far = 0
    for index, held in enumerate(buckets):
        so_far += held
        while len(values_us) < len(ranks) and so_far >= ranks[len(values_us)]:
            values_us.append(_highest_ns(index) / 1_000)
    return Latencies(count, *values_us)


def _highest_ns(index: int) -> int:
    """Return the largest value that a bucket holds."""
    shift = (index >> _BITS) - 1
    if shift <= 0:
        return index
    mantissa = (index & (1 << _BITS) - 1) + (1 << _BITS)
    return ((mantissa + 1) << shift) - 1
