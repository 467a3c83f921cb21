"""Guessing passwords: refusals are held back, right ones are not, and nothing of it leaks."""

import pytest
from pamqp import commands

from amqp_server.broker.access.login_delays import HELD_PER_ADDRESS_MAX
from amqp_server.broker.settings import BrokerSettings
from amqp_server.connections.peer import Peer
from amqp_server.protocol.settings import ProtocolSettings
from tests.support.frames import PROTOCOL_HEADER, method_frame
from tests.support.peer import LOCAL, Client, Node

ELSEWHERE = Peer("192.0.2.9", 50_000, "192.0.2.1", 5672, is_loopback=False)
TEXT = (
    "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the"
    " broker logfile."
)


@pytest.fixture
def node() -> Node:
    node = Node()
    node.add_user("app")
    return node


def guess(node: Node, user: str = "app", password: str = "wrong", peer: Peer = LOCAL) -> Client:
    """Return a client that has sent start-ok and has read nothing since."""
    client = node.connect(peer)
    client.send_bytes(PROTOCOL_HEADER)
    client.expect(commands.Connection.Start)
    client.log_in(user, password)
    return client


def suspected(node: Node, peer: Peer = LOCAL) -> None:
    """Guess until the next refusal is held back."""
    while True:
        client = guess(node, peer=peer)
        if not client.closes():
            return
        client.connection.receive_eof(node.now_ms)


def waited_ms(node: Node, client: Client) -> int:
    """Return how long the refusal took."""
    began_ms = node.now_ms
    while True:
        closes = client.closes()
        if closes:
            (close,) = closes
            assert (close.channel, close.code, close.text) == (0, 403, TEXT)
            return node.now_ms - began_ms
        due_ms = client.connection.next_deadline_ms()
        assert due_ms is not None
        node.advance(due_ms - node.now_ms)


@pytest.mark.parametrize("user", ["app", "nobody"])
def test_refusals_wait_longer_and_longer_whether_there_is_such_a_user(
    node: Node, user: str
) -> None:
    waits = [waited_ms(node, guess(node, user)) for _ in range(10)]
    assert waits == [0, 0, 0, 250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]


def test_right_passwords_do_not_wait(node: Node) -> None:
    suspected(node)
    for peer in (LOCAL, ELSEWHERE):
        guess(node, "app", "app", peer).expect(commands.Connection.Tune)
    guess(node, "guest", "guest").expect(commands.Connection.Tune)


def test_while_a_refusal_waits_nothing_else_is_tried_on_the_connection(node: Node) -> None:
    suspected(node)
    client = guess(node)
    assert not client.is_read()
    right = {"mechanism": "PLAIN", "response": b"\0app\0app", "locale": "en_US"}
    client.send(commands.Connection.StartOk, 0, **right)
    assert waited_ms(node, client) == 500
    assert client.is_read()
    assert client.connection.session.user is None


def test_a_second_guess_in_the_same_read_is_not_heard(node: Node) -> None:
    suspected(node)
    client = node.connect()
    tried = [
        method_frame(
            0,
            commands.Connection.StartOk,
            client_properties={"capabilities": {"authentication_failure_close": True}},
            mechanism="PLAIN",
            response=b"\0app\0" + password,
            locale="en_US",
        )
        for password in (b"wrong", b"app")
    ]
    client.send_bytes(PROTOCOL_HEADER + b"".join(tried))
    client.receive()
    assert waited_ms(node, client) == 500
    assert client.connection.session.user is None


def test_a_client_that_is_told_nothing_waits_before_the_silence(node: Node) -> None:
    suspected(node)
    client = node.connect()
    client.send_bytes(PROTOCOL_HEADER)
    client.receive()
    client.send(
        commands.Connection.StartOk, 0, mechanism="PLAIN", response=b"\0a\0b", locale="en_US"
    )
    node.advance(500 + node.protocol.silent_close_delay_ms - 1)
    assert not client.is_closed()
    node.advance(1)
    assert client.is_closed()
    assert client.receive() == []


def test_hanging_up_does_not_free_the_place_twice(node: Node) -> None:
    suspected(node)
    clients = [guess(node) for _ in range(5)]
    for client in clients:
        client.connection.receive_eof(node.now_ms)
        client.connection.receive_eof(node.now_ms)
    node.advance(60_000)
    assert node.broker.logins._held_count == {}


def test_the_node_stops_while_a_refusal_waits(node: Node) -> None:
    suspected(node)
    client = guess(node)
    client.connection.shut_down("shutdown", node.now_ms)
    assert client.is_closed()
    node.advance(60_000)
    assert node.broker.logins._held_count == {}


def test_no_refusal_waits_beyond_the_handshake() -> None:
    node = Node(
        ProtocolSettings(handshake_timeout_ms=700),
        BrokerSettings(refused_login_delay_max_ms=60_000),
    )
    suspected(node)
    guess(node)
    assert waited_ms(node, guess(node)) == 700


def test_a_crowd_at_one_address_locks_out_nobody_who_was_there_before(node: Node) -> None:
    guess(node, "app", "app").expect(commands.Connection.Tune)
    node.add_user("new")
    suspected(node)
    for _ in range(HELD_PER_ADDRESS_MAX):
        guess(node, "nobody")
    turned_away = guess(node, "new", "new")
    assert turned_away.closed().code == 403
    guess(node, "new", "new", ELSEWHERE).expect(commands.Connection.Tune)
    guess(node, "app", "app").expect(commands.Connection.Tune)
    node.advance(5_000)
    guess(node, "new", "new").expect(commands.Connection.Tune)
