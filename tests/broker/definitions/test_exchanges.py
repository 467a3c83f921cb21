"""Exchanges: what of a file is taken."""

import pytest

from amqp_server.broker.definitions.exchanges import ExchangeRow
from amqp_server.broker.definitions.item import DefinitionsError, Item
from amqp_server.broker.definitions.row import Reading

READING = Reading(bytes)


def test_an_exchange_that_does_not_say_so_is_durable_and_nothing_else() -> None:
    exchange = ExchangeRow().read(Item({"name": "x", "vhost": "/", "type": "topic"}, "d"), READING)
    assert exchange.durable
    assert not exchange.auto_delete
    assert not exchange.internal


def test_a_type_that_there_is_not_is_refused_with_its_path() -> None:
    with pytest.raises(DefinitionsError, match=r"d\.type: expected one of .*, got 'x-other'"):
        ExchangeRow().read(Item({"name": "x", "vhost": "/", "type": "x-other"}, "d"), READING)


def test_arguments_that_the_type_refuses_are_told_with_the_path_of_the_exchange() -> None:
    item = {
        "name": "x",
        "vhost": "/",
        "type": "x-consistent-hash",
        "arguments": {"hash-property": "app_id"},
    }
    with pytest.raises(DefinitionsError, match="d: Unsupported property: app_id"):
        ExchangeRow().read(Item(item, "d"), READING)
