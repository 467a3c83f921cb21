"""Each property and each type of value over a broker's sockets, from AMQP to streams and back.

The conversion has tests of its own. Here both protocols of one node are asked the questions that
RabbitMQ was asked for them (``conformance.stream_answers``).
"""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.address import Address
from conformance.stream_answers import EXCHANGE, ROUTING_KEY, STORED_IN, ask
from queues.stream.from_amqp10 import read_messages
from queues.stream.to_amqp10 import to_amqp10
from tests.clients.support.deadlines import wait_until
from tests.clients.support.programs import Program
from tests.clients.support.server import HOST, START_TIMEOUT_S, accepts
from tests.support.ports import free_port
from tests.support.stream_messages import EVERYTHING, framed

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]

SETTINGS = """\
net:
  listeners:
    - {{address: 127.0.0.1, port: {port}}}
    - {{address: 127.0.0.1, port: {stream_port}, protocol: stream}}
management:
  listeners: []
  metrics_listeners: []
"""

Answers = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """What a node with both listeners answers."""
    port, stream_port = free_port(), free_port()
    folder = tmp_path_factory.mktemp("haremq")
    settings = folder / "haremq.yaml"
    settings.write_text(SETTINGS.format(port=port, stream_port=stream_port), encoding="utf-8")
    started = ["start", "--config", str(settings), "--data-dir", str(folder / "data")]
    with Program([sys.executable, "-m", "amqp_server", *started]) as program:
        wait_until(
            lambda: (accepts(port) and accepts(stream_port)) or not program.is_running,
            "both ports to accept",
            START_TIMEOUT_S,
        )
        yield ask(Address.of(f"amqp://guest:guest@{HOST}:{port}/%2F"), stream_port)
        assert "Traceback" not in program.output


def test_no_message_closes_anything(answers: Answers) -> None:
    assert len(answers["published"]) > 100
    assert len(answers["stored"]) > 100
    assert [one["name"] for way in answers.values() for one in way if "closed" in one] == []


def test_a_stream_client_reads_what_amqp_clients_publish(answers: Answers) -> None:
    for answer in answers["published"]:
        if answer["name"] == "header BCC":
            continue  # No reader sees it, of whatever queue.
        properties, body = bytes.fromhex(answer["properties"]), bytes.fromhex(answer["body"])
        expected = to_amqp10(EXCHANGE.encode(), ROUTING_KEY.encode(), properties, body)
        assert bytes.fromhex(answer["message"]) == expected, answer["name"]


def test_an_amqp_client_reads_what_stream_clients_publish(answers: Answers) -> None:
    for answer in answers["stored"]:
        data = framed(bytes.fromhex(answer["message"]))
        told = read_messages(data, 0, answer["offset"], STORED_IN.encode(), EVERYTHING)
        (record,) = told.run
        assert bytes.fromhex(answer["properties"]) == record.header[12:], answer["name"]
        assert bytes.fromhex(answer["body"]) == record.body, answer["name"]


def test_what_stream_clients_publish_is_routed_as_by_the_default_exchange(
    answers: Answers,
) -> None:
    routes = {one["name"]: (one["exchange"], one["routing_key"]) for one in answers["stored"]}
    assert routes.pop("exchange and routing key") == ("ex", "rk")
    assert set(routes.values()) == {("", STORED_IN)}
