"""Clients that ask, publish or consume and never read: bounded, heard, and gone when they go."""

import pytest
from pamqp import commands

from tests.support.frames import METHOD, ack_frame, content_frames, frame, method_frame
from tests.support.frames import publish_payload as payload
from tests.support.peer import Client, Node

MARK_BYTES = 50_000
READ_BYTES = 32_768
BODY_BYTES = 10_000
RETURN_OVERHEAD = 4
"""A mandatory publish of 60 octets comes back in 200."""

GET = method_frame(1, commands.Basic.Get, queue="full")
ASKS = {
    "gets": GET,
    "declares": method_frame(1, commands.Queue.Declare, queue="full", passive=True),
    "qos": method_frame(1, commands.Basic.Qos, prefetch_count=1),
    "returns": frame(METHOD, 1, payload("", "nowhere", 1)) + content_frames(1, b"x"),
    "unknown": method_frame(1, commands.Queue.Declare, queue="none", passive=True)
    + method_frame(1, commands.Channel.CloseOk)
    + method_frame(1, commands.Channel.Open),
}


@pytest.fixture
def peer(node: Node) -> Client:
    client = node.open(output_max_bytes=MARK_BYTES)
    client.declare("full")
    node.open().publish(*[b"m" * BODY_BYTES] * 200, routing_key="full")
    return client


def unsent_bytes(peer: Client) -> int:
    return peer.connection._outbox.size_bytes


def flood(peer: Client, ask: bytes) -> int:
    """Ask while the socket would be read; return how many reads that were."""
    data = ask * (READ_BYTES // len(ask))
    reads_count = 0
    while peer.is_read():
        peer.send_bytes(data)
        reads_count += 1
        assert reads_count < 1_000, "it is stopped some time"
    return reads_count


@pytest.mark.parametrize("kind", ASKS)
def test_who_asks_and_never_reads_is_stopped(node: Node, peer: Client, kind: str) -> None:
    flood(peer, ASKS[kind])
    one_event = RETURN_OVERHEAD * READ_BYTES if kind == "returns" else 2 * BODY_BYTES
    assert unsent_bytes(peer) <= 2 * MARK_BYTES + one_event
    assert node.open().works()


@pytest.mark.parametrize("kind", ASKS)
@pytest.mark.parametrize("is_lost", [False, True])
def test_who_goes_while_its_answers_wait_leaves_nothing(
    node: Node, peer: Client, kind: str, is_lost: bool
) -> None:
    flood(peer, ASKS[kind])
    if is_lost:
        peer.connection.lose(node.now_ms)
        node.end_turns()
    else:
        peer.connection.receive_eof(node.now_ms)
        peer.receive()
    assert peer.is_closed()
    assert unsent_bytes(peer) == 0
    assert list(node.broker.connections())[1:] == []
    reader = node.open()
    reader.send(commands.Queue.Declare, queue="full", passive=True)
    assert reader.expect(commands.Queue.DeclareOk).message_count == 200, "gets were not acked"


def test_who_never_reads_its_deliveries_publishes_and_acks_for_ever(
    node: Node, peer: Client
) -> None:
    peer.consume("full")
    peer.connection.data_to_send()
    peer.connection.pause_deliveries()
    other = node.open()
    other.declare("elsewhere")
    for number in range(200):
        peer.publish(*[b"x"] * 100, routing_key="elsewhere")
        if number < 3:
            peer.send_bytes(ack_frame(1, number + 1))
    assert peer.is_read()
    assert unsent_bytes(peer) <= MARK_BYTES + READ_BYTES
    other.send(commands.Queue.Declare, queue="elsewhere", passive=True)
    assert other.expect(commands.Queue.DeclareOk).message_count == 20_000


@pytest.mark.parametrize("end", ["eof", "lost", "close"])
def test_what_was_delivered_and_not_read_is_back_at_once(
    node: Node, peer: Client, end: str
) -> None:
    peer.consume("full")
    peer.connection.pause_deliveries()
    if end == "close":
        peer.send(commands.Connection.Close, 0)
    elif end == "eof":
        peer.connection.receive_eof(node.now_ms)
    else:
        peer.connection.lose(node.now_ms)
    node.end_turns()
    other = node.open()
    other.send(commands.Queue.Declare, queue="full", passive=True)
    assert other.expect(commands.Queue.DeclareOk).message_count == 200
    assert peer.is_closed()


def test_many_full_pipes_keep_nobody_from_anything(node: Node, peer: Client) -> None:
    asking = [node.open(output_max_bytes=MARK_BYTES) for _ in range(30)]
    for one in asking:
        flood(one, ASKS["declares"])
    assert sum(map(unsent_bytes, asking)) <= 30 * (2 * MARK_BYTES + BODY_BYTES)
    assert peer.works()
    for one in asking:
        one.connection.lose(node.now_ms)
    node.end_turns()
    assert sum(map(unsent_bytes, asking)) == 0
    assert node.broker.count_connections() == 2
