"""Super streams: created as a whole, told in their order, deleted as a whole."""

import pytest

from amqp_server.stream_protocol.fields import string, string_map, strings
from amqp_server.stream_protocol.keys import Code, CommandKey
from exchanges.bindings import Destination, DestinationKind
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer, ok, refused

CREATE, DELETE = CommandKey.CREATE_SUPER_STREAM, CommandKey.DELETE_SUPER_STREAM
PARTITIONS, ROUTE = CommandKey.PARTITIONS, CommandKey.ROUTE


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def peer(node: Node) -> StreamPeer:
    return StreamPeer.open(node)


def create(peer: StreamPeer, name: str, partitions: list[str], keys: list[str]) -> object:
    return peer.ask(CREATE, string(name), strings(partitions), strings(keys), string_map({}))


def test_a_super_stream_is_an_exchange_with_streams_bound_to_it(
    peer: StreamPeer, node: Node
) -> None:
    assert create(peer, "orders", ["orders-0", "orders-1"], ["eu", "us"]) == ok(CREATE)
    exchange = node.vhost.router.exchanges["orders"]
    assert (exchange.type, exchange.durable) == ("direct", True)
    assert exchange.arguments == {"x-super-stream": True}
    bindings = node.vhost.router.bindings.of_source("orders")
    assert [
        (each.routing_key, each.destination.name, each.arguments["x-stream-partition-order"])
        for each in bindings
    ] == [("eu", "orders-0", 0), ("us", "orders-1", 1)]
    assert peer.ask(PARTITIONS, string("orders")) == ok(
        PARTITIONS, strings(["orders-0", "orders-1"])
    )
    assert peer.ask(ROUTE, string("us"), string("orders")) == ok(ROUTE, strings(["orders-1"]))
    assert peer.ask(ROUTE, string("asia"), string("orders")) == ok(ROUTE, strings([]))


def test_partitions_of_nothing(peer: StreamPeer) -> None:
    missing = Code.STREAM_DOES_NOT_EXIST
    assert peer.ask(PARTITIONS, string("none")) == refused(PARTITIONS, missing)
    assert peer.ask(ROUTE, string("k"), string("none")) == refused(ROUTE, missing)
    assert peer.ask(DELETE, string("none")) == refused(DELETE, missing)


@pytest.mark.parametrize(
    ("name", "partitions", "keys"),
    [
        ("", ["a"], ["k"]),
        ("o", [], []),
        ("o", ["a"], ["k", "l"]),
        ("o", ["a", "a"], ["k", "l"]),
        ("o", ["a", "b"], ["k", "k"]),
        ("o", ["a", ""], ["k", "l"]),
        ("o", ["amq.a"], ["k"]),
        ("amq.o", ["a"], ["k"]),
        ("o", [f"a{number}" for number in range(1001)], [str(number) for number in range(1001)]),
    ],
)
def test_wrong_requests_make_nothing(
    peer: StreamPeer, node: Node, name: str, partitions: list[str], keys: list[str]
) -> None:
    assert create(peer, name, partitions, keys) == refused(CREATE, Code.PRECONDITION_FAILED)
    assert len(node.vhost.queues) == 0


def test_what_exists_is_not_made_again(peer: StreamPeer, node: Node) -> None:
    peer.create("a")
    exists = refused(CREATE, Code.STREAM_ALREADY_EXISTS)
    assert create(peer, "o", ["b", "a"], ["k", "l"]) == exists
    assert node.vhost.queues.find("b") is None
    assert create(peer, "amq", ["c"], ["k"]) == ok(CREATE)
    assert create(peer, "amq", ["d"], ["k"]) == exists


def test_a_wrong_argument_leaves_nothing_behind(peer: StreamPeer, node: Node) -> None:
    answer = peer.ask(
        CREATE, string("o"), strings(["a"]), strings(["k"]), string_map({"max-age": "soon"})
    )
    assert answer == refused(CREATE, Code.PRECONDITION_FAILED)
    assert not node.vhost.exchanges.exists("o")
    assert node.vhost.queues.find("a") is None


def test_delete_takes_the_partitions_with_it(peer: StreamPeer, node: Node) -> None:
    create(peer, "o", ["a", "b"], ["k", "l"])
    assert peer.ask(DELETE, string("o")) == ok(DELETE)
    assert not node.vhost.exchanges.exists("o")
    assert len(node.vhost.queues) == 0


def test_rights(peer: StreamPeer, node: Node) -> None:
    denied = Code.ACCESS_REFUSED
    node.add_user("other", "^x", "^x", "^x")
    other = StreamPeer.open(node, "other")
    assert create(other, "o", ["x1"], ["k"]) == refused(CREATE, denied)
    assert create(other, "x", ["o1"], ["k"]) == refused(CREATE, denied)
    assert create(other, "x", ["x1"], ["k"]) == ok(CREATE)


def test_only_streams_are_partitions(peer: StreamPeer, node: Node) -> None:
    from pamqp import commands  # noqa: PLC0415

    create(peer, "o", ["a"], ["k"])
    node.open().send(commands.Queue.Declare, queue="jobs")
    node.vhost.bind("o", Destination(DestinationKind.QUEUE, "jobs"), "k", {})
    assert peer.ask(PARTITIONS, string("o")) == ok(PARTITIONS, strings(["a"]))
    assert peer.ask(ROUTE, string("k"), string("o")) == ok(ROUTE, strings(["a"]))
