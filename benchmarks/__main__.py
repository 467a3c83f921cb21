"""``python -m benchmarks``: every scenario against HareMQ and RabbitMQ, in turn."""

import argparse
import os
import platform
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import brokers, report
from benchmarks.brokers import HAREMQ, RABBITMQ, RELAY, Broker
from benchmarks.measure import measure
from benchmarks.report import Result
from benchmarks.restart import compare_restarts
from benchmarks.scenarios import (
    RESTARTS,
    SCENARIOS,
    Durability,
    Flow,
    IdleConnections,
    Restart,
    Running,
    Scenario,
    chosen,
    is_tls,
)
from benchmarks.stream_scenarios import STREAM_SCENARIOS, OfStreams, RestartStreams
from benchmarks.window import Window
from load_generator.wire import LoadError


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return the exit status: 0 unless something could not run."""
    options = _parser().parse_args(arguments)
    if options.list:
        for scenario in (*SCENARIOS, *STREAM_SCENARIOS, *RESTARTS):
            print(f"{scenario.name:15} {scenario.title}")
        return 0
    # SIGTERM, too, must end the brokers that were started here.
    signal.signal(signal.SIGTERM, _interrupt)
    results: list[Result] = []
    try:
        for result in _results(options):
            results.append(result)
            print(report.line(result), flush=True)
    except LoadError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benchmarks: interrupted; what was measured until then:", file=sys.stderr)
    if results:
        print(f"\n{report.table(results)}")
    if options.json:
        options.json.write_text(report.as_json(results, _machine(options)) + "\n")
    return 1 if any(result.errors for result in results) else 0


def _results(options: argparse.Namespace) -> Iterator[Result]:
    """Measure one scenario after the other; each broker runs only while it is needed."""
    durability = Durability(options.durability)
    running = [each for each in options.scenario if not isinstance(each, Restart | RestartStreams)]
    with ExitStack() as stack:
        compared = [
            _open(stack, name, uri, durability)
            for name, uri in (
                (HAREMQ, options.haremq_uri),
                (RABBITMQ, options.rabbitmq_uri),
                (RELAY, None),
            )
            if name.lower() in options.brokers and running
        ]
        for scenario in running:
            yield _compare(scenario, compared, options.windows, options.seconds)
    names = [name for name in (HAREMQ, RABBITMQ) if name.lower() in options.brokers]
    for scenario in options.scenario:
        if isinstance(scenario, Restart | RestartStreams):
            yield compare_restarts(scenario, names, durability, options.windows)


def _interrupt(_signal_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--scenario",
        type=_scenarios,
        default=SCENARIOS,
        help="comma-separated names; all but streams and restarts",
    )
    parser.add_argument("--seconds", type=_positive_s, default=5.0, help="of one window; 5")
    parser.add_argument("--windows", type=_count, default=3, help="of each broker; 3")
    parser.add_argument("--haremq-uri", help="a HareMQ that runs already; else one is started")
    parser.add_argument("--rabbitmq-uri", help="a RabbitMQ that runs already; else one is started")
    parser.add_argument(
        "--brokers",
        type=_broker_names,
        default=(HAREMQ.lower(), RABBITMQ.lower()),
        help="of haremq, rabbitmq and relay, with commas; the relay only copies; haremq,rabbitmq",
    )
    parser.add_argument(
        "--class",
        dest="durability",
        choices=("fsync", "os"),
        default="fsync",
        help="of HareMQ's persistent messages: fsync, or os as RabbitMQ's; fsync",
    )
    parser.add_argument("--json", type=Path, help="write every window to this file")
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    return parser


def _scenarios(text: str) -> tuple[Scenario, ...]:
    try:
        return chosen(text)
    except KeyError as error:
        raise argparse.ArgumentTypeError(f"no scenario {error}; see --list") from error


def _broker_names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= {name.lower() for name in (HAREMQ, RABBITMQ, RELAY)}:
        raise argparse.ArgumentTypeError("haremq, rabbitmq, relay, or some with commas")
    return names


def _positive_s(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 300:
        raise argparse.ArgumentTypeError("from above 0 to 300 seconds")
    return seconds


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 100:
        raise argparse.ArgumentTypeError("from 1 to 100")
    return count


def _open(stack: ExitStack, name: str, uri: str | None, durability: Durability) -> Broker:
    if uri:
        return brokers.at(name, uri, durability)
    return stack.enter_context(brokers.started(name, durability))


def _compare(
    scenario: Running, compared: Sequence[Broker], window_count: int, seconds: float
) -> Result:
    """Run the windows in turn, so that other work on the machine affects both brokers."""
    if is_tls(scenario):  # the relay has none, nor has one that was given by its URI
        compared = [broker for broker in compared if broker.tls_endpoint is not None]
    if isinstance(scenario, OfStreams):
        compared = [broker for broker in compared if broker.stream_endpoint is not None]
    windows: dict[str, list[Window]] = {broker.name: [] for broker in compared}
    errors: dict[str, str] = {}
    # A broker keeps the memory that connections took, so a second window would see no growth.
    for _ in range(1 if isinstance(scenario, IdleConnections) else window_count):
        for broker in compared:
            if broker.name in errors:
                continue
            try:
                windows[broker.name].append(measure(scenario, broker, seconds))
            except (LoadError, OSError) as error:
                errors[broker.name] = str(error)
    classes = {broker.name: class_of(scenario, broker) for broker in compared}
    return Result(scenario, windows, errors, classes)


def class_of(scenario: Running, broker: Broker) -> Durability:
    """Return the durability class of this broker's messages in this scenario."""
    is_persistent = isinstance(scenario, OfStreams) or (
        isinstance(scenario, Flow) and scenario.is_persistent
    )
    return broker.durability if is_persistent else Durability.TRANSIENT


def _machine(options: argparse.Namespace) -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "seconds": options.seconds,
        "windows": options.windows,
    }


if __name__ == "__main__":
    sys.exit(main())
