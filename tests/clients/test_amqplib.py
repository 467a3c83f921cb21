"""amqplib, the usual client of Node.js: programs of their own that print what they found."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from tests.clients.support.link import Link
from tests.clients.support.names import Names
from tests.clients.support.pika_calls import fill
from tests.clients.support.programs import Program, run
from tests.clients.support.requirements import PROGRAMS, require_node_package, require_tool

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]

Report = dict[str, Any]
RunProgram = Callable[..., Report]


@pytest.fixture(scope="module")
def node() -> str:
    """The path of Node.js, where amqplib is installed beside the programs."""
    path = require_tool("node")
    require_node_package("amqplib")
    return path


@pytest.fixture
def run_node(node: str, broker_uri: str, names: Names) -> RunProgram:
    """Run a program that names ``queues`` and ``exchanges``; return its report."""

    def run_program(
        script: str, queues: tuple[str, ...] = (), exchanges: tuple[str, ...] = ()
    ) -> Report:
        for word in queues:
            names.queue(word)
        for word in exchanges:
            names.exchange(word)
        env = {"BROKER_URI": broker_uri, "NAME_PREFIX": names.prefix}
        code, output = run([node, PROGRAMS / script], env, timeout_s=15)
        assert code == 0, output
        report: Report = json.loads(output.splitlines()[-1])
        return report

    return run_program


def test_a_work_queue_confirms_holds_back_and_settles(run_node: RunProgram, names: Names) -> None:
    report = run_node("amqplib_work.mjs", queues=("work",))

    assert report["declared"] == {
        "queue": f"{names.prefix}.work",
        "messageCount": 0,
        "consumerCount": 0,
    }
    assert report["confirmations"] == [100, ["ack"]]
    assert report["afterPublish"] == 100
    assert report["heldBack"] == 90
    assert report["firsts"] == [str(number) for number in range(10)]
    assert report["again"] == ["0", True]
    assert report["distinct"] == 100
    assert report["large"]
    assert report["properties"] == report["sent"]
    assert report["purged"] == {"messageCount": 1}
    assert report["nothing"] is False
    assert report["deleted"] == {"messageCount": 0}
    assert (report["product"], report["confirmsOffered"]) == ("RabbitMQ", True)
    assert report["signals"] == []


def test_exchanges_queues_and_replies(run_node: RunProgram) -> None:
    report = run_node(
        "amqplib_routing.mjs",
        queues=("deleted",),
        exchanges=("topics", "headers", "target", "main", "rest"),
    )

    assert report["topics"] == {"server_named": True, "keys": ["stock.a", "stock.a.b.c"]}
    assert report["headers"] == 1
    assert report["returns"] == {"order": [312, "ack"], "caught": 1}
    assert report["expiry"] == {"body": "late", "reason": "expired", "same": True}
    assert report["priorities"] == ["5", "3", "1"]
    assert report["cancellation"] == [None]
    assert report["directReplyTo"] == [["one", "ONE"], ["two", "TWO"]]


def test_refusals_have_their_code_and_text(run_node: RunProgram, names: Names) -> None:
    report = run_node("amqplib_errors.mjs", queues=("queue",))
    none, queue = f"{names.prefix}.none", f"{names.prefix}.queue"

    expected = {
        "missingQueue": (404, f"NOT_FOUND - no queue '{none}' in vhost '/'"),
        "missingExchange": (404, f"NOT_FOUND - no exchange '{none}' in vhost '/'"),
        "inequivalent": (
            406,
            (
                f"PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{queue}' in vhost "
                "'/': received 'false' but current is 'true'"
            ),
        ),
        "unknownTag": (406, "PRECONDITION_FAILED - unknown delivery tag 9"),
        "sameTag": (530, "NOT_ALLOWED - attempt to reuse consumer tag 'twice'"),
    }
    for refusal, (code, text) in expected.items():
        assert report[refusal]["code"] == code, refusal
        assert f'"{text}"' in report[refusal]["message"], refusal
    assert report["locked"] == 405
    assert "403 (ACCESS-REFUSED)" in report["wrongPassword"]
    # amqplib names the method it met instead, and leaves the reason out.
    assert "got <ConnectionClose" in report["missingVhost"]
    # The broker closes with 530 and drops what was sent after: amqplib sees either.
    assert report["tooSmallFrames"] != "opened"
    assert report["smallFrames"] == "opened"
    assert report["fewChannels"] == "opened"


def test_the_callback_api_over_an_idle_connection(run_node: RunProgram) -> None:
    report = run_node("amqplib_callbacks.mjs", queues=("awaited", "delay"))

    assert report == {"steps": ["consuming", "later"]}


def test_its_own_recovery_takes_up_where_the_link_was_cut(
    node: str, broker_uri: str, names: Names, pika_channel: BlockingChannel
) -> None:
    queue = names.queue("recovered")
    parameters = pika.URLParameters(broker_uri)
    with Link(parameters.host, parameters.port) as link:
        address = urlsplit(broker_uri)
        uri = broker_uri.replace(f"{address.hostname}:{address.port}", f"127.0.0.1:{link.port}")
        env = {"BROKER_URI": uri, "NAME_PREFIX": names.prefix}
        with Program([node, PROGRAMS / "amqplib_recovery.mjs"], env) as consumer:
            consumer.wait_for_line("consuming")
            fill(pika_channel, queue, b"held")
            consumer.wait_for_line("got held redelivered=false")

            link.cut()

            consumer.wait_for_lines("consuming", 2)
            consumer.wait_for_line("got held redelivered=true")
            assert consumer.stop() == 0, consumer.output
