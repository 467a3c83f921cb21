"""What a cluster does not have yet is refused, and nothing else."""

import pytest

from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.errors import NotSupportedError
from amqp_server.wire.tables import Field, longstr
from tests.broker.clustered.test_declaring import VHOST, trial
from tests.support.inquiries import run

DEDUPLICATES = {"x-message-deduplication": Field("t", True)}
SIZED = {"x-cache-size": Field("I", 9)}


def declare_exchange(kind: str, arguments: dict[str, Field]) -> int:
    each = trial()
    properties = ExchangeProperties(kind, True, False, False, arguments)
    return run(each.contents, each.nodes[0].declaring.exchange(VHOST, "x", properties))


def declare_queue(*, durable: bool, arguments: dict[str, Field]) -> int:
    each = trial()
    properties = QueueProperties(durable, False, False, arguments)
    return run(each.contents, each.nodes[0].declaring.queue(VHOST, "q", properties))


@pytest.mark.parametrize(
    ("kind", "arguments", "told"),
    [
        ("x-message-deduplication", SIZED, "exchanges that deduplicate are not"),
        ("topic", DEDUPLICATES, "exchanges that deduplicate are not"),
    ],
)
def test_exchanges_that_would_remember_on_one_node_are_refused(
    kind: str, arguments: dict[str, Field], told: str
) -> None:
    with pytest.raises(NotSupportedError, match=f"exchange 'x' in vhost '/': .*{told}"):
        declare_exchange(kind, arguments)


@pytest.mark.parametrize("kind", ["topic", "x-consistent-hash", "x-recent-history"])
def test_other_exchanges_are_declared(kind: str) -> None:
    assert declare_exchange(kind, {})


@pytest.mark.parametrize(
    ("durable", "arguments"),
    [
        (True, {}),
        (True, DEDUPLICATES),
        (False, DEDUPLICATES),
    ],
)
def test_other_queues_are_declared(durable: bool, arguments: dict[str, Field]) -> None:
    assert declare_queue(durable=durable, arguments=arguments)


def test_a_stream_is_refused_what_only_one_node_would_do() -> None:
    key = "x-stream-compact-key"
    arguments = {"x-queue-type": longstr("stream"), key: longstr("routing-key")}
    with pytest.raises(NotSupportedError, match=f"streams with '{key}' are not there"):
        declare_queue(durable=True, arguments=arguments)


@pytest.mark.parametrize("arguments", [{}, {"x-stream-max-segment-age": longstr("1h")}])
def test_another_stream_is_declared(arguments: dict[str, Field]) -> None:
    assert declare_queue(durable=True, arguments={"x-queue-type": longstr("stream"), **arguments})
