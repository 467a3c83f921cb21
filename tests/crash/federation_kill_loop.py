"""An upstream and its downstream of which one is killed again and again: nothing confirmed is lost.

Messages are published to an exchange of the upstream, confirmed by it, and taken by a link that
acks on confirm. At any moment one of the two is killed (SIGKILL) and started again. In the end
every message that was confirmed must be at the downstream, once or more often.
"""

import json
import time
from pathlib import Path
from typing import Final

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import UnroutableError
from pika.exchange_type import ExchangeType

from tests.crash.link import HOST
from tests.crash.node import Node
from tests.crash.shovel_kill_loop import DESTINATION, ShovelKillLoop

EXCHANGE: Final = "federated"
LINKED_WITHIN_S: Final = 60.0


def downstream_definitions(upstream_port: int) -> dict[str, object]:
    """Return definitions with a federated exchange, and a queue that is bound to it."""
    value = {
        "uri": f"amqp://guest:guest@{HOST}:{upstream_port}/%2F",
        "reconnect-delay": 0.1,
        "prefetch-count": 50,
    }
    upstream = {"vhost": "/", "component": "federation-upstream", "name": "up", "value": value}
    policy = {
        "vhost": "/",
        "name": "federate",
        "pattern": f"^{EXCHANGE}$",
        "definition": {"federation-upstream": "up"},
    }
    place = {"vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
    binding = {
        "vhost": "/",
        "source": EXCHANGE,
        "destination": DESTINATION,
        "destination_type": "queue",
        "routing_key": "#",
        "arguments": {},
    }
    return {
        "vhosts": [{"name": "/"}],
        "exchanges": [{"name": EXCHANGE, "type": "topic", "internal": False, **place}],
        "queues": [{"name": DESTINATION, **place}],
        "bindings": [binding],
        "parameters": [upstream],
        "policies": [policy],
    }


def upstream_node(folder: Path, port: int) -> Node:
    """Return the node that messages are published to."""
    folder.mkdir()
    return Node(folder, port, "broker: {cluster_name: up}\n")


def downstream_node(folder: Path, port: int, upstream_port: int) -> Node:
    """Return the node that has the link."""
    folder.mkdir()
    path = folder / "definitions.json"
    path.write_text(json.dumps(downstream_definitions(upstream_port)), encoding="utf-8")
    return Node(folder, port, f"broker: {{load_definitions: {path}, cluster_name: down}}\n")


class FederationKillLoop(ShovelKillLoop):
    """The same as with a shovel; only where messages are published to is another."""

    def _begin(self) -> None:
        deadline_s = time.monotonic() + LINKED_WITHIN_S
        with self._channel("source") as channel:
            self._prepare(channel)
            channel.confirm_delivery()
            while time.monotonic() < deadline_s:
                try:
                    self._publish(channel, b"-1", pika.BasicProperties(delivery_mode=2))
                except UnroutableError:
                    time.sleep(0.05)
                else:
                    return
        raise AssertionError("the link was not there in time")

    def _prepare(self, channel: BlockingChannel) -> None:
        channel.exchange_declare(EXCHANGE, ExchangeType("topic"), durable=True)

    def _publish(
        self, channel: BlockingChannel, body: bytes, properties: pika.BasicProperties
    ) -> None:
        # Mandatory: were the bindings of the link gone for a moment, this would tell.
        channel.basic_publish(EXCHANGE, "key", body, properties, mandatory=True)
