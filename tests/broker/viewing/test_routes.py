"""The view of a way: names that do not exist, and headers that cannot be."""

import pytest

from amqp_server.broker.errors import InvalidMessageError, NotFoundError
from amqp_server.broker.steps import finish
from amqp_server.broker.viewing.routes import RouteView
from amqp_server.broker.views import Views
from amqp_server.wire.tables import Field, Table
from tests.support.peer import Node


def route(node: Node, vhost: str, exchange: str, key: str, headers: Table) -> RouteView:
    return finish(Views(node.broker).route(vhost, exchange, key, headers, {}))


def test_keys_of_carbon_copies_are_taken_too() -> None:
    node = Node()
    peer = node.open()
    for name in ("a", "b"):
        peer.declare(name)
    copies = Field("A", [Field("S", b"b")])
    found = route(node, "/", "", "a", {"CC": copies})
    assert [arrival.queue_name for arrival in found.arrivals] == ["a", "b"]


def test_what_there_is_not_is_refused() -> None:
    node = Node()
    with pytest.raises(NotFoundError, match="no exchange 'x' in vhost '/'"):
        route(node, "/", "x", "", {})
    with pytest.raises(NotFoundError):
        route(node, "none", "", "", {})
    with pytest.raises(InvalidMessageError):
        route(node, "/", "", "", {"BCC": Field("S", b"b")})
