"""RabbitMQ's Jepsen test of a queue: ``python -m tests.jepsen.queue_test --number 3 --seed 1``.

One queue on all nodes. Workers enqueue and dequeue, 50 operations a second in all, while links are
cut and healed in turn. Then 20 s without faults, and one worker drains the queue through all nodes.
``--all`` plays the fourteen configurations of RabbitMQ's own CI.

Source: rabbitmq/jepsen, rabbitmq.clj and ci/jepsen-test.sh.
"""

import argparse
import asyncio
import logging
import random
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from load_generator import wire
from load_generator.session import Session
from load_generator.verifying.cluster import Cluster
from load_generator.verifying.episode import carry_out, restore
from load_generator.verifying.faults import Scene, draw
from load_generator.verifying.history import Action, Kind, Notebook, Value
from load_generator.verifying.run import now_ms
from load_generator.wire import FieldValue, LoadError
from tests.jepsen.__main__ import MISSING_STATUS, add_options, cluster_of
from tests.jepsen.haremq_nodes import NoClusterError
from tests.jepsen.namespaces import MissingError
from tests.jepsen.queue_clients import QueueClient
from tests.jepsen.total_queue import TotalQueue, total_queue

QUEUE: Final = "jepsen.queue"
DEAD_LETTERS: Final = "jepsen.queue.dead.letter"
DEAD_LETTER_ARGUMENTS: Final[Mapping[str, FieldValue]] = {
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": DEAD_LETTERS,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-message-ttl": 1_000,
}
RATE_PER_S: Final = 50
RECOVERY_S: Final = 20.0
BEFORE_PARTITION_S: Final = 20.0
DRAIN_S: Final = 120.0
EMPTY_PASSES: Final = 3
PASS_S: Final = 2.0
HALVES: Final = "halves"


class Configuration(NamedTuple):
    """One of the ways in which the test is run."""

    partition: str
    duration_s: int
    consumers: str = "mixed"
    group_size: int = 0
    has_dead_letters: bool = False

    def text(self) -> str:
        """Say it in words."""
        rest = f" group of {self.group_size}" if self.group_size else ""
        dead = " dead letters" if self.has_dead_letters else ""
        return f"{self.partition} {self.duration_s} s {self.consumers}{rest}{dead}"


CONFIGURATIONS: Final = (
    Configuration("random-halves", 30),
    Configuration(HALVES, 30),
    Configuration("majorities-ring", 30),
    Configuration("random-node", 30),
    Configuration("random-halves", 10),
    Configuration("random-halves", 10, group_size=3),
    Configuration(HALVES, 10),
    Configuration("majorities-ring", 10),
    Configuration("random-node", 10),
    Configuration("random-node", 10, "asynchronous"),
    Configuration("random-node", 10, "asynchronous", group_size=3),
    Configuration("random-node", 10, "polling"),
    Configuration("random-halves", 30, has_dead_letters=True),
    Configuration(HALVES, 30, has_dead_letters=True),
)


class QueueTest:
    """One run of the test on a cluster that is whole."""

    def __init__(
        self, cluster: Cluster, arguments: Mapping[str, FieldValue], made: Configuration, seed: int
    ) -> None:
        self._cluster = cluster
        self._arguments = dict(arguments)
        if made.group_size and "x-queue-type" in arguments:
            self._arguments["x-quorum-initial-group-size"] = made.group_size
        self._made = made
        self._random = random.Random(seed)
        self._notebook = Notebook(now_ms)
        self._outbound = DEAD_LETTERS if made.has_dead_letters else QUEUE
        self._counter = 0

    def run(self, time_limit_s: float) -> tuple[TotalQueue, list[str]]:
        """Run it; return the verdict, and what else was wrong."""
        restore(self._cluster)
        self._set_up()
        asyncio.run(self._play(time_limit_s))
        restore(self._cluster)
        time.sleep(RECOVERY_S)
        failures = self._drain()
        return total_queue(self._notebook.rows), [*failures, *self._notebook.oddities]

    def _set_up(self) -> None:
        dead = DEAD_LETTER_ARGUMENTS if self._made.has_dead_letters else {}
        with Session(self._cluster.endpoint(self._cluster.nodes[0])) as session:
            for queue, more in ((QUEUE, dead), (DEAD_LETTERS, {})):
                session.call(wire.queue_delete(1, queue), wire.QUEUE_DELETE_OK)
                arguments = {**self._arguments, **more}
                declare = wire.queue_declare(1, queue, arguments, durable=True)
                session.call(declare, wire.QUEUE_DECLARE_OK)

    async def _play(self, time_limit_s: float) -> None:
        ends_s = time.monotonic() + time_limit_s
        clients = []
        for node in self._cluster.nodes:
            queues = (QUEUE, self._outbound)
            client = QueueClient(node, self._cluster.endpoint(node), queues, self._notebook)
            kinds = {"asynchronous": False, "polling": True}
            client.is_polling = kinds.get(self._made.consumers, bool(self._random.randrange(2)))
            clients.append(client)
        workers = [self._work(client, lambda: time.monotonic() < ends_s) for client in clients]
        await asyncio.gather(self._part(ends_s), *workers)

    async def _work(self, client: QueueClient, goes_on: Callable[[], bool]) -> None:
        interval_s = len(self._cluster.nodes) / RATE_PER_S
        await client.connect()
        while goes_on():
            if self._random.randrange(2):
                self._counter += 1
                await client.enqueue(self._counter)
            else:
                await client.dequeue()
            await asyncio.sleep(interval_s)
        await client.close()

    async def _part(self, ends_s: float) -> None:
        """Cut and heal in turn, without holding up the clients."""
        while time.monotonic() + BEFORE_PARTITION_S < ends_s:
            await asyncio.sleep(BEFORE_PARTITION_S)
            fixed = self._made.partition == HALVES
            kind = "random-halves" if fixed else self._made.partition
            choose = (lambda _: 0) if fixed else self._random.randrange
            nodes, stores = tuple(self._cluster.nodes), tuple(self._cluster.stores)
            plan = draw(kind, Scene(nodes, stores, self._cluster.abilities, nodes[0], choose))
            self._notebook.fault(Kind.INVOKE, plan.text())
            for step in plan.begin:
                await asyncio.to_thread(carry_out, self._cluster, step)
            await asyncio.sleep(self._made.duration_s)
            for step in plan.end:
                await asyncio.to_thread(carry_out, self._cluster, step)
            self._notebook.fault(Kind.OK, plan.kind)

    def _drain(self) -> list[str]:
        """Get all that is left, through every node; return why that could not be."""
        deadline_s = time.monotonic() + DRAIN_S
        empty_count, said = 0, ""
        while empty_count < EMPTY_PASSES:
            if time.monotonic() > deadline_s:
                return [f"the queues could not be drained: {said}"]
            got_count = 0
            for node in self._cluster.nodes:
                try:
                    got_count += self._drain_through(node)
                except (OSError, LoadError) as error:
                    said, got_count = f"{node}: {error}", got_count + 1
            empty_count = 0 if got_count else empty_count + 1
            time.sleep(PASS_S)
        return []

    def _drain_through(self, node: str) -> int:
        count, number = 0, self._notebook.number()
        with Session(self._cluster.endpoint(node), timeout_s=10.0) as session:
            for queue in {QUEUE, self._outbound}:
                while body := _got(session, queue):
                    value = Value(QUEUE, 0, int(body))
                    self._notebook.deliver(Action.DRAIN, number, node, value, redelivered=False)
                    count += 1
        return count


def _got(session: Session, queue: str) -> bytes:
    """Return the body of the next message of a queue, which is acked; empty: there is none."""
    session.socket.sendall(wire.get(1, queue))
    frame = session.read_frame()
    if wire.method_of(frame) == wire.BASIC_GET_EMPTY:
        return b""
    if wire.method_of(frame) != wire.BASIC_GET_OK:
        raise wire.refusal(frame)
    (tag,) = struct.unpack_from(">Q", frame.payload, 4)
    session.read_frame()
    body = session.read_frame().payload
    session.socket.sendall(wire.ack(tag, multiple=False))
    return body


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.jepsen.queue_test", description=__doc__)
    add_options(parser)
    parser.set_defaults(nodes=5)
    parser.add_argument("--time-limit", type=float, default=180.0, help="seconds")
    parser.add_argument("--number", type=int, default=1, help="which configuration, from 1")
    parser.add_argument("--all", action="store_true", help="one after another")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    logging.disable()  # of connections that end, which they are meant to
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    chosen = CONFIGURATIONS if given.all else CONFIGURATIONS[given.number - 1 : given.number]
    with tempfile.TemporaryDirectory(prefix="haremq-jepsen-") as folder:
        try:
            cluster = cluster_of(given, Path(folder))
        except MissingError as error:
            print(f"SKIPPED: {error}", flush=True)
            return MISSING_STATUS
        try:
            with suppress(NoClusterError):
                cluster.launch()
                arguments = cluster.queue_arguments
                return max([_play(cluster, arguments, made, given) for made in chosen])
            print("SKIPPED: this HareMQ starts no cluster", flush=True)
            return MISSING_STATUS
        finally:
            cluster.close()


def _play(
    cluster: Cluster,
    arguments: Mapping[str, FieldValue],
    made: Configuration,
    given: argparse.Namespace,
) -> int:
    verdict, failures = QueueTest(cluster, arguments, made, given.seed).run(given.time_limit)
    print(f"{made.text():45} {verdict.text()}", *failures, sep="\n    ", flush=True)
    return 0 if verdict.is_valid and not failures else 1


if __name__ == "__main__":
    sys.exit(main())
