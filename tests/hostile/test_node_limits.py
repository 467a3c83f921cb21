"""What many clients hold together: bounded for the node, and others go on."""

import pytest
from pamqp import commands

from amqp_server.broker.node_budget import NodeLimits
from amqp_server.protocol.settings import ProtocolSettings
from tests.support.frames import BODY, HEADER, METHOD, content_header, frame, publish_payload
from tests.support.peer import Client, Node

MIB = 1 << 20
ANNOUNCED_BYTES = 128 * MIB
LIMIT_BYTES = 4 * MIB


def begin(peer: Client, channel: int = 1, pieces_count: int = 4, header: bytes = b"") -> None:
    """Publish a message of 128 MiB, and send so many pieces of 16 KiB of it."""
    piece = frame(BODY, channel, bytes(16_384))
    head = header or content_header(ANNOUNCED_BYTES)
    begun = frame(METHOD, channel, publish_payload()) + frame(HEADER, channel, head)
    peer.send_bytes(begun + piece * pieces_count)


def refused(peers: list[Client]) -> list[Client]:
    """Return whose channel was closed, with 506 and the setting; others were told nothing."""
    found = []
    for peer in peers:
        for close in peer.closes():
            assert (close.channel, close.code, close.method) == (1, 506, (60, 40))
            assert close.text.startswith("RESOURCE_ERROR - ")
            found.append(peer)
    return found


def test_halves_of_many_clients_are_bounded_and_another_goes_on() -> None:
    node = Node(limits=NodeLimits(assembling_bytes=LIMIT_BYTES))
    good = node.open()
    good.declare()
    hostile = [node.open() for _ in range(200)]
    for peer in hostile:
        begin(peer)
        assert node.broker.unfinished.used_bytes <= LIMIT_BYTES
        good.publish(b"x" * 10_000)
    assert len(refused(hostile)) > 100
    assert good.closes() == []
    assert [len(body) for body in (good.get() for _ in range(200)) if body] == [10_000] * 200


def test_a_small_publisher_in_the_middle_of_a_body_is_not_who_lets_go() -> None:
    node = Node(limits=NodeLimits(assembling_bytes=LIMIT_BYTES))
    good = node.open()
    good.declare()
    message = content_header(20_000)
    begin(good, pieces_count=1, header=message)
    hostile = [node.open() for _ in range(80)]
    for peer in hostile:
        begin(peer)
    assert refused(hostile)
    good.send_bytes(frame(BODY, 1, bytes(20_000 - 16_384)))
    assert good.get() == bytes(20_000)


def test_one_client_with_many_channels_is_one_client() -> None:
    node = Node(ProtocolSettings(channel_max=400), limits=NodeLimits(assembling_bytes=LIMIT_BYTES))
    good, hostile = node.open(), node.open()
    good.declare()
    begin(good, pieces_count=8)
    for number in range(2, 300):
        hostile.open_channel(number)
        begin(hostile, number, pieces_count=1)
        if any(close.code == 506 for close in hostile.closes()):
            break
    else:
        raise AssertionError("nothing was refused")
    assert good.closes() == []


def test_headers_alone_are_held_too() -> None:
    """A header may be as large as a frame; no body needs to follow it."""
    node = Node(limits=NodeLimits(assembling_bytes=LIMIT_BYTES))
    peer = node.open()
    large = content_header(1, b"\x20\x00" + (100_000).to_bytes(4, "big") + _table(100_000))
    for number in range(2, 100):
        peer.send(commands.Channel.Open, number)
        begin(peer, number, pieces_count=0, header=large)
        assert node.broker.unfinished.used_bytes <= LIMIT_BYTES
        if peer.closes():
            break
    else:
        raise AssertionError("nothing was refused")


def _table(size_bytes: int) -> bytes:
    value_bytes = size_bytes - 7
    return b"\x01aS" + value_bytes.to_bytes(4, "big") + bytes(value_bytes)


@pytest.mark.parametrize("ends", ["closes", "leaves", "finishes", "fails"])
def test_nothing_is_held_of_what_is_over(ends: str) -> None:
    node = Node(limits=NodeLimits(assembling_bytes=LIMIT_BYTES, tx_bytes=LIMIT_BYTES))
    peer = node.open()
    peer.declare()
    peer.open_channel(2)
    peer.send(commands.Tx.Select, 2)
    peer.publish(b"x" * 1_000, channel=2)
    begin(peer, pieces_count=1, header=content_header(16_385))
    assert node.broker.unfinished.used_bytes > 16_384
    assert node.broker.uncommitted.used_bytes > 1_000
    if ends == "closes":
        peer.send(commands.Connection.Close, 0, reply_code=200)
    elif ends == "leaves":
        peer.connection.receive_eof(node.now_ms)
    elif ends == "finishes":
        peer.send_bytes(frame(BODY, 1, b"x"))
        peer.send(commands.Tx.Commit, 2)
    else:
        peer.send_bytes(frame(BODY, 1, b"xy"))
    assert (node.broker.unfinished.used_bytes, node.broker.uncommitted.used_bytes) == (0, 0)


# -- open transactions ----------------------------------------------------------------------


def begin_tx(peer: Client, *bodies: bytes) -> None:
    peer.send(commands.Tx.Select)
    peer.publish(*bodies)
    assert [method.name for method in peer.methods()][:1] == ["Tx.SelectOk"]


def test_transactions_of_many_clients_are_bounded_and_another_commits() -> None:
    node = Node(limits=NodeLimits(tx_bytes=LIMIT_BYTES))
    good = node.open()
    good.declare()
    begin_tx(good, b"mine")
    hostile = [node.open() for _ in range(100)]
    for peer in hostile:
        peer.send(commands.Tx.Select)
        peer.publish(*[bytes(1_000)] * 100)
        assert node.broker.uncommitted.used_bytes <= LIMIT_BYTES
    assert len(refused(hostile)) > 50
    good.publish(b"too")
    good.send(commands.Tx.Commit)
    good.expect(commands.Tx.CommitOk)
    assert [good.get(), good.get(), good.get()] == [b"mine", b"too", None]


def test_acks_are_held_too() -> None:
    """An ack of very many in a transaction takes memory for each of them."""
    node = Node(limits=NodeLimits(tx_bytes=100_000))
    peer = node.open()
    peer.declare()
    peer.publish(*[b"x"] * 2_000)
    peer.consume()
    peer.receive()
    peer.send(commands.Tx.Select)
    peer.receive()
    peer.send(commands.Basic.Ack, delivery_tag=0, multiple=True)
    close = peer.closed()
    assert (close.code, close.method) == (506, (60, 80))
    assert node.broker.uncommitted.used_bytes == 0
    assert node.vhost.queues.get("jobs", peer.connection.session).engine.ready_count == 2_000


def test_a_transaction_that_was_refused_is_rolled_back_whole() -> None:
    node = Node(limits=NodeLimits(tx_bytes=100_000))
    peer = node.open()
    peer.declare()
    begin_tx(peer, b"one", b"two")
    peer.publish(*[bytes(1_000)] * 200)
    assert peer.closed().code == 506
    peer.send(commands.Channel.CloseOk)
    peer.open_channel(1)
    assert peer.get() is None
