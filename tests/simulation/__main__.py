"""Run the simulation of a cluster: ``python -m tests.simulation --seeds 2000``.

A seed that breaks a promise is shrunk and printed, with the command that plays it again.
"""

import argparse
import logging
import sys
import time

from cluster.replication.timers import Timers
from tests.simulation.explore import RIGHT, TIMERS, WITH_FRONTS, Planted, Run, run, shrink
from tests.simulation.mistakes import MISTAKES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3_600, help="stop after this long")
    parser.add_argument("--mistake", choices=sorted(MISTAKES), help="plant a mistake")
    parser.add_argument("--mistakes", action="store_true", help="look for every mistake in turn")
    parser.add_argument("--timers", action="store_true", help="the cores decide at ticks, too")
    parser.add_argument("--fronts", action="store_true", help="front ends publish, too")
    given = parser.parse_args()
    # What nodes say of disks that are nearly full would hide what is found.
    logging.disable(logging.WARNING)
    if given.mistakes:
        return look_for_mistakes(given.first, given.seeds, given.seconds)
    right = WITH_FRONTS if given.fronts else RIGHT
    planted = MISTAKES[given.mistake] if given.mistake else right
    timers = TIMERS if given.timers else None
    began, events, confirmed, done = time.monotonic(), 0, 0, 0
    for seed in range(given.first, given.first + given.seeds):
        made = run(seed, planted, timers)
        events, confirmed, done = events + len(made.events), confirmed + made.confirmed, done + 1
        if made.broken is not None:
            show(made, planted, given.mistake, timers)
            return 1
        if time.monotonic() - began > given.seconds:
            break
    took = time.monotonic() - began
    print(f"{done} seeds, {events} events, {confirmed} records confirmed, {took:.0f} s: all kept")
    return 0


def show(made: Run, planted: Planted, mistake: str | None, timers: Timers | None) -> None:
    print(f"seed {made.seed}: {made.broken}")
    for event in shrink(made, planted, timers):
        print("   ", *event)
    planting = f" --mistake {mistake}" if mistake else ""
    planting += " --fronts" if planted.fronts and not mistake else ""
    planting += " --timers" if timers else ""
    print(f"play it again: python -m tests.simulation --first {made.seed} --seeds 1{planting}")


def look_for_mistakes(first: int, seeds: int, seconds: float) -> int:
    missed = 0
    for name, planted in MISTAKES.items():
        began, made = time.monotonic(), run(first, planted)
        for seed in range(first, first + seeds):
            made = run(seed, planted)
            if made.broken is not None or time.monotonic() - began > seconds:
                break
        took = time.monotonic() - began
        missed += made.broken is None
        found = f"NOT FOUND up to seed {made.seed}" if made.broken is None else f"seed {made.seed}"
        print(f"{name:24} {found:12} {took:5.1f} s  {(made.broken or '')[:70]}", flush=True)
    print(f"{len(MISTAKES) - missed} of {len(MISTAKES)} mistakes found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
