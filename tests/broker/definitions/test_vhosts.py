"""Vhosts and their limits: read, and shown as RabbitMQ shows them."""

from amqp_server.broker.definitions.definition import VhostDefinition, VhostLimitsDefinition
from amqp_server.broker.definitions.item import Item
from amqp_server.broker.definitions.row import Reading
from amqp_server.broker.definitions.vhosts import VhostLimitsRow, VhostRow

READING = Reading(bytes)


def test_a_default_type_that_is_not_ours_leaves_the_vhost() -> None:
    item = Item({"name": "v", "default_queue_type": "delayed", "tags": ["t"]}, "d")
    assert VhostRow().read(item, READING) == VhostDefinition("v", tags=("t",))
    assert item.left_out == ["d.default_queue_type: there are no queues of type 'delayed' here"]


def test_limits_are_shown_as_the_parameter_that_they_are() -> None:
    raw = {"vhost": "v", "component": "vhost-limits", "name": "limits", "value": {"max-queues": 3}}
    row = VhostLimitsRow()
    held = row.read(Item(raw, "d"), READING)
    assert held == VhostLimitsDefinition("v", {"max-queues": 3})
    assert row.show(held) == raw
