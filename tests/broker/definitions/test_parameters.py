"""Parameters of components that are not ours: taken and shown as they are."""

from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
)
from amqp_server.broker.definitions.item import Item
from amqp_server.broker.definitions.parameters import GlobalParameterRow, ParameterRow
from amqp_server.broker.definitions.row import Reading

READING = Reading(bytes)


def test_a_parameter_is_shown_as_it_was_read() -> None:
    raw = {"vhost": "/", "component": "shovel", "name": "n", "value": {"a": [1, None]}}
    row = ParameterRow()
    parameter = row.read(Item(raw, "d"), READING)
    assert parameter == ParameterDefinition("/", "shovel", "n", {"a": [1, None]})
    assert row.show(parameter) == raw


def test_a_global_parameter_is_shown_as_it_was_read() -> None:
    raw = {"name": "cluster_name", "value": "rabbit@shop"}
    row = GlobalParameterRow()
    parameter = row.read(Item(raw, "d"), READING)
    assert parameter == GlobalParameterDefinition("cluster_name", "rabbit@shop")
    assert row.show(parameter) == raw
