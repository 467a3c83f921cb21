"""What is wrong with a declare is found without the store, first what RabbitMQ finds first."""

import pytest

from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.clustered.checking import why_no_exchange, why_no_queue
from amqp_server.broker.errors import (
    AccessRefusedError,
    BrokerError,
    NotSupportedError,
    PreconditionFailedError,
)
from amqp_server.wire.tables import Field, longstr

TRUE = Field("t", True)
BAD_TTL = {"x-message-ttl": longstr("soon")}
STREAM = {"x-queue-type": longstr("stream")}


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (BAD_TTL, PreconditionFailedError, "x-message-ttl"),
        ({**BAD_TTL, "x-message-deduplication": TRUE}, PreconditionFailedError, "x-message-ttl"),
        (
            {**STREAM, "x-stream-compact-key": longstr("k")},
            NotSupportedError,
            "'x-stream-compact-key'",
        ),
    ],
)
def test_a_queue_that_cannot_be_created(
    arguments: dict[str, Field], error: type[BrokerError], told: str
) -> None:
    refused = why_no_queue("q", "/", QueueProperties(True, False, False, arguments))
    assert isinstance(refused, error)
    assert told in str(refused)


@pytest.mark.parametrize("arguments", [{}, STREAM, {"x-message-deduplication": TRUE}])
def test_nothing_is_against_a_queue(arguments: dict[str, Field]) -> None:
    assert why_no_queue("q", "/", QueueProperties(True, False, False, arguments)) is None


@pytest.mark.parametrize(
    ("name", "kind", "arguments", "error", "told"),
    [
        ("x", "x-delayed-message", {}, PreconditionFailedError, "x-delayed-type"),
        ("amq.new", "topic", {}, AccessRefusedError, "amq.new"),
        ("x", "topic", {"x-message-deduplication": TRUE}, NotSupportedError, "deduplicate"),
    ],
)
def test_an_exchange_that_cannot_be_created(
    name: str, kind: str, arguments: dict[str, Field], error: type[BrokerError], told: str
) -> None:
    refused = why_no_exchange(name, "/", ExchangeProperties(kind, True, False, False, arguments))
    assert isinstance(refused, error)
    assert told in str(refused)


def test_nothing_is_against_an_exchange() -> None:
    assert why_no_exchange("x", "/", ExchangeProperties("topic", True, False, False, {})) is None
