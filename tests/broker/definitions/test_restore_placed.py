"""Where keys are placed after a restart, and where a file with the same definitions places them."""

import json
import random
from collections.abc import Iterator

import pytest

from amqp_server.broker.definitions.apply import apply_definitions
from amqp_server.broker.definitions.definition import Definition
from amqp_server.broker.definitions.export import export_definitions
from amqp_server.broker.definitions.parse import parse_definitions
from amqp_server.broker.definitions.table import TABLE
from tests.support.stored_broker import NOW_MS, FakeChangeLog, StoredBroker

KINDS = ("x-consistent-hash", "x-modulus-hash", "x-super-stream")
KEYS = [f"device-{number}" for number in range(300)]
ORDER = "x-stream-partition-order"


def placed(node: StoredBroker, exchange: str = "x") -> list[tuple[str, ...]]:
    route = node.vhost().router.route
    return [route(exchange, [key], {"h": key}).queue_names for key in KEYS]


def made(kind: str, arguments: dict[str, str] | None = None) -> tuple[FakeChangeLog, StoredBroker]:
    """Return a node with an exchange to which queues were bound and unbound in some order."""
    changes = FakeChangeLog()
    node = StoredBroker(changes)
    node.add_vhost()
    node.exchange("x", kind, arguments=arguments)
    numbers = [*range(12)]
    random.Random(3).shuffle(numbers)
    for number in numbers:
        node.queue(f"q{number}")
        node.bind("x", "queue", f"q{number}", str(1 + number % 4), {ORDER: number})
    node.bind("x", "queue", "q3", "40", {ORDER: 99})
    for number in numbers[:5]:
        node.delete_queue(f"q{number}")
    node.queue(f"q{numbers[0]}")
    node.bind("x", "queue", f"q{numbers[0]}", "3", {ORDER: 77})
    return changes, node


def held(node: StoredBroker) -> Iterator[Definition]:
    for row in TABLE.rows:
        yield from row.held(node.broker)


@pytest.mark.parametrize("kind", KINDS)
def test_a_restart_moves_no_key(kind: str) -> None:
    changes, node = made(kind)
    again = StoredBroker(FakeChangeLog(), changes.items().items())
    assert again.restored.skipped == ()
    assert placed(again) == placed(node)
    assert all(map(len, placed(again)))


@pytest.mark.parametrize("kind", KINDS)
def test_an_import_of_an_export_moves_no_key(kind: str) -> None:
    _, node = made(kind)
    file = json.loads(json.dumps(export_definitions(held(node), "RabbitMQ", "3.13.7", "hares")))
    again = StoredBroker(FakeChangeLog())
    assert apply_definitions(again.broker, parse_definitions(file, bytes), NOW_MS) == ()
    assert placed(again) == placed(node)


def test_what_is_hashed_survives_too() -> None:
    changes, node = made("x-consistent-hash", {"hash-header": "h"})
    again = StoredBroker(FakeChangeLog(), changes.items().items())
    assert placed(again) == placed(node)
    assert len(set(placed(again))) > 1
