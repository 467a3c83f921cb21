"""HareMQ with some of everything in it, for the pages to show.

One consumer stays connected, so that connections, channels and consumers have a row each. Names,
headers and bodies hold text that would run, were it taken for HTML.
"""

import json
import threading
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pika
from pika.exchange_type import ExchangeType

from conformance.rabbitmq import HTTP_PORT_OFFSET
from tests.clients.support.deadlines import wait_until
from tests.clients.support.server import START_TIMEOUT_S, Server, accepts
from tests.support.ports import free_port

HOSTILE: Final = "<img src=x onerror=alert(1)>"
"""A name, a header and a body that would run, were it taken for HTML."""

SETTINGS: Final = "management: {rates_mode: basic}\n"

RULES: Final[dict[str, object]] = {
    "vhosts": [
        {"name": "/"},
        {"name": HOSTILE, "description": HOSTILE, "tags": [HOSTILE]},
    ],
    "parameters": [
        {
            "vhost": HOSTILE,
            "component": "vhost-limits",
            "name": "limits",
            "value": {"max-queues": 9},
        }
    ],
    "users": [
        {"name": "guest", "password": "guest", "tags": "administrator"},
        {"name": HOSTILE, "password": "x", "tags": ["management", HOSTILE]},
        {"name": "watcher", "password": "watcher", "tags": "monitoring"},
        {"name": "owner", "password": "owner", "tags": "management"},
    ],
    "permissions": [
        {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
        {"user": "guest", "vhost": HOSTILE, "configure": ".*", "write": ".*", "read": ".*"},
        {"user": "watcher", "vhost": "/", "configure": "", "write": "", "read": ".*"},
        {"user": "owner", "vhost": "/", "configure": "^mine", "write": "^mine", "read": ".*"},
    ],
    "policies": [
        {
            "vhost": "/",
            "name": name,
            "pattern": pattern,
            "apply-to": "queues",
            "priority": priority,
            "definition": {"max-length": 100_000, "dead-letter-exchange": "dead"},
        }
        for name, pattern, priority in (("orders", "^orders", 5), (HOSTILE, "^<img", 1))
    ],
}
"""Rights of several kinds, and rules; some are named to be taken for HTML."""

Channel = pika.adapters.blocking_connection.BlockingChannel


@contextmanager
def haremq(folder: Path) -> Iterator[Server]:
    """Start a broker with its management, for a block."""
    server = Server(folder, port=free_port(), settings=SETTINGS)
    try:
        server.wait_until_it_accepts()
        wait_until(lambda: accepts(http_port(server)), "the HTTP API", START_TIMEOUT_S)
        yield server
    finally:
        server.stop()


def http_port(server: Server) -> int:
    """Return where its HTTP API listens."""
    return server.port + HTTP_PORT_OFFSET


def address_of(server: Server) -> str:
    """Return the address of its web UI."""
    return f"http://127.0.0.1:{http_port(server)}/"


def define(server: Server, definitions: dict[str, object]) -> None:
    """Add definitions to it."""
    post(server, "definitions", definitions)


def post(server: Server, path: str, body: dict[str, object]) -> None:
    """Post to a route of its API."""
    request = urllib.request.Request(
        f"{address_of(server)}api/{path}", json.dumps(body).encode(), method="POST"
    )
    request.add_header("Authorization", f"Basic {b64encode(b'guest:guest').decode()}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status < 300, answer.status


def connected(
    server: Server, properties: Mapping[str, object] | None = None
) -> pika.BlockingConnection:
    """Connect without heartbeats: nobody would answer them while the browser is at work.

    Args:
        server: the broker.
        properties: what the client says of itself; None says what pika does.
    """
    parameters = pika.URLParameters(server.uri)
    parameters.heartbeat = 0
    parameters.client_properties = None if properties is None else dict(properties)
    return pika.BlockingConnection(parameters)


@contextmanager
def filled(server: Server) -> Iterator[None]:
    """Put some of everything into it, and hold a connection open for a block."""
    define(server, RULES)
    connection = connected(server, {"connection_name": HOSTILE, "app": {"name": HOSTILE}})
    fill(connection.channel())
    done = threading.Event()
    holder = threading.Thread(target=hold_open, args=(connection, done), daemon=True)
    holder.start()
    try:
        yield
    finally:
        done.set()
        holder.join()
        connection.close()


def hold_open(connection: pika.BlockingConnection, done: threading.Event) -> None:
    """Take what the broker says until the tests are over."""
    while not done.is_set():
        connection.process_data_events(1)


def fill(channel: Channel) -> None:
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
        channel.basic_publish("", "audit", body, properties)
    channel.basic_publish("", HOSTILE, HOSTILE.encode(), properties)
    channel.basic_qos(prefetch_count=10)
    channel.basic_consume("payments", lambda *_: None)
