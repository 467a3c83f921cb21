"""Requests whose answers are larger than they are: carried out as far as there is room."""

import pytest
from pamqp import commands

from tests.support.frames import METHOD, content_frames, frame, method_frame, publish_payload
from tests.support.peer import Client, Node

WATERMARK_BYTES = 10_000
GET = method_frame(1, commands.Basic.Get, queue="jobs", no_ack=True)
COUNT = 30


@pytest.fixture
def peer(node: Node) -> Client:
    """Return a client with a queue of 30 messages of 5,000 octets, told apart by the first."""
    client = node.open(output_max_bytes=WATERMARK_BYTES)
    client.declare()
    node.open().publish(*[bytes((number,)) * 5_000 for number in range(COUNT)])
    return client


def test_a_read_of_gets_is_answered_in_order_and_in_portions(peer: Client) -> None:
    peer.send_bytes(GET * COUNT)
    bodies = []
    while octets := peer.read_bytes():
        assert len(octets) < 3 * WATERMARK_BYTES
        bodies.append(octets)
    assert len(bodies) > 5
    assert b"".join(bodies).count(b"\x02\x00\x01") == COUNT


def test_nothing_more_is_read_meanwhile(peer: Client) -> None:
    before = peer.outputs_count
    peer.send_bytes(GET * COUNT)
    assert not peer.is_read()
    assert peer.outputs_count > before
    peer.receive()
    assert peer.is_read()


@pytest.mark.parametrize("cut", [0, 1, len(GET) - 1])
def test_what_is_read_all_the_same_is_not_lost(peer: Client, cut: int) -> None:
    """The shell may have had it in its hands already."""
    peer.send_bytes(GET * (COUNT - 2) + GET[:cut])
    peer.send_bytes(GET[cut:] + GET[:3])
    peer.send_bytes(GET[3:])
    assert [body[0] for body in peer.bodies()] == list(range(COUNT))


def test_what_follows_the_gets_is_carried_out_after_them(node: Node, peer: Client) -> None:
    publish = frame(METHOD, 1, publish_payload()) + content_frames(1, b"last")
    peer.send_bytes(GET * COUNT + publish + GET + method_frame(1, commands.Confirm.Select))
    received = peer.receive()
    assert received[COUNT].body == b"last"
    assert isinstance(received[COUNT + 1].method, commands.Confirm.SelectOk)


def test_confirms_of_what_waited_are_sent(node: Node, peer: Client) -> None:
    peer.send(commands.Confirm.Select)
    peer.receive()
    publish = frame(METHOD, 1, publish_payload()) + content_frames(1, b"last")
    peer.send_bytes(GET * COUNT + publish * 3)
    acks = [one for one in peer.methods() if isinstance(one, commands.Basic.Ack)]
    assert [(ack.delivery_tag, ack.multiple) for ack in acks] == [(3, True)]


def test_an_error_that_waited_is_told(peer: Client) -> None:
    peer.send_bytes(GET * COUNT + frame(9, 0, b""))
    received = peer.receive()
    assert len(received) == COUNT + 1
    assert isinstance(received[-1].method, commands.Connection.Close)


def test_a_full_transport_is_waited_for(node: Node, peer: Client) -> None:
    peer.send_bytes(GET * COUNT)
    peer.connection.pause_deliveries()
    first = peer.receive()
    assert len(first) < 10
    assert not peer.is_read()
    peer.connection.resume_deliveries()
    assert len(first) + len(peer.receive()) == COUNT


def test_who_closes_its_half_meanwhile_gets_its_answers_and_then_the_end(
    node: Node, peer: Client
) -> None:
    peer.send_bytes(GET * COUNT)
    peer.connection.receive_eof(node.now_ms)
    assert not peer.is_closed()
    assert [body[0] for body in peer.bodies()] == list(range(COUNT))
    assert peer.is_closed()


def test_who_is_lost_meanwhile_has_done_what_it_asked_for_and_gets_no_answers(
    node: Node, peer: Client
) -> None:
    publish = frame(METHOD, 1, publish_payload("", "last")) + content_frames(1, b"last")
    other = node.open()
    other.declare("last")
    peer.send_bytes(GET * COUNT + publish)
    assert other.get("last") is None
    peer.connection.lose(node.now_ms)
    node.end_turns()
    assert peer.is_closed()
    assert peer.receive() == []
    assert other.get("last") == b"last"


def test_deliveries_that_are_not_read_do_not_keep_a_client_from_being_heard(
    node: Node, peer: Client
) -> None:
    peer.consume()
    peer.connection.pause_deliveries()
    other = node.open()
    other.declare("elsewhere")
    assert peer.connection.data_to_send()
    for number in range(20):
        peer.publish(b"x" * WATERMARK_BYTES, routing_key="elsewhere")
        assert peer.is_read(), f"after {number} publishes"
    other.send(commands.Queue.Declare, queue="elsewhere", passive=True)
    assert other.expect(commands.Queue.DeclareOk).message_count == 20


def test_answers_are_counted_apart_from_deliveries(node: Node, peer: Client) -> None:
    peer.consume()
    node.open().publish(*[b"d" * 9_000] * 5)
    qos = method_frame(1, commands.Basic.Qos, prefetch_count=0)
    peer.send_bytes(qos * 500)
    assert peer.is_read(), "500 answers of 12 octets"
    peer.send_bytes(qos * 2_000)
    assert not peer.is_read(), "enough of them are too many"
    peer.receive()
    assert peer.is_read()


def test_a_connection_that_closes_meanwhile_needs_its_answer_read(node: Node, peer: Client) -> None:
    peer.send_bytes(GET * COUNT)
    peer.connection.shut_down("stop", node.now_ms)
    assert isinstance(peer.receive()[-1].method, commands.Connection.Close)
    peer.send(commands.Connection.CloseOk, 0)
    assert peer.is_closed()
