"""The tables of a run, of queues and of streams: a line for each kind of fault, one for all."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from load_generator.verifying.availability import share
from load_generator.verifying.episode import Outcome
from load_generator.verifying.stream_checker import STREAM_INVALID

_HEADS: Final[tuple[str, ...]] = (
    "fault",
    "episodes",
    "confirmed",
    "delivered",
    "lost",
    "resurrected",
    "unexpected",
    "inverted",
    "deposed",
    "displaced",
    "duplicates",
    "unflagged",
    "replayed",
    "failed",
    "confirm p50/p99/max ms",
    "deliver p50/p99/max ms",
)
_STREAM_COLUMNS: Final[Mapping[str, str]] = {
    "confirmed": "confirmed",
    "read": "read",
    "lost": "lost",
    "offsets changed": "changed",
    **{name: name for name in STREAM_INVALID if name not in {"lost", "changed"}},
    "resent": "resent",
    "recovered": "recovered",
}
"""What the verdict on streams calls each column."""
NEVER: Final = "never"


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the lines of the table of queues; see the checker for what its columns count."""
    return _lines(_HEADS, _row, outcomes)


def stream_table(outcomes: Sequence[Outcome]) -> str:
    """Return the lines of the table of streams; see their checker for what its columns count."""
    return _lines(("fault", "episodes", *_STREAM_COLUMNS), _stream_row, outcomes)


def tables(outcomes: Sequence[Outcome]) -> str:
    """Return the table of queues, and behind it that of streams, where there were any."""
    if not any(outcome.streams.confirmed for outcome in outcomes):
        return table(outcomes)
    return f"{table(outcomes)}\n\nstreams\n{stream_table(outcomes)}"


def _lines(
    heads: tuple[str, ...],
    row_of: Callable[[str, Sequence[Outcome]], tuple[str, ...]],
    outcomes: Sequence[Outcome],
) -> str:
    kinds = sorted({outcome.kind for outcome in outcomes})
    rows = [heads]
    rows += [row_of(kind, [one for one in outcomes if one.kind == kind]) for kind in kinds]
    rows.append(row_of("all", outcomes))
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    lines = []
    for row in rows:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join([first.strip().ljust(widths[0]), *rest]))
    return "\n".join(lines)


def _row(kind: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    verdicts = [outcome.verdict for outcome in outcomes]
    sums = [
        sum(len(getattr(verdict, name)) for verdict in verdicts)
        for name in ("confirmed", "delivered", "lost", "resurrected", "unexpected", "inverted")
    ]
    counts = [
        sum(len(getattr(verdict, name)) for verdict in verdicts)
        for name in ("displaced", "duplicated", "unflagged", "replayed")
    ]
    deposed = sum(len(outcome.deposed) for outcome in outcomes)
    failed = sum(bool(outcome.failures) for outcome in outcomes)
    confirms = _waits([outcome.waits.confirm_ms for outcome in outcomes])
    delivers = _waits([outcome.waits.deliver_ms for outcome in outcomes])
    numbers = (len(outcomes), *sums, deposed, *counts, failed)
    return (kind, *(f"{number:,}" for number in numbers), confirms, delivers)


def _stream_row(kind: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    sums = [
        sum(len(getattr(outcome.streams, name)) for outcome in outcomes)
        for name in _STREAM_COLUMNS.values()
    ]
    return (kind, *(f"{number:,}" for number in (len(outcomes), *sums)))


def _waits(waits_ms: Sequence[int | None]) -> str:
    known = [wait_ms for wait_ms in waits_ms if wait_ms is not None]
    if len(known) < len(waits_ms):
        return NEVER
    return " / ".join(str(share(known, percent)) for percent in (50, 99, 100))


def report(outcome: Outcome, seed: int) -> str:
    """Return what is to be said of an episode that was not good."""
    lines = [f"episode {outcome.number} of seed {seed}: {outcome.plan}"]
    if not outcome.verdict.is_valid:
        lines.append(outcome.verdict.text())
    if not outcome.streams.is_valid:
        lines += ["streams", outcome.streams.text()]
    if outcome.deposed:
        lines.append(f"confirmed by a deposed leader: {len(outcome.deposed)}")
    lines += outcome.failures
    return "\n".join(lines)
