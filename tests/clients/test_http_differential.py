"""The HTTP API beside that of Debian's RabbitMQ: every difference has its reason."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from conformance import http_random
from conformance.http_broker import STREAM_PORT_OFFSET, Broker
from conformance.http_calls.call import VHOST, Call
from conformance.http_calls.script import REMOVAL, SCENE
from conformance.http_differential import load_rows, run
from conformance.rabbitmq import HTTP_PORT_OFFSET, SERVER, RabbitMQ
from tests.clients.support.server import Server
from tests.support.ports import free_port

pytestmark = pytest.mark.clients

DEFINITIONS = Path("conformance/definitions.json").absolute()
SEEDS = range(1, 31)
KINDS = ("queues", "exchanges", "bindings", "policies", "parameters", "permissions")


class Ports(NamedTuple):
    """Where the two brokers have their HTTP APIs."""

    rabbitmq: int
    haremq: int


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    if not SERVER.exists():
        pytest.skip("Debian's rabbitmq-server is not installed")
    port = free_port()
    settings = f"""\
broker: {{load_definitions: {DEFINITIONS}}}
management:
  listeners: [{{port: {port + HTTP_PORT_OFFSET}}}]
  metrics_listeners: [{{port: {free_port()}}}]
stream_protocol: {{advertised_host: localhost}}
net:
  listeners:
  - {{port: {port}}}
  - {{port: {port + STREAM_PORT_OFFSET}, protocol: stream}}
"""
    haremq = Server(tmp_path_factory.mktemp("node"), port, settings, has_listeners=True)
    rabbitmq_port = free_port()
    try:
        with RabbitMQ(rabbitmq_port, stream_port=rabbitmq_port + STREAM_PORT_OFFSET) as rabbitmq:
            haremq.wait_until_it_accepts()
            yield Ports(rabbitmq.port + HTTP_PORT_OFFSET, port + HTTP_PORT_OFFSET)
    finally:
        haremq.stop()


def test_every_row_has_a_reason() -> None:
    assert all(row.reason for row in load_rows())


@pytest.mark.timeout(300)
def test_all_calls_are_answered_alike(ports: Ports) -> None:
    found = run(*ports)
    unexplained = [f"{each.call}: {each.difference}" for each in found if each.reason is None]
    assert unexplained == []


@pytest.mark.timeout(300)
def test_random_scripts_are_answered_alike(ports: Ports) -> None:
    with Broker(ports.rabbitmq) as rabbitmq, Broker(ports.haremq) as haremq:
        pair = http_random.Pair(rabbitmq, haremq, load_rows())
        assert http_random.run(pair, SEEDS) == []


def _rows(document: dict[str, Any]) -> dict[str, list[str]]:
    """Return what is in the vhost of the scene, by kind, without an order."""
    return {
        kind: sorted(
            json.dumps({key: each[key] for key in each if key != "vhost"}, sort_keys=True)
            for each in document.get(kind, [])
            if each.get("vhost", VHOST) == VHOST
        )
        for kind in KINDS
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", ["definitions", f"definitions/{VHOST}"])
@pytest.mark.parametrize("to_haremq", [True, False])
def test_definitions_of_one_broker_are_taken_by_the_other(
    ports: Ports, path: str, *, to_haremq: bool
) -> None:
    with Broker(ports.rabbitmq) as rabbitmq, Broker(ports.haremq) as haremq:
        source, target = (rabbitmq, haremq) if to_haremq else (haremq, rabbitmq)
        for call in (*REMOVAL, *SCENE):
            source.ask(call)
        for call in (*REMOVAL, Call("PUT", f"vhosts/{VHOST}")):
            target.ask(call)
        exported = source.ask(Call("GET", path)).value
        assert target.ask(Call("POST", path, body=exported)).status == 204
        assert _rows(target.ask(Call("GET", path)).value) == _rows(exported)
        for call in REMOVAL:
            source.ask(call)
            target.ask(call)
