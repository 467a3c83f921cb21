"""Exchanges that delay come back with the log of what waits behind them."""

from amqp_server.broker.definitions.export import export_definitions
from amqp_server.broker.definitions.restore import read_stored
from amqp_server.broker.definitions.table import TABLE
from queues.delayed.waiting import WAITING_OPTIONS
from queues.kinds import DEFAULT_KIND
from tests.support.stored_broker import FakeChangeLog, StoredBroker

DELAYED = {"x-delayed-type": "topic"}


def begun() -> tuple[StoredBroker, FakeChangeLog]:
    changes = FakeChangeLog()
    node = StoredBroker(changes)
    node.add_vhost()
    return node, changes


def queue_id(node: StoredBroker, name: str = "x") -> int:
    return node.vhost().keepers.queue_id(name)


def test_an_exchange_that_delays_keeps_the_id_of_its_log() -> None:
    node, changes = begun()
    node.exchange("x", "x-delayed-message", arguments=DELAYED)
    node.queue("q")
    again = StoredBroker(FakeChangeLog(), changes.items().items())
    assert again.restored.skipped == ()
    assert queue_id(again) == queue_id(node) > 0
    again.exchange("y", "x-delayed-message", arguments=DELAYED)
    again.queue("r")
    ids = [queue_id(again), queue_id(again, "y")]
    ids += [queue.queue_id for queue in again.vhost().queues]
    assert len(set(ids)) == 4


def test_its_log_is_found_as_one_with_a_priority_for_each_slot() -> None:
    node, changes = begun()
    node.exchange("x", "x-delayed-message", arguments=DELAYED)
    node.exchange("plain", "topic")
    node.exchange("passing", "x-delayed-message", durable=False, arguments=DELAYED)
    stored = read_stored(changes.items().items())
    assert stored.queue_kinds == {queue_id(node): (DEFAULT_KIND, WAITING_OPTIONS)}
    assert queue_id(node, "passing") == queue_id(node, "plain") == 0


def test_what_was_deleted_has_no_log_any_more() -> None:
    node, changes = begun()
    node.exchange("x", "x-delayed-message", arguments=DELAYED)
    node.delete_exchange("x")
    assert read_stored(changes.items().items()).queue_kinds == {}


def test_an_export_does_not_tell_the_id() -> None:
    node, _ = begun()
    node.exchange("x", "x-delayed-message", arguments=DELAYED)
    assert export_definitions(TABLE.held(node.broker), "p", "1", "c")["exchanges"] == [
        {
            "name": "x",
            "vhost": "/",
            "type": "x-delayed-message",
            "durable": True,
            "auto_delete": False,
            "internal": False,
            "arguments": DELAYED,
        }
    ]
