"""Patterns, cycles, and headers that are made to cost, or to pretend."""

import pytest
from pamqp import commands

from amqp_server.wire.properties import split
from tests.support.peer import Client, Node


def exchange(peer: Client, name: str, kind: str = "fanout", **arguments: object) -> None:
    peer.send(commands.Exchange.Declare, exchange=name, exchange_type=kind, **arguments)


def bind(peer: Client, source: str, routing_key: str = "", **arguments: object) -> None:
    peer.send(
        commands.Queue.Bind, queue="jobs", exchange=source, routing_key=routing_key, **arguments
    )


def everything(peer: Client, queue: str = "jobs") -> list[bytes]:
    """Read all answers, then empty the queue."""
    assert peer.closes() == []
    bodies = []
    while (body := peer.get(queue)) is not None:
        bodies.append(body)
    return bodies


@pytest.mark.parametrize("pattern", ["#.#.#.#", "#.a.#.a.#.a.#", ".".join("#*" * 60)])
def test_patterns_of_many_hashes_against_the_longest_key(peer: Client, pattern: str) -> None:
    bind(peer, "amq.topic", pattern)
    peer.publish(b"x", exchange="amq.topic", routing_key="a." * 127 + "a")
    assert everything(peer) == [b"x"]


def test_a_key_of_nothing_but_dots(peer: Client) -> None:
    bind(peer, "amq.topic", "#.b.#.b.#.b.#")
    bind(peer, "amq.topic", "*.*.#")
    peer.publish(b"x", exchange="amq.topic", routing_key="." * 127)
    assert everything(peer) == [b"x"]


def test_headers_bindings_of_many_arguments(peer: Client) -> None:
    wanted = {f"h{number}": number for number in range(300)}
    bind(peer, "amq.headers", arguments={"x-match": "all", **wanted})
    peer.publish(b"no", exchange="amq.headers", headers={**wanted, "h7": -1})
    peer.publish(b"yes", exchange="amq.headers", headers=wanted)
    assert everything(peer) == [b"yes"]


def test_alternate_exchanges_in_a_circle(peer: Client) -> None:
    exchange(peer, "one", "direct", arguments={"alternate-exchange": "two"})
    exchange(peer, "two", "direct", arguments={"alternate-exchange": "one"})
    peer.publish(b"lost", exchange="one", mandatory=True)
    assert peer.bodies() == [b"lost"]


def test_exchanges_bound_in_a_circle_and_to_themselves(peer: Client) -> None:
    for name in ("one", "two"):
        exchange(peer, name)
    for source, destination in [("one", "two"), ("two", "one"), ("one", "one")]:
        peer.send(commands.Exchange.Bind, source=source, destination=destination)
    bind(peer, "one")
    bind(peer, "two")
    peer.publish(b"x", exchange="one")
    assert everything(peer) == [b"x"]


def test_a_dead_letter_that_comes_back_by_itself_is_dropped(node: Node, peer: Client) -> None:
    peer.declare(
        "circle",
        arguments={
            "x-message-ttl": 10,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": "circle",
        },
    )
    peer.publish(b"x", routing_key="circle")
    node.advance(1_000)
    assert everything(peer, "circle") == []


def test_a_rejection_may_go_round_and_is_counted_not_listed(peer: Client) -> None:
    peer.declare(
        "circle",
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "circle"},
    )
    peer.publish(b"x", routing_key="circle")
    for tag in range(1, 21):
        peer.send(commands.Basic.Get, queue="circle")
        peer.send(commands.Basic.Reject, delivery_tag=tag, requeue=False)
    peer.receive()
    peer.send(commands.Basic.Get, queue="circle")
    (got,) = peer.receive()
    deaths = split(got.header).headers()["x-death"].value
    assert isinstance(deaths, list)
    assert len(deaths) == 1
    assert isinstance(deaths[0].value, dict)
    assert deaths[0].value["count"].value == 20


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"CC": ["k"] * 1025}, "1025 routing keys in CC and BCC, at most 1024"),
        ({"CC": "k"}, '{unacceptable_type_in_header,"CC",longstr}'),
        ({"BCC": 5}, '{unacceptable_type_in_header,"BCC",long}'),
    ],
    ids=["many", "text", "number"],
)
def test_copies_without_end_or_of_a_wrong_type(
    peer: Client, headers: dict[str, object], text: str
) -> None:
    method = {"headers": headers}
    peer.publish(b"x", routing_key="jobs", headers=method["headers"])
    close = peer.closed()
    assert (close.channel, close.code) == (1, 406)
    assert close.text.endswith(text)


def test_copies_to_names_longer_than_any(peer: Client) -> None:
    peer.publish(b"x", headers={"CC": ["k" * 300, "\udcff", ""]})
    assert everything(peer) == [b"x"]


def test_each_copy_to_a_topic_needs_its_right(node: Node) -> None:
    node.broker.users.set_topic_permissions("guest", "/", "amq.topic", "^mine", ".*")
    peer = node.open()
    peer.publish(
        b"x", exchange="amq.topic", routing_key="mine", headers={"BCC": ["mine.too", "yours"]}
    )
    close = peer.closed()
    assert (close.channel, close.code) == (1, 403)


def test_a_user_id_that_is_not_mine(peer: Client) -> None:
    peer.publish(b"mine", user_id="guest")
    assert everything(peer) == [b"mine"]
    peer.publish(b"yours", user_id="root")
    close = peer.closed()
    assert (close.channel, close.code) == (1, 406)


def test_a_forged_reply_name_reaches_nobody(node: Node, peer: Client) -> None:
    server = node.open()
    server.consume("amq.rabbitmq.reply-to", no_ack=True)
    server.receive()
    for name in (
        "amq.rabbitmq.reply-to.",
        "amq.rabbitmq.reply-to.g1h-AAAA",
        "amq.rabbitmq.reply-to",
    ):
        peer.publish(b"x", routing_key=name, mandatory=True)
        assert peer.bodies() == [b"x"]
    assert server.receive() == []


def test_a_reply_name_is_not_to_be_bound(peer: Client) -> None:
    peer.send(commands.Queue.Bind, queue="amq.rabbitmq.reply-to", exchange="amq.topic")
    close = peer.closed()
    assert (close.channel, close.code) == (1, 403)
