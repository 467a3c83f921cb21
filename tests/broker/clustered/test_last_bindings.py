"""Bindings that may be the last of auto-delete exchanges, as this node has them."""

from unittest.mock import patch

from pamqp import commands

from amqp_server.broker.clustered import last_bindings as module
from amqp_server.broker.clustered.last_bindings import last_bindings
from tests.support.peer import Node


def bound(exchanges: int, *, auto_delete: bool = True) -> Node:
    node = Node()
    client = node.open()
    client.declare("q")
    for number in range(exchanges):
        name = f"x{number}"
        client.send(
            commands.Exchange.Declare,
            exchange=name,
            exchange_type="topic",
            auto_delete=auto_delete,
        )
        client.expect(commands.Exchange.DeclareOk)
        for key in ("a", "b"):
            client.send(commands.Queue.Bind, queue="q", exchange=name, routing_key=key)
            client.expect(commands.Queue.BindOk)
    return node


def test_each_exchange_has_one() -> None:
    found = list(last_bindings(bound(2).broker, "/", "q"))
    assert [(each.source, each.routing_key) for each in found] == [("x0", "a"), ("x1", "a")]
    assert {(each.vhost, each.destination) for each in found} == {("/", "q")}


def test_other_exchanges_have_none() -> None:
    assert not list(last_bindings(bound(2, auto_delete=False).broker, "/", "q"))


def test_what_is_not_there_has_none() -> None:
    broker = bound(1).broker
    assert not list(last_bindings(broker, "none", "q"))
    assert not list(last_bindings(broker, "/", "none"))


def test_there_is_a_bound_of_both() -> None:
    broker = bound(4).broker
    with patch.object(module, "EXCHANGES_MAX", 2):
        assert len(list(last_bindings(broker, "/", "q"))) == 2
    with patch.object(module, "LOOKED_AT_MAX", 5):
        assert [each.source for each in last_bindings(broker, "/", "q")] == ["x0", "x1", "x2"]


def test_an_exchange_with_many_bindings_is_left_to_the_sweep() -> None:
    broker = bound(2).broker
    with patch.object(module, "BINDINGS_MAX", 2):
        assert len(list(last_bindings(broker, "/", "q"))) == 2
    with patch.object(module, "BINDINGS_MAX", 1):
        assert not list(last_bindings(broker, "/", "q"))
