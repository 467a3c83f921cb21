"""What many clients hold together: bounded for the node, and others go on."""

import pytest
from pamqp import commands

from amqp_server.broker.node_budget import NodeLimits
from amqp_server.protocol.settings import ProtocolSettings
from queues.batch import BATCH_BYTES_MAX
from tests.support.frames import (
    BODY,
    HEADER,
    METHOD,
    ack_frame,
    content_header,
    frame,
    publish_payload,
)
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


# -- unacked deliveries ---------------------------------------------------------------------


def consuming(node: Node, queue: str, prefetch: int, count: int) -> Client:
    """Return a client that consumes from a queue of so many messages of 10,000 octets."""
    peer = node.open()
    peer.declare(queue)
    peer.publish(*[bytes(10_000)] * count, routing_key=queue)
    peer.send(commands.Basic.Qos, prefetch_count=prefetch)
    peer.consume(queue)
    return peer


def tags(peer: Client) -> list[int]:
    """Read all there is; return the delivery tags, where nothing was closed."""
    methods = peer.methods()
    assert not [one for one in methods if isinstance(one, commands.Channel.Close)]
    return [one.delivery_tag or 0 for one in methods if isinstance(one, commands.Basic.Deliver)]


def test_what_is_unacked_is_bounded_whatever_the_windows() -> None:
    node = Node(limits=NodeLimits(unacked_bytes=LIMIT_BYTES))
    peers = [consuming(node, f"q{number}", 0, 100) for number in range(50)]
    counts = [len(tags(peer)) for peer in peers]
    assert all(counts)
    assert sum(counts) > 150
    beyond_bytes = BATCH_BYTES_MAX + 50 * 10_200
    assert node.broker.delivered.memory.used_bytes <= LIMIT_BYTES + beyond_bytes


def test_who_acks_one_by_one_goes_on_beside_one_who_hoards() -> None:
    node = Node(limits=NodeLimits(unacked_bytes=LIMIT_BYTES))
    hoarder = consuming(node, "much", 0, 1_000)
    held_count = len(tags(hoarder))
    assert LIMIT_BYTES // 2 <= held_count * 10_200 < LIMIT_BYTES
    good = consuming(node, "jobs", 0, 100)
    done = 0
    while found := tags(good):
        assert len(found) <= 100
        for tag in found:
            good.send(commands.Basic.Ack, delivery_tag=tag)
        done += len(found)
    assert done == 100


def test_who_holds_little_has_its_window_beside_one_who_hoards() -> None:
    node = Node(limits=NodeLimits(unacked_bytes=LIMIT_BYTES))
    tags(consuming(node, "much", 0, 1_000))
    good = consuming(node, "jobs", 5, 100)
    assert len(tags(good)) == 5
    good.send_bytes(ack_frame(1, 5, multiple=True))
    assert len(tags(good)) == 5


@pytest.mark.parametrize("end", ["acks", "leaves", "nacks", "cancels and acks"])
def test_who_was_held_back_gets_the_rest_once_there_is_room(end: str) -> None:
    node = Node(limits=NodeLimits(unacked_bytes=LIMIT_BYTES))
    hoarder = consuming(node, "much", 0, 300)
    tags(hoarder)
    waiting = consuming(node, "jobs", 0, 30)
    got = len(tags(waiting))
    assert 1 <= got < 30
    if end == "acks":
        hoarder.send_bytes(ack_frame(1, 0, multiple=True))
    elif end == "leaves":
        hoarder.connection.receive_eof(node.now_ms)
        node.end_turns()
    elif end == "nacks":
        hoarder.send(commands.Basic.Nack, delivery_tag=0, multiple=True, requeue=False)
    else:
        hoarder.send(commands.Basic.Cancel, consumer_tag="me")
        hoarder.send_bytes(ack_frame(1, 0, multiple=True))
    assert got + len(tags(waiting)) == 30


def test_several_consumers_of_a_queue_share_it_one_by_one() -> None:
    """Beyond the limit, each of them has one; and what comes back goes on."""
    node = Node(limits=NodeLimits(unacked_bytes=200_000))
    tags(consuming(node, "much", 0, 100))
    peers = [node.open() for _ in range(3)]
    for peer in peers:
        peer.declare()
        peer.consume()
    peers[0].publish(*[bytes(10_000)] * 30)
    total = 0
    for _ in range(60):
        for peer in peers:
            found = tags(peer)
            total += len(found)
            if found:
                peer.send_bytes(ack_frame(1, found[-1], multiple=True))
    assert total == 30


def test_gets_are_one_at_a_time_then_too() -> None:
    node = Node(limits=NodeLimits(unacked_bytes=200_000))
    tags(consuming(node, "much", 0, 100))
    peer = node.open()
    peer.declare()
    peer.publish(*[bytes(10_000)] * 3)
    peer.send(commands.Basic.Get, queue="jobs")
    got = peer.expect(commands.Basic.GetOk)
    peer.send_bytes(ack_frame(1, got.delivery_tag or 0))
    peer.send(commands.Basic.Get, queue="jobs")
    peer.expect(commands.Basic.GetOk)
    peer.send(commands.Basic.Get, queue="jobs", no_ack=True)
    peer.expect(commands.Basic.GetOk)
    peer.send(commands.Basic.Get, queue="jobs")
    close = peer.closed()
    assert (close.code, close.method) == (506, (60, 70))
    assert "broker.unacked_bytes_max is 200000 bytes" in close.text


def test_nothing_is_counted_of_who_is_gone() -> None:
    node = Node(limits=NodeLimits(unacked_bytes=200_000))
    delivered = node.broker.delivered
    peers = [consuming(node, f"q{number}", 0, 30) for number in range(5)]
    for peer in peers:
        tags(peer)
    assert delivered.waiting
    for peer in peers[:2]:
        peer.send(commands.Channel.Close, reply_code=200)
    peers[2].send(commands.Queue.Delete, queue="q2")
    peers[2].send(commands.Channel.Close, reply_code=200)
    for peer in peers[3:]:
        peer.connection.receive_eof(node.now_ms)
    node.end_turns()
    assert delivered.memory.used_bytes == 0
    assert not delivered.waiting
