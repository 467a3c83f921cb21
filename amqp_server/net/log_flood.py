"""Limits the log lines of one kind, because a peer can cause a line a million times.

The kind of a line is its logger and its format: ``login refused peer=%s reason=%r`` is one kind,
for any peer. Within a period each kind has a number of lines. Further lines are only counted, and
the count is a line of its own when the period ends. A kind below its number is not affected.
"""

from typing import Final, NamedTuple

PERIOD_S: Final = 10
"""How long lines of a kind are counted together."""

KINDS_MAX: Final = 1_000
"""Kinds counted apart in one period; any others are counted as one."""

_FORMAT_CHARACTERS_MAX: Final = 200


class Kind(NamedTuple):
    """The kind of a line."""

    logger: str
    format: str


class Suppressed(NamedTuple):
    """How many lines of a kind a period left out."""

    kind: Kind
    lines_count: int


_OTHER: Final = Kind("log", "other lines")


class FloodGuard:
    """Counts lines by kind in periods that follow each other.

    Invariant: no more than ``KINDS_MAX`` kinds, and one for the rest, are held.
    """

    def __init__(self) -> None:
        self._lines_count: dict[tuple[str, str], int] = {}
        self._suppressed_count: dict[tuple[str, str], int] = {}
        self._period_began_s = -float(PERIOD_S)

    @property
    def has_suppressed(self) -> bool:
        """Whether this period has left a line out."""
        return bool(self._suppressed_count)

    def is_period_over(self, now_s: float) -> bool:
        """Whether ``begin_period`` is due; a clock that was set back also ends a period."""
        return not 0 <= now_s - self._period_began_s < PERIOD_S

    def begin_period(self, now_s: float) -> list[Suppressed]:
        """Start to count anew; return the lines that the earlier period left out."""
        left_out = [Suppressed(Kind(*kind), n) for kind, n in self._suppressed_count.items()]
        self._lines_count.clear()
        self._suppressed_count.clear()
        self._period_began_s = now_s
        return left_out

    def admits(self, logger: str, line_format: str, lines_max: int) -> bool:
        """Count a line; return whether its kind had at most ``lines_max`` lines so far."""
        if len(line_format) > _FORMAT_CHARACTERS_MAX:
            line_format = line_format[:_FORMAT_CHARACTERS_MAX]
        kind = (logger, line_format)  # equal to a Kind, and cheaper to make
        counts = self._lines_count
        if kind not in counts and len(counts) >= KINDS_MAX:
            kind = _OTHER
        counts[kind] = count = counts.get(kind, 0) + 1
        if count <= lines_max:
            return True
        self._suppressed_count[kind] = self._suppressed_count.get(kind, 0) + 1
        return False
