"""Shows the results of a run to people and programs: progress lines, a table, warnings, JSON."""

import os
from collections.abc import Mapping, Sequence
from typing import Final

from load_generator.board import Totals
from load_generator.histogram import Latencies
from load_generator.run import Outcome, Plan, Sample

BUSY_CORES: Final = 0.9
"""If a generator process uses more of a core, the figures are the generator's, not the broker's."""
IDLE_CORES: Final = 0.5
"""If a broker uses less of a core, and no rate was asked for, it waited for something."""
QUIET_CORES: Final = 0.2
RATE_KEPT: Final = 0.98
DURABILITY_ARGUMENT: Final = "x-durability"
_PROMISE: Final = (
    "whether that is on disk, and when, is the broker's promise and cannot be seen from here"
)
_NS_PER_S: Final = 1_000_000_000
_US_PER_MS: Final = 1_000
_US_DECIMALS_BELOW: Final = 10_000


def durability(plan: Plan) -> str:
    """Return the line that says how safe the messages of a figure were."""
    confirms = plan.load.confirm_window
    if plan.load.streaming is not None:
        return f"stream: every message is confirmed; {_PROMISE}"
    if not plan.topology.durable:
        return "transient: messages of delivery-mode 1, queues that a restart takes away"
    mode = 2 if plan.persistent else 1
    name = "persistent" if plan.persistent else "durable"
    waits = "each confirmed" if confirms else "not confirmed"
    asked = plan.topology.queue_arguments.get(DURABILITY_ARGUMENT)
    queues = "durable queues" if asked is None else f"durable queues of class {asked}"
    return f"{name}: messages of delivery-mode {mode}, {queues}, {waits}; {_PROMISE}"


def progress(sample: Sample, plan: Plan) -> str:
    """Render the counts of about a second, without those that this run cannot have."""
    counts, load = sample.counts, plan.load
    rates = [("published", counts.published_count, bool(load.publisher_keys))]
    rates.append(("consumed", counts.consumed_count, bool(load.consumer_queues)))
    rates.append(("confirmed", counts.confirmed_count, bool(load.confirm_window)))
    parts = [
        f"{name} {count / sample.elapsed_s:,.0f}/s" for name, count, is_shown in rates if is_shown
    ]
    parts += [f"nacked {counts.nacked_count:,}"] if load.confirm_window else []
    parts += [f"returned {counts.returned_count:,}"] if load.mandatory else []
    if sample.latencies:
        p50, p99 = milliseconds(sample.latencies.p50_us), milliseconds(sample.latencies.p99_us)
        parts.append(f"latency p50 {p50} p99 {p99}")
    if counts.blocked_ns:
        parts.append(f"blocked {_blocked_share(counts, sample.elapsed_s, plan):.0%}")
    mark = "  (warm-up)" if sample.is_warm_up else ""
    return f"{sample.at_s:5.0f} s  {'  '.join(parts)}{mark}"


def _blocked_share(counts: Totals, elapsed_s: float, plan: Plan) -> float:
    """Return the share of the time for which the broker blocked a publisher, on average."""
    publishers_count = max(1, len(plan.load.publisher_keys))
    return min(1.0, counts.blocked_ns / _NS_PER_S / (elapsed_s * publishers_count))


def milliseconds(us: float) -> str:
    """Return microseconds as milliseconds, with a sensible number of decimals."""
    decimals = 3 if us < _US_DECIMALS_BELOW else 1
    return f"{us / _US_PER_MS:,.{decimals}f} ms"


def table(outcome: Outcome, plan: Plan) -> str:
    """Render the summary; counts and rates are those after the warm-up."""
    figures = outcome.figures
    rows: list[tuple[str, str, str]] = [("", "messages", "per second")]
    rows += [
        (name, f"{count:,}", f"{figures.per_s(count):,.0f}")
        for name, count in _counts(outcome, plan).items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{name:{widths[0]}}  {count:>{widths[1]}}  {rate:>{widths[2]}}".rstrip()
        for name, count, rate in rows
    ]
    lines += ["", f"{'time':10} {figures.elapsed_s:.2f} s{_interrupted(outcome)}"]
    if figures.counts.blocked_ns:
        share = _blocked_share(figures.counts, figures.elapsed_s, plan)
        lines.append(f"{'blocked':10} {share:.0%} of the time, by the broker's alarm")
    if figures.latencies:
        lines.append(f"{'latency':10} {_spread(figures.latencies)}")
    lines.append(f"{'cores':10} {_cores(outcome)}")
    lines.append(f"{'class':10} {durability(plan)}")
    lines += [f"{'warning':10} {text}" for text in warnings(outcome, plan)]
    return "\n".join(lines)


def _interrupted(outcome: Outcome) -> str:
    return ", interrupted" if outcome.is_interrupted else ""


def _counts(outcome: Outcome, plan: Plan) -> dict[str, int]:
    """Return the counts that this run could have, by name."""
    counts, load = outcome.figures.counts, plan.load
    shown = {
        "published": (counts.published_count, bool(load.publisher_keys)),
        "confirmed": (counts.confirmed_count, bool(load.confirm_window)),
        "nacked": (counts.nacked_count, bool(load.confirm_window)),
        "returned": (counts.returned_count, load.mandatory),
        "consumed": (counts.consumed_count, bool(load.consumer_queues)),
    }
    return {name: count for name, (count, is_shown) in shown.items() if is_shown}


def _spread(latencies: Latencies) -> str:
    named = (
        ("p50", latencies.p50_us),
        ("p75", latencies.p75_us),
        ("p95", latencies.p95_us),
        ("p99", latencies.p99_us),
        ("p99.9", latencies.p999_us),
        ("max", latencies.max_us),
    )
    return "  ".join(f"{name} {milliseconds(us)}" for name, us in named)


def _cores(outcome: Outcome) -> str:
    figures = outcome.figures
    named = [
        f"{name} {cores:.2f}"
        for name, cores in zip(outcome.worker_names, figures.generator_cores, strict=True)
    ]
    if figures.broker_cores is not None:
        named.append(f"broker {figures.broker_cores:.2f}")
    return "  ".join(named)


def warnings(outcome: Outcome, plan: Plan) -> list[str]:
    """Return the reasons why the figures may not show the broker's limit."""
    figures, load = outcome.figures, plan.load
    found = [
        f"{name} used {cores:.0%} of a core: this tool is the limit, not the broker; "
        "more --processes, or larger bodies, take it further"
        for name, cores in zip(outcome.worker_names, figures.generator_cores, strict=True)
        if cores > BUSY_CORES
    ]
    is_blocked = bool(figures.counts.blocked_ns)
    if is_blocked:
        found.append(
            "the broker blocked publishers (connection.blocked): it is short of memory or disk, as"
            " its log says; rates are those of its alarm"
        )
    is_limited = (
        is_blocked or bool(load.rate_per_s) or not load.publisher_keys or bool(plan.message_count)
    )
    if not is_limited and figures.broker_cores is not None and figures.broker_cores < IDLE_CORES:
        found.append(
            f"the broker was idle: it used {figures.broker_cores:.0%} of a core; the limit was "
            "this tool, the confirm window, the prefetch or the disk"
        )
    if (figures.elsewhere_cores or 0) > QUIET_CORES:
        found.append(
            f"the machine was shared: {figures.elsewhere_cores:.1f} of its {os.cpu_count()} cores "
            "worked for something else, so rates are too low"
        )
    published_per_s = figures.per_s(figures.counts.published_count)
    asked_per_s = load.rate_per_s * len(load.publisher_keys)
    if asked_per_s and not plan.message_count and published_per_s < RATE_KEPT * asked_per_s:
        found.append(f"published {published_per_s:,.0f}/s of the {asked_per_s:,.0f}/s asked for")
    if figures.stranger_count:
        found.append(
            f"{figures.stranger_count:,} bodies did not begin with an instant of this host's "
            "clock, and are in no percentile"
        )
    return found


def as_json(
    outcome: Outcome, plan: Plan, samples: Sequence[Sample], options: Mapping[str, object]
) -> dict[str, object]:
    """Return the run as plain values; ``options`` are those of the command line."""
    figures = outcome.figures
    counts = _counts(outcome, plan)
    return {
        "options": dict(options),
        "class": durability(plan),
        "seconds": figures.elapsed_s,
        "interrupted": outcome.is_interrupted,
        "counts": counts,
        "blocked_share": _blocked_share(figures.counts, figures.elapsed_s, plan),
        "per_second": {name: figures.per_s(count) for name, count in counts.items()},
        "latency_us": _latencies(figures.latencies),
        "generator_cores": dict(zip(outcome.worker_names, figures.generator_cores, strict=True)),
        "broker_cores": figures.broker_cores,
        "elsewhere_cores": figures.elsewhere_cores,
        "broker_rss_bytes": figures.broker_rss_bytes,
        "warnings": warnings(outcome, plan),
        "samples": [
            {
                "at_seconds": sample.at_s,
                "seconds": sample.elapsed_s,
                "warm_up": sample.is_warm_up,
                **sample.counts._asdict(),
                "latency_us": _latencies(sample.latencies),
            }
            for sample in samples
        ],
    }


def _latencies(latencies: Latencies | None) -> dict[str, float] | None:
    return None if latencies is None else latencies._asdict()
