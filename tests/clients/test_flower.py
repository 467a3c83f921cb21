"""Flower's page of the broker: the queues of a Celery application, from our HTTP API."""

import sys
import urllib.request
from pathlib import Path
from typing import Final

import pytest

from conformance.http_broker import Broker
from conformance.http_calls.call import Call
from tests.clients.support.deadlines import wait_until
from tests.clients.support.managed import managed_server
from tests.clients.support.programs import Program
from tests.clients.support.server import HOST, accepts
from tests.support.ports import free_port

pytestmark = pytest.mark.clients

WAITING: Final = 17


def page(port: int) -> str:
    """Return what flower shows of the broker."""
    with urllib.request.urlopen(f"http://{HOST}:{port}/broker") as reply:
        text: str = reply.read().decode()
        return text


def test_the_page_of_the_broker(tmp_path: Path) -> None:
    pytest.importorskip("flower")
    with managed_server(tmp_path) as node:
        body = {
            "routing_key": "celery",
            "properties": {},
            "payload": "x",
            "payload_encoding": "string",
        }
        with Broker(node.port) as broker:
            broker.ask(Call("PUT", "queues/%2F/celery", body={"durable": True}))
            for _ in range(WAITING):
                broker.ask(Call("POST", "exchanges/%2F/amq.default/publish", body=body))
        port = free_port()
        api = f"http://guest:guest@{node.address}/api/"
        arguments = ["-m", "celery", "--broker", node.server.uri, "flower"]
        flower = Program(
            [
                *(sys.executable, *arguments),
                *(f"--port={port}", f"--address={HOST}", f"--broker-api={api}"),
                *("--inspect-timeout=100", f"--db={tmp_path / 'flower'}"),
            ],
            env={"FLOWER_UNAUTHENTICATED_API": "true"},
            directory=tmp_path,
        )
        shown = f"<td>{WAITING}</td>"
        with flower:
            wait_until(lambda: accepts(port), "flower's page")
            # An answer of the broker that takes more than 2 s leaves its table empty.
            wait_until(lambda: shown in page(port), f"{shown} on flower's page")
            assert "celery" in page(port)
