"""Exchanges that deduplicate come back with the log of their keys."""

from amqp_server.broker.definitions.export import export_definitions
from amqp_server.broker.definitions.restore import read_stored
from amqp_server.broker.definitions.table import TABLE
from queues.kinds import DEFAULT_KIND
from queues.options import QueueOptions
from tests.support.stored_broker import FakeChangeLog, StoredBroker

TYPE = "x-message-deduplication"


def begun() -> tuple[StoredBroker, FakeChangeLog]:
    changes = FakeChangeLog()
    node = StoredBroker(changes)
    node.add_vhost()
    return node, changes


def queue_id(node: StoredBroker, name: str = "x") -> int:
    return node.vhost().keepers.queue_id(name)


def test_it_keeps_the_id_of_its_log() -> None:
    node, changes = begun()
    node.exchange("x", TYPE, arguments={"x-cache-size": 5})
    node.exchange("y", "topic", arguments={TYPE: True})
    again = StoredBroker(FakeChangeLog(), changes.items().items())
    assert again.restored.skipped == ()
    assert queue_id(again) == queue_id(node) > 0
    assert queue_id(again, "y") == queue_id(node, "y") > queue_id(node)


def test_its_log_is_that_of_a_plain_queue() -> None:
    node, changes = begun()
    node.exchange("x", TYPE, arguments={"x-cache-size": 5})
    memory = {"x-cache-size": 5, "x-cache-persistence": "memory"}
    node.exchange("memory", TYPE, arguments=memory)
    node.exchange("passing", TYPE, durable=False, arguments={"x-cache-size": 5})
    stored = read_stored(changes.items().items())
    assert stored.queue_kinds == {queue_id(node): (DEFAULT_KIND, QueueOptions())}
    assert queue_id(node, "memory") == queue_id(node, "passing") == 0


def test_an_export_imports() -> None:
    node, _ = begun()
    arguments = {"x-cache-size": 5, "x-cache-ttl": 9}
    node.exchange("x", TYPE, arguments=arguments)
    assert export_definitions(TABLE.held(node.broker), "p", "1", "c")["exchanges"] == [
        {
            "name": "x",
            "vhost": "/",
            "type": TYPE,
            "durable": True,
            "auto_delete": False,
            "internal": False,
            "arguments": arguments,
        }
    ]
