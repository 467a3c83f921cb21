"""A federated queue and its upstream, of which one is killed again and again: nothing is lost.

A consumer at the downstream is there all the time, so that messages are on their way whenever one
of the two is killed.
"""

import contextlib
import json
import time
from pathlib import Path

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError
from pika.spec import Basic

from tests.crash.federation_kill_loop import downstream_definitions
from tests.crash.node import Node
from tests.crash.shovel_kill_loop import DESTINATION, QUIET_S, ShovelKillLoop


class QueueKillLoop(ShovelKillLoop):
    """The same as with a shovel; messages go to a queue, and come because somebody consumes."""

    _taker: BlockingChannel | None = None

    def _cycle(self) -> None:
        with contextlib.suppress(AMQPError, OSError), self._channel("destination") as taker:
            self._consume(taker)
            self._taker = taker
            super()._cycle()
        self._taker = None

    def _prepare(self, channel: BlockingChannel) -> None:
        channel.queue_declare(DESTINATION, durable=True)

    def _publish(
        self, channel: BlockingChannel, body: bytes, properties: pika.BasicProperties
    ) -> None:
        channel.basic_publish("", DESTINATION, body, properties)
        if self._taker is not None and self._taker.is_open:
            self._taker.connection.process_data_events(0)

    def _consume(self, channel: BlockingChannel) -> None:
        def take(
            channel: BlockingChannel, method: Basic.Deliver, _: pika.BasicProperties, body: bytes
        ) -> None:
            number = int(body)
            self._arrived[number] = self._arrived.get(number, 0) + 1
            channel.basic_ack(method.delivery_tag or 0)

        channel.basic_qos(prefetch_count=50)
        channel.basic_consume(DESTINATION, take)

    def _take_all(self) -> None:
        quiet_since_s, arrived = time.monotonic(), -1
        with self._channel("destination") as channel:
            self._consume(channel)
            while time.monotonic() - quiet_since_s < QUIET_S:
                channel.connection.process_data_events(1)
                if self._confirmed <= self._arrived.keys():
                    return
                if sum(self._arrived.values()) != arrived:
                    arrived, quiet_since_s = sum(self._arrived.values()), time.monotonic()


def federated_queue_node(folder: Path, port: int, upstream_port: int) -> Node:
    """Return the node that has the link."""
    folder.mkdir()
    document = downstream_definitions(upstream_port)
    document["policies"] = [
        {
            "vhost": "/",
            "name": "federate",
            "pattern": f"^{DESTINATION}$",
            "definition": {"federation-upstream": "up"},
        }
    ]
    path = folder / "definitions.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return Node(folder, port, f"broker: {{load_definitions: {path}, cluster_name: down}}\n")
