"""RabbitMQ with some of everything in it, behind the UI: its API has the fields of ours.

Pages whose routes HareMQ does not have yet are looked at over this one. One consumer stays
connected, so that connections, channels and consumers have a row each.
"""

import json
import threading
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pika
from pika.exchange_type import ExchangeType

from conformance.rabbitmq import HTTP_PORT_OFFSET, RabbitMQ
from tests.clients.support.deadlines import wait_until
from tests.clients.support.server import free_port

HOSTILE: Final = "<img src=x onerror=alert(1)>"
"""A name, a header and a body that would run, were it taken for HTML."""

PORT_MAX: Final = 40_000
"""The ports of the API and of Erlang are 10,000 and 20,000 above it."""


def low_port() -> int:
    """Return a free port whose two companions are ports, too."""
    port = free_port()
    while port > PORT_MAX:
        port = free_port() // 2 + 1024
    return port


@contextmanager
def filled_rabbitmq() -> Iterator[str]:
    """Start it, fill it, and yield the base of its HTTP API."""
    port = low_port()
    with RabbitMQ(port) as broker:
        connection = pika.BlockingConnection(pika.URLParameters(broker.uri))
        fill(connection.channel())
        done = threading.Event()
        holder = threading.Thread(target=hold_open, args=(connection, done), daemon=True)
        holder.start()
        api = f"http://127.0.0.1:{port + HTTP_PORT_OFFSET}"
        try:
            # RabbitMQ looks at its consumers every five seconds.
            wait_until(lambda: shows_the_consumer(api), "the consumer in the API")
            yield api
        finally:
            done.set()
            holder.join()
            connection.close()


def shows_the_consumer(api: str) -> bool:
    """Return whether the API knows of the consumer and its queue."""
    request = urllib.request.Request(f"{api}/api/queues/%2F/payments")
    request.add_header("Authorization", f"Basic {b64encode(b'guest:guest').decode()}")
    with urllib.request.urlopen(request, timeout=10) as reply:
        return bool(json.load(reply).get("consumer_details"))


def hold_open(connection: pika.BlockingConnection, done: threading.Event) -> None:
    """Answer heartbeats until the tests are over."""
    while not done.is_set():
        connection.process_data_events(1)


def fill(channel: pika.adapters.blocking_connection.BlockingChannel) -> None:
    """Declare exchanges, queues of each type and bindings, and publish some messages."""
    channel.exchange_declare("orders", ExchangeType("topic"), durable=True)
    channel.exchange_declare("dead", ExchangeType("fanout"), durable=True)
    dead_letters = {"x-dead-letter-exchange": "dead", "x-message-ttl": 3_600_000}
    channel.queue_declare("orders.created", durable=True, arguments=dead_letters)
    channel.queue_declare("orders.dlq", durable=True)
    channel.queue_declare("audit", durable=True, arguments={"x-queue-type": "stream"})
    channel.queue_declare("payments", durable=True, arguments={"x-queue-type": "quorum"})
    channel.queue_declare(HOSTILE, durable=True)
    channel.queue_bind("orders.created", "orders", "order.created.#")
    channel.queue_bind("payments", "orders", "order.paid")
    channel.queue_bind("orders.dlq", "dead", "")
    channel.queue_bind(HOSTILE, "orders", HOSTILE)
    headers = {"x-tenant": HOSTILE, "x-death": [{"reason": HOSTILE, "queue": HOSTILE, "count": 1}]}
    properties = pika.BasicProperties(content_type="application/json", headers=headers)
    for number in range(60):
        body = json.dumps({"number": number, "text": HOSTILE}).encode()
        channel.basic_publish("orders", "order.created.eu", body, properties)
    channel.basic_publish("", HOSTILE, HOSTILE.encode(), properties)
    channel.basic_qos(prefetch_count=10)
    channel.basic_consume("payments", lambda *_: None)
