"""Run the fault suite: ``python -m tests.jepsen --brokers haremq --episodes 100 --seed 1``.

Each episode has load, a fault, recovery, the queues drained, and the checkers. The table comes last;
the exit status is 1 if anything was wrong. ``--only N`` plays one episode of a seed again.
"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Protocol

from load_generator.verifying.client import Pace
from load_generator.verifying.cluster import Cluster
from load_generator.verifying.run import Run, deal, kinds_for
from load_generator.verifying.table import table
from load_generator.verifying.workload import Shape
from tests.jepsen import rabbitmq_nodes
from tests.jepsen.haremq_nodes import SingleNode
from tests.jepsen.namespaces import MissingError
from tests.jepsen.rabbitmq_nodes import RabbitNodes

SINGLE = "haremq-single"
RABBITMQ = {f"rabbitmq-{kind}": kind for kind in rabbitmq_nodes.KINDS}
MISSING_STATUS = 77


class Launched(Cluster, Protocol):
    """A cluster that this program starts and ends."""

    def launch(self) -> None:
        """Start it, and wait until it serves."""

    def close(self) -> None:
        """End it."""


def cluster_of(brokers: str, node_count: int, folder: Path) -> Launched:
    """Return a cluster that is not started."""
    if brokers == SINGLE:
        return SingleNode(folder)
    return RabbitNodes(folder, node_count, RABBITMQ[brokers])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.jepsen", description=__doc__)
    parser.add_argument("--brokers", choices=[SINGLE, *RABBITMQ], default=SINGLE)
    parser.add_argument("--nodes", type=int, choices=[3, 5], default=3)
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="play this episode alone")
    parser.add_argument("--first", type=int, default=0, help="begin with this episode")
    parser.add_argument("--kinds", default="", help="faults, with commas between; all")
    parser.add_argument("--short", action="store_true", help="no faults that take long")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no episode after these")
    parser.add_argument("--queues", type=int, default=3)
    parser.add_argument("--rate", type=int, default=300, help="publishes/s of each publisher")
    parser.add_argument("--histories", type=Path, help="folder for histories of what was wrong")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="haremq-jepsen-") as folder:
        try:
            cluster = cluster_of(given.brokers, given.nodes, Path(folder))
        except MissingError as error:
            print(f"SKIPPED: {error}", flush=True)
            return MISSING_STATUS
        try:
            cluster.launch()
            return play(cluster, given)
        finally:
            cluster.close()


def play(cluster: Cluster, given: argparse.Namespace) -> int:
    """Run the episodes; return the exit status."""
    kinds = kinds_for(cluster, given.kinds.split(",") if given.kinds else (), is_short=given.short)
    queues = tuple(f"verify-{number}" for number in range(1, given.queues + 1))
    shape = Shape(queues, pace=Pace(rate_per_s=given.rate))
    run = Run(cluster, shape, given.seed, lambda text: print(text, flush=True), given.histories)
    run.declare()
    last = given.first + given.episodes
    numbers = [given.only] if given.only is not None else range(given.first, last)
    began_s = time.monotonic()
    try:
        for number in numbers:
            if time.monotonic() - began_s > given.seconds:
                break
            run.episode(number, deal(kinds, given.seed, number))
    except TimeoutError as error:
        print(f"the cluster is broken: {error}", flush=True)
        print(table(run.outcomes), flush=True)
        return 1
    print(table(run.outcomes), flush=True)
    return 0 if all(outcome.is_good for outcome in run.outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
