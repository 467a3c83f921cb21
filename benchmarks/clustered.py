"""What a cluster on this machine carries, and its CPU time for a message on each node.

    python -m benchmarks.clustered mirrored        queues of three replicas, 1 KiB, confirmed
    python -m benchmarks.clustered rabbitmq        the same of RabbitMQ's quorum queues
    python -m benchmarks.clustered hop             a queue that is led here, and one led elsewhere
    python -m benchmarks.clustered cores           start --nodes 1 and 2, and a model for more
    python -m benchmarks.clustered --seconds 5 --rounds 3 mirrored hop

Each group has nodes of its own, which end with it. The rows of a round follow each other, so a
machine that others use too slows all of them. The CPU time of a message is hardly changed by that:
it is of a node with its threads, system calls included, over what was published.

Where publisher and consumer are is in the row: ``lead`` is the node that leads the queue, ``other``
is another one, ``any`` is whichever the kernel chooses for the shared port.
"""

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.brokers import free_port
from benchmarks.hop_model import ALONE, CORES, Costs, table
from conformance.rabbitmq import RabbitMQ
from load_generator import processes
from load_generator.load import Topology
from load_generator.session import Endpoint
from load_generator.topology import declared
from load_generator.wire import LoadError

START_TIMEOUT_S: Final = 60.0
END_TIMEOUT_S: Final = 60.0
NODES: Final = 3
QUEUE: Final = "benchmark"
GUEST: Final = ("guest", "guest", "/")
NODE_ROW: Final = re.compile(
    r"^haremq-\d+\S*\s+(\d+)\s+amqp://[\d.]+:(\d+)| pid=(\d+) listeners=amqp://[\d.]+:(\d+)",
    re.MULTILINE,
)
"""A row of the table of several nodes; the last line of the start of a single one."""
ACKED: Final = ("-q", "1000", "--ack", "multi:100")
CONFIRMED: Final = ("-s", "1024", "--persistent", "-c", "2000")


@dataclass(frozen=True, slots=True)
class Row:
    """A load on one queue.

    Attributes:
        name: of the row.
        publisher, consumer: where they are, an index of a node; None is without a consumer.
        options: of ``haremq perf``.
        is_mirrored: the queue has replicas; else it is transient.
    """

    name: str
    publisher: int
    consumer: int | None
    options: tuple[str, ...] = ()
    is_mirrored: bool = False


MIRRORED: Final = (
    Row("x3, lead, no consumer", 0, None, CONFIRMED, is_mirrored=True),
    Row("x3, other, no consumer", 1, None, CONFIRMED, is_mirrored=True),
    Row("x3, lead, consumer at lead", 0, 0, (*CONFIRMED, *ACKED), is_mirrored=True),
    Row("x3, other, consumer at other", 1, 1, (*CONFIRMED, *ACKED), is_mirrored=True),
)
HOP: Final = (
    Row("12 B, lead, no consumer", 0, None),
    Row("12 B, other, no consumer", 1, None),
    Row("12 B, lead, consumer at lead", 0, 0),
    Row("12 B, other, consumer at lead", 1, 0),
    Row("12 B, other, consumer at other", 1, 1),
)


@dataclass(frozen=True, slots=True)
class Node:
    """A node that runs: its process, and where clients find it."""

    pid: int
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Figures:
    """What a load came to.

    Attributes:
        per_second: messages that were confirmed, where they are; else published.
        node_us: CPU time of each node for a message, in us.
    """

    per_second: float
    node_us: tuple[float, ...]


def nodes_in(text: str) -> list[Node]:
    """Return the nodes in what ``dev-cluster`` and ``start`` print."""
    return [
        Node(int(row[1] or row[3]), Endpoint("127.0.0.1", int(row[2] or row[4]), *GUEST))
        for row in NODE_ROW.finditer(text)
    ]


@contextmanager
def running(command: Sequence[str], count: int) -> Iterator[list[Node]]:
    """Run a command that starts nodes, until the block ends.

    Raises:
        LoadError: they do not come up.
    """
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, process_group=0)
        try:
            yield _come_up(process, output.fileno(), count)
        finally:
            process.terminate()
            try:
                process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _come_up(process: subprocess.Popen[bytes], output: int, count: int) -> list[Node]:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        nodes = nodes_in(Path(f"/proc/self/fd/{output}").read_text())
        if len(nodes) == count:
            return nodes
        time.sleep(0.1)
    text = Path(f"/proc/self/fd/{output}").read_text()
    raise LoadError(f"{count} nodes do not come up: {text.strip()}")


def haremq(*arguments: str) -> list[str]:
    """Return a command of this checkout."""
    return [sys.executable, "-m", "amqp_server", *arguments]


def perf(node: Node, seconds: float, *options: str) -> list[str]:
    """Return the command of a load that prints JSON."""
    uri = f"amqp://guest:guest@127.0.0.1:{node.endpoint.port}/"
    times = ("--time", str(seconds), "--warm-up", "0")
    return haremq("perf", "--uri", uri, *times, "--quiet", "--json", "-", *options)


def measured(nodes: Sequence[Node], row: Row, seconds: float) -> Figures:
    """Return the figures of a row, on a queue that the first node has and that goes after it."""
    arguments: Mapping[str, str] = {"x-queue-type": "quorum"} if row.is_mirrored else {}
    topology = Topology((QUEUE,), queue_arguments=arguments, durable=row.is_mirrored)
    apart = row.consumer is not None and row.consumer != row.publisher
    with declared(topology, nodes[0].endpoint), ExitStack() as stack:
        options = ["-u", QUEUE, *row.options]
        if apart:
            assert row.consumer is not None
            command = perf(nodes[row.consumer], seconds + 2, "-x", "0", "-y", "1", *options)
            stack.enter_context(_beside(command))
        consumers = "1" if row.consumer == row.publisher else "0"
        return loaded(nodes, perf(nodes[row.publisher], seconds, "-y", consumers, *options))


def loaded(nodes: Sequence[Node], command: Sequence[str]) -> Figures:
    """Run a load, and return its figures.

    Raises:
        LoadError: it came to nothing.
    """
    before = [processes.cpu_s(node.pid) or 0.0 for node in nodes]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    after = [processes.cpu_s(node.pid) or 0.0 for node in nodes]
    if done.returncode:
        raise LoadError(f"{' '.join(command)}: {done.stderr.strip()}")
    found = json.loads(done.stdout)
    count = found["counts"]["published"]
    rate = found["per_second"].get("confirmed") or found["per_second"]["published"]
    spent = [end - begin for begin, end in zip(before, after, strict=True)]
    return Figures(rate, tuple(each * 1e6 / count for each in spent))


@contextmanager
def _beside(command: Sequence[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1.0)
        yield
    finally:
        process.terminate()
        process.wait()


def measure_rows(rows: Sequence[Row], seconds: float, rounds: int) -> dict[str, list[Figures]]:
    """Measure rows on a cluster of three nodes, in turn."""
    with tempfile.TemporaryDirectory(prefix="haremq-benchmark-") as folder:
        options = ("--nodes", str(NODES), "--dir", f"{folder}/c", "--port", str(free_port()))
        with running(haremq("dev-cluster", *options), NODES) as nodes:
            return _in_turn(nodes, rows, seconds, rounds)


def _in_turn(
    nodes: Sequence[Node], rows: Sequence[Row], seconds: float, rounds: int
) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {row.name: [] for row in rows}
    for _ in range(rounds):
        for row in rows:
            found[row.name].append(measured(nodes, row, seconds))
    return found


def measure_rabbitmq(seconds: float, rounds: int) -> dict[str, list[Figures]]:
    """Measure the rows of ``MIRRORED`` on three nodes of RabbitMQ, with quorum queues.

    Raises:
        FileNotFoundError: Debian's rabbitmq-server is not installed.
        LoadError: the nodes do not join.
    """
    with rabbitmq_running(NODES) as nodes:
        return _in_turn(nodes, MIRRORED, seconds, rounds)


@contextmanager
def rabbitmq_running(count: int) -> Iterator[list[Node]]:
    """Run nodes of RabbitMQ in one cluster on loopback, until the block ends."""
    with ExitStack() as stack:
        brokers: list[RabbitMQ] = []
        for _ in range(count):
            broker = RabbitMQ(free_port(), cookie="benchmark")
            brokers.append(stack.enter_context(broker))
            if broker is not brokers[0]:
                for words in (
                    ("stop_app",),
                    ("join_cluster", brokers[0].node_name),
                    ("start_app",),
                ):
                    _told(broker, *words)
        yield [
            Node(
                processes.listener_pid(broker.port) or 0,
                Endpoint("127.0.0.1", broker.port, *GUEST),
            )
            for broker in brokers
        ]


def _told(broker: RabbitMQ, *words: str) -> None:
    done = broker.tool("rabbitmqctl", *words)
    if done.returncode:
        raise LoadError(f"rabbitmqctl {' '.join(words)}: {done.stderr.strip()}")


def measure_cores(seconds: float, rounds: int) -> dict[str, list[Figures]]:
    """Measure nodes that share a port: four publishers and consumers of four transient queues."""
    found: dict[str, list[Figures]] = {}
    load = ("-x", "4", "-y", "4", "--queues", "4")
    for count in (1, 2):
        with tempfile.TemporaryDirectory(prefix="haremq-benchmark-") as folder:
            settings = Path(folder) / "haremq.yaml"
            settings.write_text(
                f"broker: {{data_dir: {folder}/n}}\n"
                f"net: {{listeners: [{{address: 127.0.0.1, port: {free_port()}}}]}}\n"
                f"management: {{listeners: [], metrics_listeners: []}}\n"
            )
            command = haremq("start", "--config", str(settings), "--nodes", str(count))
            with running(command, count) as nodes:
                name = f"12 B, any, {count} node{'s' * (count > 1)} on one port"
                found[name] = [loaded(nodes, perf(nodes[0], seconds, *load)) for _ in range(rounds)]
    return found


def shown(found: Mapping[str, Sequence[Figures]]) -> list[str]:
    """Return a table of medians, with the rates beside the first row's."""
    lines = ["row                              messages/s  of the first  CPU us on each node"]
    first = 0.0
    for name, figures in found.items():
        rate = median(each.per_second for each in figures)
        first = first or rate
        nodes = zip(*[each.node_us for each in figures], strict=True)
        spent = "  ".join(f"{median(each):6.3f}" for each in nodes)
        lines.append(f"{name:32}  {rate:10,.0f}  {rate / first:12.2f}  {spent}")
    return lines


def costs(found: Mapping[str, Sequence[Figures]]) -> Costs:
    """Return what a message costs on one node, and each hop, as the rows of ``HOP`` show it."""
    _, _, both, publishing, away = [
        median(sum(each.node_us) for each in found[row.name]) for row in HOP
    ]
    return Costs(both, max(publishing - both, 0.0), max(away - publishing, 0.0))


def main() -> None:
    """Measure the groups that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="+", choices=("mirrored", "rabbitmq", "hop", "cores"))
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3, help="of each group")
    wanted = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        if "mirrored" in wanted.groups:
            _print(shown(measure_rows(MIRRORED, wanted.seconds, wanted.rounds)))
        if "rabbitmq" in wanted.groups:
            _print(shown(measure_rabbitmq(wanted.seconds, wanted.rounds)))
        if "cores" in wanted.groups:
            _print(shown(measure_cores(wanted.seconds, wanted.rounds)))
        if "hop" in wanted.groups or "cores" in wanted.groups:
            found = measure_rows(HOP, wanted.seconds, wanted.rounds)
            _print([*shown(found), "", *table(costs(found), (ALONE, *CORES))])


def _print(lines: Sequence[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
