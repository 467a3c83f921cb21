"""Engines of queues: made with the options of arguments and policies, which may change."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.backing import IN_MEMORY
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.queue import QueueIdentity, local_engine
from amqp_server.broker.steps import finish
from queues.ports import EngineParts, QueueEngine
from tests.support.peer import Node
from tests.support.stored_broker import NOW_MS, FakeChangeLog, StoredBroker


@pytest.fixture
def class_lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Returns, and forgets, what was logged of queues' classes."""
    caplog.set_level("INFO", "amqp_server.broker.queue_factory")

    def lines() -> list[str]:
        found = [each.getMessage() for each in caplog.records]
        caplog.clear()
        return found

    return lines


def test_the_class_of_a_queue_is_logged_where_it_has_its_own_and_when_it_changes(
    class_lines: Callable[[], list[str]],
) -> None:
    node = StoredBroker(FakeChangeLog())
    node.add_vhost()
    queues = node.vhost().queues
    node.queue("plain")
    node.queue("passing", durable=False, arguments={"x-durability": "os"})
    assert class_lines() == []
    node.queue("own", arguments={"x-durability": "fsync"})
    node.queue("own", arguments={"x-durability": "fsync"})
    assert class_lines() == ["durability queue='own' vhost='/' durability=fsync by=argument"]
    node.vhost().set_policy(Policy("p", "", {"durability": "os"}))
    finish(queues.applying_policies(NOW_MS))
    finish(queues.applying_policies(NOW_MS))
    node.queue("later")
    assert class_lines() == [
        "durability queue='plain' vhost='/' durability=os by=policy",
        "durability queue='later' vhost='/' durability=os by=policy",
    ]
    node.vhost().clear_policy("p")
    finish(queues.applying_policies(NOW_MS))
    assert class_lines() == [
        "durability queue='plain' vhost='/' durability=fsync by=node",
        "durability queue='later' vhost='/' durability=fsync by=node",
    ]


def test_whoever_backs_a_node_makes_its_engines() -> None:
    made: list[QueueIdentity] = []

    def noted(queue: QueueIdentity, parts: EngineParts[Any]) -> QueueEngine:
        made.append(queue)
        return local_engine(queue, parts)

    broker = Node(backing=replace(IN_MEMORY, make_engine=noted)).broker
    properties = QueueProperties(True, False, False, {})
    queues = broker.vhost("/").queues
    queue = queues.declare("q", properties, None, NOW_MS, stored_id="id")
    assert [(each.vhost_name, each.name, each.stored_id) for each in made] == [("/", "q", "id")]
    assert queue.stored_id == "id"
