"""Deadlines of one connection, with time as an argument: handshake, heartbeats, deliveries."""

import pytest
from pamqp import commands

from amqp_server.broker.settings import BrokerSettings
from amqp_server.protocol.settings import ProtocolSettings
from amqp_server.protocol.transitions import State
from tests.support.frames import HEARTBEAT, PROTOCOL_HEADER, frame
from tests.support.peer import Client, Node, Received

BEAT = frame(HEARTBEAT, 0, b"")
HANDSHAKE_MS = 10_000
LINGER_MS = 3_000


def beating(node: Node, interval_s: int = 10) -> Client:
    """Return a client that agreed on heartbeats."""
    client = node.connect()
    client.shake_hands(heartbeat=interval_s)
    return client


# -- the handshake -----------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", b"AMQ", PROTOCOL_HEADER])
def test_a_stranger_has_ten_seconds_to_get_in(said: bytes) -> None:
    node = Node()
    peer = node.connect()
    for octet in said:
        peer.send_bytes(bytes((octet,)))
        node.advance(1_000)
    node.advance(HANDSHAKE_MS - 1_000 * len(said) - 1)
    assert not peer.is_closed()
    node.advance(1)
    assert peer.is_closed()


def test_the_time_runs_until_the_vhost_is_open() -> None:
    node = Node()
    peer = node.connect()
    peer.send_bytes(PROTOCOL_HEADER)
    peer.log_in()
    peer.send(commands.Connection.TuneOk, 0, channel_max=9, frame_max=4096, heartbeat=0)
    node.advance(HANDSHAKE_MS)
    assert peer.is_closed()


def test_an_open_connection_without_heartbeats_has_no_deadline() -> None:
    node = Node()
    peer = node.connect()
    peer.shake_hands()
    assert peer.connection.next_deadline_ms() is None
    node.advance(10**9)
    assert peer.connection.life.state is State.OPEN


def test_a_refused_login_costs_its_time() -> None:
    """Told at once to who asked for it, closed after three seconds, read no more."""
    node = Node()
    peer = node.connect()
    peer.send_bytes(PROTOCOL_HEADER)
    peer.log_in("guest", "wrong")
    close = peer.closed()
    assert (close.code, close.channel) == (403, 0)
    peer.log_in("guest")
    assert peer.receive() == []
    node.advance(30_000)
    assert peer.is_closed()


def test_a_broken_handshake_is_closed_after_a_while_without_a_word() -> None:
    node = Node()
    peer = node.connect()
    peer.send_bytes(PROTOCOL_HEADER)
    peer.receive()
    peer.send_bytes(frame(9, 0, b""))
    assert peer.connection.life.state is State.LINGERING
    assert peer.receive() == []
    node.advance(LINGER_MS - 1)
    assert not peer.is_closed()
    node.advance(1)
    assert peer.is_closed()


def test_the_delay_is_a_setting() -> None:
    node = Node(ProtocolSettings(silent_close_delay_ms=100, handshake_timeout_ms=200))
    peer, slow = node.connect(), node.connect()
    peer.send_bytes(PROTOCOL_HEADER)
    peer.send_bytes(frame(9, 0, b""))
    node.advance(100)
    assert (peer.is_closed(), slow.is_closed()) == (True, False)
    node.advance(100)
    assert slow.is_closed()


# -- heartbeats --------------------------------------------------------------------------------


def test_a_heartbeat_is_sent_after_half_the_interval() -> None:
    node = Node()
    peer = beating(node)
    node.advance(4_999)
    assert peer.receive() == []
    node.advance(1)
    assert peer.receive() == [Received(0, None)]


def test_other_output_stands_for_a_heartbeat() -> None:
    node = Node()
    peer = beating(node)
    node.advance(4_000)
    peer.send(commands.Channel.Open, 1)
    peer.receive()
    node.advance(4_999)
    assert peer.receive() == []
    node.advance(1)
    assert peer.receive() == [Received(0, None)]


def test_a_silent_peer_is_given_up_after_two_intervals_and_not_told() -> None:
    node = Node()
    peer = beating(node)
    peer.open_channel(1)
    peer.declare("mine", exclusive=True)
    node.advance(19_999)
    assert not peer.is_closed()
    node.advance(1)
    assert peer.is_closed()
    assert node.vhost.queues.find("mine") is None
    assert peer.closes() == []


@pytest.mark.parametrize("data", [BEAT, b"\x01\x00\x01\x00\x00\x0f\xff"])
def test_any_byte_is_a_sign_of_life(data: bytes) -> None:
    node = Node()
    peer = beating(node)
    for octet in data:
        node.advance(19_999)
        peer.send_bytes(bytes((octet,)))
    assert not peer.is_closed()


def test_an_interval_at_the_edge_is_taken() -> None:
    node = Node()
    peer = beating(node, 65_535)
    node.advance(131_069_999)
    assert not peer.is_closed()
    node.advance(1)
    assert peer.is_closed()


def test_a_consumer_that_never_reads_is_given_up_as_well() -> None:
    """What it does not read does not keep it alive."""
    node = Node()
    peer = beating(node)
    peer.open_channel(1)
    peer.declare()
    peer.publish(*[b"x" * 1000] * 100)
    peer.consume()
    node.advance(20_000)
    assert peer.is_closed()


# -- deliveries --------------------------------------------------------------------------------


@pytest.fixture
def impatient() -> Node:
    return Node(broker=BrokerSettings(consumer_timeout_ms=60_000, consumer_tick_ms=10_000))


def test_a_delivery_that_is_never_acked_closes_its_channel(impatient: Node) -> None:
    peer = impatient.open()
    peer.declare()
    peer.consume()
    impatient.advance(35_000)
    peer.publish(b"x")
    assert peer.bodies() == [b"x"]
    impatient.advance(59_999)
    assert peer.closes() == []
    impatient.advance(10_000)
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (1, 406, (0, 0))
    assert close.text == (
        "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used:"
        " 60000 ms. This timeout value can be configured, see consumers doc guide to learn more"
    )
    peer.send(commands.Channel.CloseOk)
    peer.open_channel(1)
    assert peer.get() == b"x"


def test_an_ack_in_time_keeps_the_channel(impatient: Node) -> None:
    peer = impatient.open()
    peer.declare()
    peer.consume()
    for tag in range(1, 4):
        peer.publish(b"x")
        impatient.advance(45_000)
        peer.send(commands.Basic.Ack, delivery_tag=tag)
    impatient.advance(600_000)
    assert peer.closes() == []


@pytest.mark.parametrize("how", ["queue", "consumer"])
def test_queue_and_consumer_may_have_a_timeout_of_their_own(how: str) -> None:
    node = Node(broker=BrokerSettings(consumer_tick_ms=10_000))
    peer = node.open()
    argument = {"x-consumer-timeout": 120_000}
    peer.declare(arguments=argument if how == "queue" else {})
    peer.publish(b"x")
    peer.consume(arguments=argument if how == "consumer" else {})
    node.advance(119_000)
    assert peer.closes() == []
    node.advance(11_000)
    assert "Timeout value used: 120000 ms" in peer.closed().text


def test_a_short_timeout_is_found_behind_deliveries_that_may_wait_for_longer() -> None:
    node = Node(broker=BrokerSettings(consumer_timeout_ms=600_000, consumer_tick_ms=10_000))
    peer = node.open()
    waits: list[tuple[str, dict[str, object]]] = [
        ("long", {}),
        ("short", {"x-consumer-timeout": 120_000}),
    ]
    for name, arguments in waits:
        peer.declare(name, arguments=arguments)
        peer.publish(b"x", routing_key=name)
        peer.send(commands.Basic.Get, queue=name)
        assert peer.bodies() == [b"x"]
        node.advance(1_000)
    node.advance(119_000)
    assert peer.closes() == []
    node.advance(11_000)
    assert "Timeout value used: 120000 ms" in peer.closed().text


def test_no_timeout_is_never(impatient: Node) -> None:
    node = Node(broker=BrokerSettings(consumer_timeout_ms=0, consumer_tick_ms=3_600_000))
    peer = node.open()
    peer.declare()
    peer.publish(b"x")
    peer.consume()
    node.advance(10**8)
    assert peer.closes() == []


def test_an_auto_acked_delivery_has_no_timeout(impatient: Node) -> None:
    peer = impatient.open()
    peer.declare()
    peer.publish(b"x")
    peer.consume(no_ack=True)
    impatient.advance(600_000)
    assert peer.closes() == []


# -- when the shell must ask again ---------------------------------------------------------------


def test_a_deadline_that_is_known_need_not_be_asked_for_again() -> None:
    node = Node()
    peer = beating(node)
    peer.connection.next_deadline_ms()
    known_ms = peer.connection.life.due_ms
    assert known_ms == node.now_ms + 5_000
    node.advance(1_000)
    peer.send_bytes(BEAT)
    peer.read_bytes()
    assert peer.connection.life.due_ms == known_ms, "traffic only moves it away"
    peer.connection.shut_down("bye", node.now_ms)
    assert peer.connection.life.due_ms is None, "the time for close-ok began"


def test_without_a_deadline_it_is_asked_for_each_time() -> None:
    peer = Node().connect()
    peer.shake_hands()
    assert peer.connection.next_deadline_ms() is None
    assert peer.connection.life.due_ms is None
    peer.open_channel(1)
    assert peer.connection.next_deadline_ms() is not None, "consumers' timeouts"


def test_heartbeats_begin_without_a_word_and_the_shell_hears_of_it() -> None:
    peer = Node().connect()
    peer.send_bytes(PROTOCOL_HEADER)
    peer.log_in()
    peer.receive()
    told_count = peer.outputs_count
    peer.send(commands.Connection.TuneOk, 0, channel_max=9, frame_max=4096, heartbeat=1)
    assert peer.connection.life.due_ms is None
    assert peer.outputs_count == told_count + 1
