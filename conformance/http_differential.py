"""The same calls to RabbitMQ's HTTP API and to HareMQ's: what differs, and why.

    python -m conformance.http_differential --rabbitmq 15699 --haremq 15700

Both listen for AMQP 10000 below that, and for the stream protocol 1 above AMQP.

Whatever differs has a row in ``http_differences.yaml`` with its reason, or is an error.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from conformance.http_broker import Broker
from conformance.http_calls import shovels, streams
from conformance.http_calls.call import Call
from conformance.http_calls.script import ALL, REMOVAL, RESETS, REST, SCENE
from conformance.http_compare import differences
from conformance.http_routes import described_by, newer, route_of

DIFFERENCES: Final = Path(__file__).with_name("http_differences.yaml")


class Row(NamedTuple):
    """A difference that there is on purpose, or for a reason.

    Attributes:
        call: pattern for the call.
        difference: pattern for what differs.
        reason: why.
    """

    call: re.Pattern[str]
    difference: re.Pattern[str]
    reason: str


class Found(NamedTuple):
    """A difference that was found; without a reason it is an error."""

    call: Call
    difference: str
    reason: str | None


def load_rows() -> list[Row]:
    """Return the rows of the table."""
    raw = yaml.safe_load(DIFFERENCES.read_text(encoding="utf-8"))
    return [
        Row(re.compile(row["call"]), re.compile(row["difference"]), row["reason"]) for row in raw
    ]


def compared(
    rabbitmq: Broker, haremq: Broker, calls: Iterable[Call]
) -> Iterator[tuple[Call, list[str]]]:
    """Make the calls to both; yield each with what differs."""
    for call in calls:
        yield call, differences(rabbitmq.ask(call), haremq.ask(call))


def explained(answers: Iterable[tuple[Call, list[str]]], rows: Sequence[Row]) -> Iterator[Found]:
    """Yield each difference with its reason."""
    for call, lines in answers:
        for line in lines:
            fits = [
                row for row in rows if row.call.search(str(call)) and row.difference.search(line)
            ]
            yield Found(call, line, fits[0].reason if fits else None)


def run(rabbitmq_port: int, haremq_port: int) -> list[Found]:
    """Make all calls; return what differs."""
    rows = load_rows()
    with Broker(rabbitmq_port) as rabbitmq, Broker(haremq_port) as haremq:
        both = (rabbitmq, haremq)

        def found(*calls: Call) -> list[Found]:
            return list(explained(compared(rabbitmq, haremq, calls), rows))

        for call in REMOVAL:
            for broker in both:
                broker.ask(call)
        differing = found(*SCENE)
        _each(both, Broker.connect, Broker.await_client)
        differing += found(*REST, *streams.SCENE)
        _each(both, Broker.connect_stream, Broker.await_stream_client)
        differing += found(*streams.CALLS, *shovels.SCENE)
        _each(both, Broker.await_shovel)
        differing += found(*shovels.CALLS)
        _each(both, Broker.await_shovel)
        differing += found(*shovels.END, *RESETS, *REMOVAL)
    return differing


def _each(brokers: Iterable[Broker], *steps: Callable[[Broker], None]) -> None:
    for step in steps:
        for broker in brokers:
            step(broker)


def table(routes: Sequence[str], found: Sequence[Found]) -> Iterator[str]:
    """Yield a line for each route: its calls, how many are alike, and why the others are not."""
    calls = Counter(route_of(call, routes) for call in ALL)
    for route in routes:
        if not calls[route]:
            yield f"{route}: {newer().get(route, 'our own')}"
            continue
        here = [each for each in found if route_of(each.call, [route])]
        here = [each for each in here if route_of(each.call, routes) == route]
        other_count = len({str(each.call) for each in here})
        reasons = "; ".join(sorted({str(each.reason) for each in here}))
        yield f"{route}: {calls[route]} calls, {calls[route] - other_count} alike. {reasons}"


def main() -> int:
    """Print what differs; 1 where something does without a reason."""
    parser = argparse.ArgumentParser(description="Compare the HTTP APIs of two brokers.")
    parser.add_argument("--rabbitmq", type=int, required=True, help="its HTTP port")
    parser.add_argument("--haremq", type=int, required=True, help="its HTTP port")
    parser.add_argument("--table", action="store_true", help="print a line for each route")
    arguments = parser.parse_args()
    found = run(arguments.rabbitmq, arguments.haremq)
    if arguments.table:
        with Broker(arguments.haremq) as haremq:
            print("\n".join(table(described_by(haremq), found)))
    errors = [each for each in found if each.reason is None]
    for each in errors:
        print(f"{each.call}\n    {each.difference}")
    for reason, number in Counter(each.reason for each in found if each.reason).most_common():
        print(f"{number:5}  {reason}")
    different = len({str(each.call) for each in found})
    print(
        f"{len(ALL)} calls, {different} answered otherwise, "
        f"{len(errors)} differences without a reason"
    )
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
