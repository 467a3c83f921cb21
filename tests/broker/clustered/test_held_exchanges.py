"""What exchanges hold that are there from the beginning, and which names no exchange has."""

from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.clustered.held_exchanges import PREDECLARED, is_no_exchange, properties_of
from amqp_server.broker.definitions.definition import ExchangeDefinition


def test_an_exchange_holds_what_it_was_declared_with() -> None:
    exchange = ExchangeDefinition("x", "/", "fanout", True, False, True, {})
    assert properties_of(exchange) == ExchangeProperties("fanout", True, False, True, {})


def test_reserved_names_are_those_of_exchanges_that_are_there_or_of_none() -> None:
    assert PREDECLARED["amq.topic"].exchange_type == "topic"
    assert [is_no_exchange(name) for name in ("amq.topic", "amq.none", "x")] == [False, True, False]
