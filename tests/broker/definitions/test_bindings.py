"""Bindings: what of a file is taken, and what stands for arguments in a key."""

from dataclasses import replace

import pytest

from amqp_server.broker.definitions.bindings import BindingRow
from amqp_server.broker.definitions.definition import BindingDefinition
from amqp_server.broker.definitions.item import DefinitionsError, Item
from amqp_server.broker.definitions.row import Reading
from amqp_server.wire.tables import longstr

READING = Reading(bytes)


def test_a_binding_that_does_not_say_so_is_one_to_a_queue() -> None:
    item = Item({"source": "x", "vhost": "/", "destination": "q"}, "d")
    binding = BindingRow().read(item, READING)
    assert (binding.destination_type, binding.routing_key) == ("queue", "")


def test_a_binding_to_anything_else_is_refused_with_its_path() -> None:
    raw = {"source": "x", "vhost": "/", "destination": "q", "destination_type": "topic"}
    with pytest.raises(DefinitionsError, match=r"d\.destination_type: expected queue or exchange"):
        BindingRow().read(Item(raw, "d"), READING)


def test_the_order_of_arguments_makes_no_other_binding() -> None:
    arguments = {"a": longstr("1"), "b": longstr("2")}
    one = BindingDefinition("x", "/", "q", "queue", "k", arguments)
    other = replace(one, arguments=dict(reversed(arguments.items())))
    bare = replace(one, arguments={})
    names = BindingRow().names
    assert names(one) == names(other) != names(bare)
    assert names(bare)[-1] == ""
