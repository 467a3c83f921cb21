"""A shovel between two nodes of which one is killed again and again: nothing confirmed is lost.

Messages are published to the source, confirmed, and moved by a shovel that acks on confirm. At any
moment one of the two nodes is killed (SIGKILL) and started again. In the end every message that was
confirmed must be at the destination, once or more often.
"""

import contextlib
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from tests.crash.link import HOST
from tests.crash.node import Node

SOURCE: Final = "shovelled.from"
DESTINATION: Final = "shovelled.to"
PUBLISHED_PER_CYCLE: Final = 200
QUIET_S: Final = 60.0
_LOSSES: Final = (AMQPError, OSError)


class Totals(NamedTuple):
    """What came of a loop.

    Attributes:
        confirmed: messages that the source confirmed.
        lost: those of them that never came.
        duplicates: deliveries beyond the first of a message.
    """

    confirmed: int
    lost: frozenset[int]
    duplicates: int


def shovel_definitions(source_port: int, destination_port: int) -> dict[str, object]:
    """Return definitions with a shovel from the first node to the second."""
    value = {
        "src-uri": f"amqp://guest:guest@{HOST}:{source_port}/%2F",
        "src-queue": SOURCE,
        "dest-uri": f"amqp://guest:guest@{HOST}:{destination_port}/%2F",
        "dest-queue": DESTINATION,
        "ack-mode": "on-confirm",
        "reconnect-delay": 0.1,
        "src-prefetch-count": 50,
    }
    shovel = {"vhost": "/", "component": "shovel", "name": "moving", "value": value}
    return {"vhosts": [{"name": "/"}], "parameters": [shovel]}


def source_node(folder: Path, port: int, destination_port: int) -> Node:
    """Return a node that has the shovel."""
    folder.mkdir()
    path = folder / "definitions.json"
    path.write_text(json.dumps(shovel_definitions(port, destination_port)), encoding="utf-8")
    return Node(folder, port, f"broker: {{load_definitions: {path}}}\n")


def destination_node(folder: Path, port: int) -> Node:
    """Return the other node."""
    folder.mkdir()
    return Node(folder, port, "")


class ShovelKillLoop:
    """Two nodes, and what was confirmed.

    Args:
        source: has the shovel.
        destination: the other node.
        seed: decides who is killed, and when.
    """

    def __init__(self, source: Node, destination: Node, seed: int) -> None:
        self._nodes = {"source": source, "destination": destination}
        self._chance = random.Random(seed)
        self._next = 0
        self._confirmed: set[int] = set()
        self._arrived: dict[int, int] = {}

    def run(self, cycles: int) -> Totals:
        """Publish and kill as often as that, and wait for what must come."""
        for node in self._nodes.values():
            node.start()
        try:
            for node in self._nodes.values():
                node.wait_until_ready()
            self._begin()
            for _ in range(cycles):
                self._cycle()
            self._take_all()
        finally:
            for node in self._nodes.values():
                node.stop()
        lost = frozenset(self._confirmed - self._arrived.keys())
        duplicates = sum(self._arrived.values()) - len(self._arrived)
        return Totals(len(self._confirmed), lost, duplicates)

    def _begin(self) -> None:
        """Wait until messages would go over."""

    def _cycle(self) -> None:
        victim = self._chance.choice([*self._nodes.values()])
        kill_after = self._chance.randrange(PUBLISHED_PER_CYCLE)
        with contextlib.suppress(*_LOSSES), self._channel("source") as channel:
            self._prepare(channel)
            channel.confirm_delivery()
            for count in range(PUBLISHED_PER_CYCLE):
                if count == kill_after:
                    victim.kill()
                number, self._next = self._next, self._next + 1
                body = str(number).encode()
                properties = pika.BasicProperties(delivery_mode=2)
                self._publish(channel, body, properties)
                self._confirmed.add(number)
        victim.start()
        victim.wait_until_ready()

    def _prepare(self, channel: BlockingChannel) -> None:
        """Declare what is published to."""
        channel.queue_declare(SOURCE, durable=True)

    def _publish(
        self, channel: BlockingChannel, body: bytes, properties: pika.BasicProperties
    ) -> None:
        """Publish a message; return once it is confirmed."""
        channel.basic_publish("", SOURCE, body, properties)

    def _take_all(self) -> None:
        """Take what arrives until all did, or nothing more comes for a while."""
        quiet_since_s = time.monotonic()
        with self._channel("destination") as channel:
            channel.queue_declare(DESTINATION, durable=True)
            while time.monotonic() - quiet_since_s < QUIET_S:
                method, _, body = channel.basic_get(DESTINATION, auto_ack=True)
                if method is not None:
                    number = int(body or "")
                    self._arrived[number] = self._arrived.get(number, 0) + 1
                    quiet_since_s = time.monotonic()
                elif self._confirmed <= self._arrived.keys():
                    return
                else:
                    time.sleep(0.02)

    @contextlib.contextmanager
    def _channel(self, which: str) -> Iterator[BlockingChannel]:
        port = self._nodes[which].port
        connection = pika.BlockingConnection(pika.ConnectionParameters(HOST, port))
        try:
            yield connection.channel()
        finally:
            with contextlib.suppress(*_LOSSES):
                connection.close()
