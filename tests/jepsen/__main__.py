"""Run the fault suite: ``python -m tests.jepsen --brokers haremq --episodes 100 --seed 1``.

Each episode has load, a fault, recovery, the queues drained, and the checkers. The table comes
last; the exit status is 1 if anything was wrong. ``--only N`` plays one episode of a seed again.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from load_generator.verifying.client import Pace
from load_generator.verifying.cluster import Cluster
from load_generator.verifying.faults import HOLD_MS
from load_generator.verifying.loopback import Loopback
from load_generator.verifying.run import Run, deal, kinds_for
from load_generator.verifying.table import tables
from load_generator.verifying.workload import Shape
from load_generator.wire import FieldValue
from tests.jepsen import rabbitmq_nodes
from tests.jepsen.haremq_nodes import ClusterNodes, HareNodes, NoClusterError
from tests.jepsen.machines import MakeNetwork
from tests.jepsen.namespaces import MissingError, Network, why_missing
from tests.jepsen.rabbitmq_nodes import RabbitNodes

CLUSTER = "haremq"
SINGLE = "haremq-single"
RABBITMQ = {f"rabbitmq-{kind}": kind for kind in rabbitmq_nodes.KINDS}
MISSING_STATUS = 77
COMPLAINTS_SHOWN = 20
SHORT_HOLD_MS = (4_500, 6_000)


class Launched(Cluster, Protocol):
    """A cluster that this program starts and ends.

    Attributes:
        queue_arguments: with which its queues are declared.
    """

    queue_arguments: Mapping[str, FieldValue]

    def launch(self) -> None:
        """Start it, and wait until it serves."""

    def complaints(self) -> list[str]:
        """Return what its nodes have written of errors and exceptions."""

    def keep_logs(self, folder: Path) -> None:
        """Copy the logs of all to a folder."""

    def close(self) -> None:
        """End it."""


def cluster_of(given: argparse.Namespace, folder: Path) -> Launched:
    """Return a cluster that is not started, of the options that ``add_options`` has added."""
    brokers, node_count = given.brokers, given.nodes
    if brokers in RABBITMQ:
        return RabbitNodes(folder, node_count, RABBITMQ[brokers])
    network = Loopback if given.loopback else network_here()
    if brokers == SINGLE:
        return HareNodes(folder, 1, network=network)
    return ClusterNodes(folder, node_count, given.stores, network)


def network_here() -> MakeNetwork:
    """Return namespaces; where there are none, loopback addresses, and say so."""
    reason = why_missing()
    if reason is None:
        return Network
    print(f"{reason}: loopback addresses with relays instead", flush=True)
    return Loopback


def span_ms(text: str) -> tuple[int, int]:
    """Read two numbers of seconds with a dash between them."""
    low, _, high = text.partition("-")
    return int(low) * 1_000, int(high or low) * 1_000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what says which cluster is put to the test."""
    parser.add_argument("--brokers", choices=[CLUSTER, SINGLE, *RABBITMQ], default=CLUSTER)
    parser.add_argument("--nodes", type=int, choices=[3, 5], default=3)
    parser.add_argument("--stores", type=int, choices=[1, 3], default=3, help="members of etcd")
    parser.add_argument("--loopback", action="store_true", help="relays instead of namespaces")


def main(words: Sequence[str] | None = None) -> int:
    """Run the suite; words of the command line, None: those of this program."""
    parser = argparse.ArgumentParser(prog="python -m tests.jepsen", description=__doc__)
    add_options(parser)
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="play this episode alone")
    parser.add_argument("--first", type=int, default=0, help="begin with this episode")
    parser.add_argument("--kinds", default="", help="faults, with commas between; all")
    parser.add_argument("--short", action="store_true", help="no faults that take long")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no episode after these")
    parser.add_argument("--queues", type=int, default=3)
    parser.add_argument("--streams", type=int, help="1 of HareMQ, 0 of others")
    parser.add_argument("--rate", type=int, default=300, help="publishes/s of each publisher")
    parser.add_argument("--hold", type=span_ms, help="seconds that partitions hold, as in 6-15")
    parser.add_argument("--histories", type=Path, help="folder for what was wrong: histories, logs")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="haremq-jepsen-") as folder:
        try:
            cluster = cluster_of(given, Path(folder))
        except MissingError as error:
            print(f"SKIPPED: {error}", flush=True)
            return MISSING_STATUS
        try:
            cluster.launch()
            return played_and_read(cluster, given)
        except NoClusterError as error:
            print(f"SKIPPED: this HareMQ starts no cluster: {error}", flush=True)
            return MISSING_STATUS
        finally:
            cluster.close()


def played_and_read(cluster: Launched, given: argparse.Namespace) -> int:
    """Run the episodes and read what the nodes have logged; return the exit status."""
    status = play(cluster, given)
    complaints = cluster.complaints()
    if complaints:
        status = 1
        print("nodes complain:", *complaints[:COMPLAINTS_SHOWN], sep="\n", flush=True)
    if status and given.histories is not None:
        cluster.keep_logs(given.histories)
    return status


def play(cluster: Cluster, given: argparse.Namespace) -> int:
    """Run the episodes; return the exit status."""
    kinds = kinds_for(cluster, given.kinds.split(",") if given.kinds else (), is_short=given.short)
    queues = tuple(f"verify-{number}" for number in range(1, given.queues + 1))
    stream_count = given.streams
    if stream_count is None:
        stream_count = 0 if given.brokers in RABBITMQ else 1
    streams = tuple(f"verify-stream-{number}" for number in range(1, stream_count + 1))
    hold_ms = given.hold or (SHORT_HOLD_MS if given.short else HOLD_MS)
    shape = Shape(queues, streams, pace=Pace(rate_per_s=given.rate), hold_ms=hold_ms)
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
        print(tables(run.outcomes), flush=True)
        return 1
    print(tables(run.outcomes), flush=True)
    return 0 if all(outcome.is_good for outcome in run.outcomes) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
