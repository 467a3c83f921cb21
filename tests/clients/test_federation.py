"""Federation between HareMQ and Debian's RabbitMQ, either way round."""

import json
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exchange_type import ExchangeType

from conformance.rabbitmq import HTTP_PORT_OFFSET, SERVER, RabbitMQ
from tests.clients.support.deadlines import wait_until
from tests.clients.support.server import Server
from tests.support.ports import free_port

HEADERS = {
    "Authorization": f"Basic {b64encode(b'guest:guest').decode()}",
    "Content-Type": "application/json",
}


class Side(NamedTuple):
    """One of the two brokers."""

    port: int
    channel: BlockingChannel

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Make a call of the HTTP API; return its answer."""
        url = f"http://127.0.0.1:{self.port + HTTP_PORT_OFFSET}/api/{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, HEADERS, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")


class Pair(NamedTuple):
    """Both."""

    ours: Side
    theirs: Side


def channel_to(port: int) -> BlockingChannel:
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port)).channel()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    if not SERVER.exists():
        pytest.skip("Debian's rabbitmq-server is not installed")
    port = free_port()
    settings = f"""\
broker: {{cluster_name: hare}}
management: {{listeners: [{{port: {port + HTTP_PORT_OFFSET}}}], metrics_listeners: []}}
"""
    server = Server(tmp_path_factory.mktemp("node"), port, settings)
    try:
        with RabbitMQ(free_port()) as rabbitmq:
            server.wait_until_it_accepts()
            ours, theirs = channel_to(port), channel_to(rabbitmq.port)
            yield Pair(Side(port, ours), Side(rabbitmq.port, theirs))
            for channel in (ours, theirs):
                channel.connection.close()
    finally:
        server.stop()


def ends(pair: Pair, downstream: str) -> tuple[Side, Side]:
    """Return the downstream and the upstream."""
    return (pair.ours, pair.theirs) if downstream == "haremq" else (pair.theirs, pair.ours)


def federate(down: Side, up: Side, name: str, kind: str) -> None:
    """Have a policy federate the thing of this kind and name, and wait until the link runs."""
    uri = f"amqp://guest:guest@127.0.0.1:{up.port}"
    value = {"uri": uri, "reconnect-delay": 1, "max-hops": 2}
    down.ask("PUT", f"parameters/federation-upstream/%2F/{name}", {"value": value})
    definition = {"federation-upstream": name}
    body = {"pattern": f"^{name}$", "definition": definition, "apply-to": kind}
    down.ask("PUT", f"policies/%2F/{name}", body)
    wait_until(lambda: statuses(down, name) == ["running"], "the link to run", 60)


def statuses(side: Side, upstream: str) -> list[str]:
    links = side.ask("GET", "federation-links")
    return [link["status"] for link in links if link["upstream"] == upstream]


def _octets(body: str | bytes | None) -> bytes:
    assert isinstance(body, bytes), "pika gives octets"
    return body


def got(side: Side, queue: str, count: int) -> list[tuple[bytes, dict[str, Any]]]:
    """Wait for messages of a queue, and take them."""
    found: list[tuple[bytes, dict[str, Any]]] = []

    def is_all() -> bool:
        method, properties, body = side.channel.basic_get(queue, auto_ack=True)
        if method is not None:
            assert properties is not None
            found.append((_octets(body), dict(properties.headers or {})))
        return len(found) == count

    wait_until(is_all, f"{count} messages", 30)
    return found


def is_mirrored(up: Side, exchange: str, key: str) -> Callable[[], bool]:
    def found() -> bool:
        rows = up.ask("GET", f"exchanges/%2F/{exchange}/bindings/source")
        return any(row["routing_key"] == key for row in rows)

    return found


@pytest.mark.timeout(180)
@pytest.mark.parametrize("downstream", ["haremq", "rabbitmq"])
def test_an_exchange_gets_what_its_bindings_match(pair: Pair, downstream: str) -> None:
    down, up = ends(pair, downstream)
    name = f"x-{downstream}"
    down.channel.exchange_declare(name, ExchangeType("topic"), durable=True)
    down.channel.queue_declare(name, durable=True)
    down.channel.queue_bind(name, name, "k.#", arguments={"z": 1})
    federate(down, up, name, "exchanges")
    wait_until(is_mirrored(up, name, "k.#"), "the binding", 30)
    up.channel.basic_publish(name, "k.1", b"a", pika.BasicProperties(headers={"h": 1}))
    ((body, headers),) = got(down, name, 1)
    assert (body, headers["h"]) == (b"a", 1)
    (note,) = headers["x-received-from"]
    assert (note["uri"], note["exchange"]) == (f"amqp://127.0.0.1:{up.port}", name)
    down.channel.queue_bind(name, name, "late")
    wait_until(is_mirrored(up, name, "late"), "the new binding", 30)
    up.channel.basic_publish(name, "late", b"b")
    assert [each for each, _ in got(down, name, 1)] == [b"b"]
    down.channel.queue_unbind(name, name, "late")
    wait_until(lambda: not is_mirrored(up, name, "late")(), "its end", 30)
    down.ask("DELETE", f"policies/%2F/{name}")
    left = f"federation: {name}"
    wait_until(
        lambda: not any(row["name"].startswith(left) for row in up.ask("GET", "queues/%2F")),
        "the queue of the link to go",
        30,
    )


@pytest.mark.timeout(180)
@pytest.mark.parametrize("downstream", ["haremq", "rabbitmq"])
def test_a_queue_gets_messages_for_its_consumers(pair: Pair, downstream: str) -> None:
    down, up = ends(pair, downstream)
    name = f"q-{downstream}"
    down.channel.queue_declare(name, durable=True)
    federate(down, up, name, "queues")
    bodies = [str(number).encode() for number in range(50)]
    for body in bodies:
        up.channel.basic_publish("", name, body)
    wait_until(lambda: up.ask("GET", f"queues/%2F/{name}").get("messages") == 50, "50", 30)
    found: list[tuple[bytes, dict[str, Any]]] = []
    for method, properties, taken in down.channel.consume(name, inactivity_timeout=30):
        assert method is not None, "messages come"
        assert properties is not None
        down.channel.basic_ack(method.delivery_tag or 0)
        found.append((taken or b"", dict(properties.headers or {})))
        if len(found) == len(bodies):
            break
    down.channel.cancel()
    assert [body for body, _ in found] == bodies
    assert found[0][1]["x-original-routing-key"] == name
