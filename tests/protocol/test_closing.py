"""How a connection ends, by whom, what it is told, and that what it held is free at once."""

import logging

import pytest
from pamqp import commands

from amqp_server.broker.steps import finish
from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.closing import CLOSE_OK_TIMEOUT_MS
from amqp_server.protocol.transitions import State
from tests.support.frames import (
    PROTOCOL_HEADER,
    frame,
    method_frame,
)
from tests.support.peer import Client, Node

LINGER_MS = 3_000
BAD_FRAME = frame(9, 0, b"")
NO_FRAME = b"\x01\x00\x01\xff\xff\xff\xff"


@pytest.fixture
def peer(node: Node) -> Client:
    return node.open()


# -- the peer closes ---------------------------------------------------------------------------


def test_a_close_is_answered_and_ends_it(peer: Client) -> None:
    before = peer.outputs_count
    peer.send(commands.Connection.Close, 0, reply_code=200, reply_text="bye")
    assert peer.outputs_count > before
    assert peer.is_closed()
    peer.expect(commands.Connection.CloseOk)


def test_exclusive_queues_are_gone_before_the_close_is_answered(
    node: Node, peer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that was told may open another connection and declare the same names."""
    peer.declare("mine", exclusive=True)
    queues_at_answer: list[int] = []
    write = Outbox.write

    def watched(outbox: Outbox, octets: bytes) -> None:
        queues_at_answer.append(len(node.vhost.queues))
        write(outbox, octets)

    monkeypatch.setattr(Outbox, "write", watched)
    peer.send(commands.Connection.Close, 0)
    assert queues_at_answer == [0]
    node.open().declare("mine", exclusive=True)


def test_after_the_end_nothing_is_read_or_said(peer: Client) -> None:
    peer.send(commands.Connection.Close, 0)
    peer.receive()
    peer.send(commands.Basic.Qos)
    peer.send_bytes(BAD_FRAME)
    peer.connection.receive_eof(peer.node.now_ms)
    peer.connection.shut_down("again", peer.node.now_ms)
    assert peer.receive() == []
    assert peer.is_closed()


def test_what_comes_after_a_close_in_one_read_is_not_carried_out(node: Node, peer: Client) -> None:
    close = method_frame(0, commands.Connection.Close)
    peer.send_bytes(close + method_frame(1, commands.Queue.Declare, queue="late"))
    assert node.vhost.queues.find("late") is None


# -- the socket ends ---------------------------------------------------------------------------


def test_a_lost_connection_gives_everything_back(node: Node, peer: Client) -> None:
    other = node.open()
    peer.declare()
    peer.declare("mine", exclusive=True)
    peer.publish(b"a", b"b")
    peer.consume()
    assert peer.bodies() == [b"a", b"b"]
    peer.connection.receive_eof(node.now_ms)
    assert peer.is_closed()
    assert node.vhost.queues.find("mine") is None
    assert [other.get(), other.get()] == [b"a", b"b"]
    assert list(node.broker.connections()) == [other.connection.session]


def test_what_is_released_is_released_once(node: Node, peer: Client) -> None:
    peer.declare("mine", exclusive=True)
    peer.connection.receive_eof(node.now_ms)
    other = node.open()
    other.declare("mine", exclusive=True)
    peer.connection.receive_eof(node.now_ms)
    assert node.vhost.queues.find("mine") is not None


def test_a_health_check_is_no_news(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    node.connect().connection.receive_eof(node.now_ms)
    assert caplog.records == []


# -- we close ----------------------------------------------------------------------------------


def test_a_hard_error_is_told_and_waits_for_its_answer(peer: Client) -> None:
    peer.send_bytes(BAD_FRAME)
    close = peer.closed()
    assert (close.channel, close.code) == (0, 501)
    assert not peer.is_closed()
    peer.send(commands.Connection.CloseOk, 0)
    assert peer.is_closed()


def test_what_a_closing_connection_held_is_free_at_once(node: Node, peer: Client) -> None:
    peer.declare("mine", exclusive=True)
    peer.send_bytes(BAD_FRAME)
    assert node.vhost.queues.find("mine") is None
    assert node.broker.count_connections() == 0


def test_an_answer_that_never_comes_is_not_awaited_for_ever(node: Node, peer: Client) -> None:
    peer.send_bytes(BAD_FRAME)
    node.advance(CLOSE_OK_TIMEOUT_MS - 1)
    assert peer.connection.life.state is State.AWAIT_CLOSE_OK
    node.advance(1)
    assert peer.is_closed()


def test_everything_is_discarded_until_the_answer(peer: Client) -> None:
    peer.send_bytes(BAD_FRAME)
    peer.receive()
    peer.send(commands.Queue.Declare, queue="late")
    peer.publish(b"late")
    peer.send(commands.Channel.Open, 7)
    assert peer.receive() == []
    peer.send(commands.Connection.CloseOk, 0)
    assert peer.is_closed()


def test_closes_that_cross_are_both_answered(peer: Client) -> None:
    peer.send_bytes(BAD_FRAME)
    peer.receive()
    peer.send(commands.Connection.Close, 0)
    peer.expect(commands.Connection.CloseOk)
    assert not peer.is_closed()
    peer.send(commands.Connection.CloseOk, 0)
    assert peer.is_closed()


def test_nothing_more_is_read_where_the_next_frame_cannot_be_found(peer: Client) -> None:
    """The close is sent; but an answer to it could not be read either."""
    peer.send_bytes(NO_FRAME)
    assert peer.closed().code == 501
    peer.send(commands.Connection.CloseOk, 0)
    assert peer.connection.life.state is State.LINGERING
    peer.node.advance(LINGER_MS)
    assert peer.is_closed()


def test_a_second_mistake_is_not_told(peer: Client) -> None:
    peer.send_bytes(BAD_FRAME)
    peer.receive()
    peer.send_bytes(BAD_FRAME)
    assert peer.receive() == []
    assert peer.connection.life.state is State.LINGERING


def test_a_stop_of_the_node_is_told(node: Node, peer: Client) -> None:
    node.broker.shut_down(node.now_ms)
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (0, 320, (0, 0))
    assert close.text == (
        "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"
    )
    peer.send(commands.Connection.CloseOk, 0)
    assert peer.is_closed()


def test_a_stop_before_login_tells_nobody(node: Node) -> None:
    peer = node.connect()
    peer.send_bytes(PROTOCOL_HEADER)
    peer.receive()
    peer.connection.shut_down("stop", node.now_ms)
    assert peer.is_closed()
    assert peer.receive() == []


@pytest.mark.parametrize("what", ["vhost", "user"])
def test_a_connection_ends_with_its_vhost_and_its_user(node: Node, what: str) -> None:
    node.add_user("ann")
    peer, other = node.open(user="ann"), node.open()
    if what == "vhost":
        finish(node.broker.deleting_vhost("/", node.now_ms))
        text = "CONNECTION_FORCED - vhost '/' is deleted"
    else:
        finish(node.broker.deleting_user("ann", node.now_ms))
        text = "CONNECTION_FORCED - user 'ann' is deleted"
    assert (peer.closed().text, len(other.closes())) == (text, 1 if what == "vhost" else 0)
