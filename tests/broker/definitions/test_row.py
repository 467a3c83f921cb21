"""How a file is read: the vhost of an item that names none, and whom it finds there."""

import pytest

from amqp_server.broker.definitions.item import DefinitionsError, Item
from amqp_server.broker.definitions.row import Reading


def test_an_item_is_in_the_vhost_that_it_names_and_else_in_that_of_the_file() -> None:
    named, unnamed = Item({"vhost": "a"}, "d"), Item({}, "d")
    assert Reading(bytes, "b").vhost_of(named) == "a"
    assert Reading(bytes, "b").vhost_of(unnamed) == "b"
    with pytest.raises(DefinitionsError, match=r"d\.vhost: must be given"):
        Reading(bytes).vhost_of(unnamed)


def test_nobody_is_there_unless_it_is_said() -> None:
    assert Reading(bytes).known_user("guest") is None
