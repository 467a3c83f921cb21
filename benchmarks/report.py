"""The results of all windows: medians, the ratio between the brokers, a table and JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from statistics import median
from typing import Final, NamedTuple

from benchmarks.brokers import HAREMQ, RABBITMQ
from benchmarks.scenarios import (
    Connects,
    Declares,
    Durability,
    Flow,
    IdleConnections,
    Paced,
    Restart,
    Rpc,
    Scenario,
)
from benchmarks.stream_scenarios import (
    ManyStreams,
    Replay,
    RestartStreams,
    Seek,
    Stored,
    StreamFlow,
)
from benchmarks.window import Window


class Headline(NamedTuple):
    """The figure by which the brokers are compared in a scenario.

    Attributes:
        figure: the field of ``Window``.
        more_is_better: False if the figure is a cost.
    """

    figure: str
    more_is_better: bool


@dataclass(frozen=True, slots=True)
class Result:
    """All windows of one scenario.

    Attributes:
        scenario: what was measured.
        windows: by broker name, in the order in which they ran.
        errors: by broker name, the reason why its windows ended early.
        classes: by broker name, the durability class.
    """

    scenario: Scenario
    windows: Mapping[str, Sequence[Window]]
    errors: Mapping[str, str]
    classes: Mapping[str, Durability] = field(default_factory=dict)

    def class_of(self, broker_name: str) -> Durability:
        """Return the durability class of that broker."""
        return self.classes.get(broker_name, Durability.TRANSIENT)


def headline(scenario: Scenario) -> Headline:
    """Return the main figure of a scenario."""
    match scenario:
        case Flow():
            figure = "confirmed_per_s" if scenario.counts_confirms else "consumed_per_s"
            return Headline(figure, more_is_better=True)
        case Rpc() | StreamFlow() | Replay():
            return Headline("consumed_per_s", more_is_better=True)
        case Paced() | Seek():
            return Headline("p99_us", more_is_better=False)
        case Connects() | Declares():
            return Headline("operations_per_s", more_is_better=True)
        case IdleConnections():
            return Headline("connection_kib", more_is_better=False)
        case Stored():
            return Headline("grown_mib", more_is_better=False)
        case ManyStreams():
            return Headline("broker_cpu_us", more_is_better=False)
        case Restart() | RestartStreams():
            return Headline("serving_s", more_is_better=False)


def median_of(windows: Sequence[Window]) -> Window:
    """Return a window of the medians; a figure is None if no window has it."""
    figures: dict[str, float | None] = {}
    for figure in fields(Window):
        values = [getattr(window, figure.name) for window in windows]
        known = [value for value in values if value is not None]
        figures[figure.name] = median(known) if known else None
    return Window(**figures)


def ratio(result: Result) -> float | None:
    """Return how many times better HareMQ's median is than RabbitMQ's; above 1 it is ahead.

    None if one of them has no figure, or the divisor is 0.
    """
    figure, more_is_better = headline(result.scenario)
    ours, theirs = (
        getattr(median_of(result.windows.get(name, ())), figure) for name in (HAREMQ, RABBITMQ)
    )
    if ours is None or theirs is None:
        return None
    above, below = (ours, theirs) if more_is_better else (theirs, ours)
    return above / below if below else None


class _Column(NamedTuple):
    """A column of the table: its heading, the field of ``Window``, and how it is rounded."""

    heading: str
    figure: str
    decimals: int


ELSEWHERE_CORES_QUIET: Final = 0.2
SHARED_MACHINE: Final = (
    "The machine was shared: rates are too low and ratios of rates uncertain; compare broker us."
)

_COLUMNS: Final = (
    _Column("publish/s", "published_per_s", 0),
    _Column("confirm/s", "confirmed_per_s", 0),
    _Column("consume/s", "consumed_per_s", 0),
    _Column("operations/s", "operations_per_s", 0),
    _Column("serving s", "serving_s", 2),
    _Column("first message s", "first_message_s", 2),
    _Column("KiB/connection", "connection_kib", 1),
    _Column("KiB/stream", "stream_kib", 1),
    _Column("files", "descriptor_count", 0),
    _Column("p50 us", "p50_us", 0),
    _Column("p99 us", "p99_us", 0),
    _Column("broker us", "broker_cpu_us", 2),
    _Column("generator us", "generator_cpu_us", 2),
    _Column("its cores", "generator_cores", 2),
    _Column("RSS MiB", "broker_rss_mib", 0),
    _Column("grown MiB", "grown_mib", 0),
    _Column("disk B", "written_bytes", 0),
    _Column("disk us", "disk_sync_us", 0),
    _Column("elsewhere", "elsewhere_cores", 1),
)


def table(results: Sequence[Result]) -> str:
    """Render the results as a Markdown table, one row per scenario and broker.

    A column in which no row has a figure is left out.
    """
    medians = {
        (result.scenario.name, name): median_of(windows)
        for result in results
        for name, windows in result.windows.items()
    }
    columns = [
        column
        for column in _COLUMNS
        if any(getattr(window, column.figure) is not None for window in medians.values())
    ]
    rows = [("scenario", "class", "broker", *(column.heading for column in columns), "ratio")]
    for result in results:
        for name in result.windows:
            window = medians[result.scenario.name, name]
            cells = [_cell(getattr(window, column.figure), column.decimals) for column in columns]
            rows.append(_row(result, name, cells))
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    rule = tuple(
        "-" * (width - 1) + ":" if index > 2 else "-" * width for index, width in enumerate(widths)
    )
    aligned = [_aligned(row, widths) for row in (rows[0], rule, *rows[1:])]
    notes = [
        f"{result.scenario.name}: {name} failed: {text}"
        for result in results
        for name, text in result.errors.items()
    ]
    if any((window.elsewhere_cores or 0) > ELSEWHERE_CORES_QUIET for window in medians.values()):
        notes.append(SHARED_MACHINE)
    return "\n".join([*aligned, *notes])


def line(result: Result) -> str:
    """Render one scenario's headline as a line, which is printed while others run."""
    figure = headline(result.scenario).figure
    parts = [
        f"{name} failed" if name in result.errors else f"{name} {_cell(value, 1)}"
        for name, windows in result.windows.items()
        for value in [getattr(median_of(windows), figure)]
    ]
    times = ratio(result)
    last = [] if times is None else [f"{times:.2f}x"]
    return "  ".join([f"{result.scenario.name:15}", f"{figure:17}", *parts, *last])


def _cell(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:,.{decimals}f}"


def _row(result: Result, name: str, cells: Sequence[str]) -> tuple[str, ...]:
    times = ratio(result) if name == HAREMQ else None
    scenario = result.scenario
    last = "" if times is None else f"{times:.2f}x"
    return (scenario.title, str(result.class_of(name)), name, *cells, last)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """Pad the cells: words to the left, numbers to the right."""
    cells = [
        cell.rjust(width) if index > 2 else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return f"| {' | '.join(cells)} |"


def as_json(results: Sequence[Result], machine: Mapping[str, object]) -> str:
    """Render every window, so that another run can be compared with this one.

    Args:
        results: of one run.
        machine: the things beside the brokers on which the figures depend.
    """
    rows = [
        {
            "scenario": result.scenario.name,
            "durability": {name: str(result.class_of(name)) for name in result.windows},
            "headline": headline(result.scenario).figure,
            "ratio": ratio(result),
            "windows": {
                name: [asdict(window) for window in windows]
                for name, windows in result.windows.items()
            },
            "errors": dict(result.errors),
        }
        for result in results
    ]
    return json.dumps({"machine": dict(machine), "results": rows}, indent=2)
