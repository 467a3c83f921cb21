"""``python -m benchmarks.bystander``: how long one client waits while another one attacks.

Each attack has a broker of its own, which ends with it. One other client publishes one message to
itself over AMQP every 5 ms and waits for it. Another one publishes over the stream protocol and
waits for the confirm. The time of these round trips is measured, from the beginning of the attack
until the broker has carried it out.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Final

from benchmarks.brokers import HAREMQ, RABBITMQ
from benchmarks.bystander.attack import AnyAttack
from benchmarks.bystander.attacks import ATTACKS
from benchmarks.bystander.canary import Canary, RoundTrips
from benchmarks.bystander.hasty import TooLongError
from benchmarks.bystander.stream_client import streams_of
from benchmarks.killable import killable
from benchmarks.scenarios import Durability
from load_generator.wire import LoadError

AFTERMATH_S: Final = 1.0
"""The measurement goes on for this long, because the later work of an attack counts too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each attack and print its row; return 1 if something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bystander", description=__doc__)
    parser.add_argument("--attack", help="comma-separated names; all")
    parser.add_argument("--brokers", default="haremq,rabbitmq")
    parser.add_argument("--list", action="store_true", help="name the attacks and end")
    options = parser.parse_args(arguments)
    if options.list:
        for attack in ATTACKS:
            print(f"{attack.name:18} {attack.title}")
        return 0
    names = options.attack.split(",") if options.attack else [each.name for each in ATTACKS]
    brokers = [each for each in (HAREMQ, RABBITMQ) if each.lower() in options.brokers.split(",")]
    print("| attack | broker | took s |" + 2 * " trips | p50 ms | p99 ms | worst ms |")
    print("| --- | --- | --: |" + 8 * " --: |")
    failures = 0
    for attack in [each for each in ATTACKS if each.name in names]:
        for broker in brokers:
            try:
                print(_row(attack, broker), flush=True)
            except (LoadError, OSError) as error:
                failures += 1
                print(f"| {attack.title} | {broker} | {error} |" + 8 * " |", flush=True)
    return 1 if failures else 0


def _row(attack: AnyAttack, broker: str) -> str:
    with killable(broker, Durability.FSYNC, speaks_streams=True) as own:
        own.start()
        endpoint = own.broker().endpoint
        worst = attack.prepare(endpoint)
        try:
            canaries = [Canary(endpoint), Canary(streams_of(endpoint))]
            begin_s = time.monotonic()
            took = ""
            try:
                attack.strike(endpoint, worst)
            except TooLongError:
                took = "over "
            took += f"{time.monotonic() - begin_s:.1f}"
            time.sleep(AFTERMATH_S)
            cells = " | ".join([_cells(canary.stop()) for canary in canaries])
            return f"| {attack.title} | {broker} | {took} | {cells} |"
        finally:
            worst.cut_off()


def _cells(trips: RoundTrips) -> str:
    figures = (trips.p50_ms, trips.p99_ms, trips.worst_ms)
    return " | ".join([str(trips.trips_count), *(f"{each:.1f}" for each in figures)])


if __name__ == "__main__":
    sys.exit(main())
