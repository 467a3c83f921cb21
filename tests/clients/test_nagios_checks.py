"""Debian's Nagios checks of RabbitMQ: OK of a node that is well, CRITICAL of a limit."""

import contextlib
import subprocess
from collections.abc import Iterator
from typing import Final

import pytest

from conformance.http_broker import Broker
from conformance.http_calls.call import Call
from tests.clients.support.managed import Managed, managed_server
from tests.clients.support.pika_calls import connect
from tests.clients.support.requirements import require_tool
from tests.clients.support.server import HOST

pytestmark = pytest.mark.clients

CHECK_TIMEOUT_S: Final = 30
OK: Final = 0
CRITICAL: Final = 2


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    with managed_server(tmp_path_factory.mktemp("node")) as managed:
        with Broker(managed.port) as broker:
            broker.ask(Call("PUT", "queues/%2F/nagios", body={"durable": True}))
        yield managed


def checked(node: Managed, name: str, *options: str) -> tuple[int, str]:
    """Run a check; return its exit code, and what it says."""
    done = subprocess.run(
        [
            require_tool(f"check_rabbitmq_{name}"),
            *("-H", HOST, "--port", str(node.port), "-u", "guest", "-p", "guest"),
            *options,
        ],
        capture_output=True,
        text=True,
        timeout=CHECK_TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("aliveness", ()),
        ("connections", ()),
        ("objects", ()),
        ("overview", ()),
        ("overview", ("-w", "5,5,5", "-c", "9,9,9")),
        ("queue", ("--queue", "nagios", "-w", "5,5,5", "-c", "9,9,9")),
    ],
)
def test_a_node_that_is_well(node: Managed, name: str, options: tuple[str, ...]) -> None:
    code, text = checked(node, name, *options)
    assert code == OK, text


@pytest.mark.parametrize("name", ["partition", "server", "watermark"])
def test_checks_of_the_node_itself(node: Managed, name: str) -> None:
    with Broker(node.port) as broker:
        host = broker.node.removeprefix("rabbit@")
    # Where nobody is connected, it takes RabbitMQ's 0 sockets for an error too.
    with contextlib.closing(connect(node.server.uri)):
        code, text = checked(node, name, "-n", host)
    assert code == OK, text


def test_a_limit_that_is_reached(node: Managed) -> None:
    body = {
        "routing_key": "nagios",
        "properties": {},
        "payload": "x",
        "payload_encoding": "string",
    }
    with Broker(node.port) as broker:
        for _ in range(3):
            broker.ask(Call("POST", "exchanges/%2F/amq.default/publish", body=body))
        code, text = checked(node, "queue", "--queue", "nagios", "-w", "1,1,1", "-c", "2,2,2")
        broker.ask(Call("DELETE", "queues/%2F/nagios/contents"))
    assert code == CRITICAL, text


def test_a_queue_that_is_not_there(node: Managed) -> None:
    code, text = checked(node, "queue", "--queue", "nope")
    assert code == CRITICAL, text
