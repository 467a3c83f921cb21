"""Deliveries that several consumers of a channel got in turn."""

from pamqp import commands

from persistence.record import LARGE_BODY_BYTES
from tests.support.peer import Client, Node


def consume(peer: Client, *tags: str, prefetch: int = 0, channel: int = 1, **more: object) -> None:
    peer.send(commands.Basic.Qos, channel, prefetch_count=prefetch)
    for tag in tags:
        peer.send(commands.Basic.Consume, channel, queue="jobs", consumer_tag=tag, **more)


def publish(peer: Client, bodies: str) -> None:
    peer.publish(*[body.encode() for body in bodies])


def delivered(peer: Client) -> str:
    """Read all there is; return consumer tag and body of each delivery, and check the tags."""
    received = [
        (one.method, one.body)
        for one in peer.receive()
        if isinstance(one.method, commands.Basic.Deliver)
    ]
    tags = [method.delivery_tag or 0 for method, _ in received]
    assert tags == sorted(tags)
    return " ".join(f"{method.consumer_tag}{body[:1].decode()}" for method, body in received)


def test_consumers_of_a_channel_take_turns_and_it_keeps_the_order(peer: Client) -> None:
    consume(peer, "a", "b", "c")
    publish(peer, "1234567")
    assert delivered(peer) == "a1 b2 c3 a4 b5 c6 a7"
    publish(peer, "89")
    assert delivered(peer) == "b8 c9"


def test_acks_are_counted_for_whom_they_are_of(peer: Client) -> None:
    consume(peer, "a", "b", prefetch=3)
    publish(peer, "123456789")
    assert delivered(peer) == "a1 b2 a3 b4 a5 b6"
    peer.send(commands.Basic.Ack, delivery_tag=4)
    assert delivered(peer) == "b7"
    peer.send(commands.Basic.Ack, delivery_tag=3)
    assert delivered(peer) == "a8"
    peer.send(commands.Basic.Ack, delivery_tag=8, multiple=True)
    assert delivered(peer) == "a9"
    publish(peer, "vwxyz")
    assert delivered(peer) == "av bw ax by bz"


def test_what_comes_back_comes_back_to_its_place(peer: Client) -> None:
    consume(peer, "a", "b", prefetch=2)
    publish(peer, "123456")
    assert delivered(peer) == "a1 b2 a3 b4"
    peer.send(commands.Basic.Cancel, consumer_tag="a")
    peer.send(commands.Basic.Nack, delivery_tag=3, multiple=True, requeue=True)
    assert delivered(peer) == "b1"
    for tag in (4, 5):
        peer.send(commands.Basic.Ack, delivery_tag=tag)
    assert delivered(peer) == "b2 b3"


def test_a_rejected_one_is_dropped_alone(peer: Client) -> None:
    consume(peer, "a", "b")
    publish(peer, "1234")
    delivered(peer)
    peer.send(commands.Basic.Reject, delivery_tag=2, requeue=False)
    peer.send(commands.Basic.Recover, requeue=True)
    assert sorted(delivered(peer).replace("a", "").replace("b", "").split()) == list("134")


def test_what_needs_no_ack_is_dealt_alike_and_uses_up_tags(peer: Client) -> None:
    consume(peer, "a", "b", no_ack=True)
    publish(peer, "123")
    assert delivered(peer) == "a1 b2 a3"
    consume(peer, "c")
    publish(peer, "4567")
    assert delivered(peer) == "b4 a5 c6 b7"
    peer.send(commands.Basic.Ack, delivery_tag=6)
    assert peer.closes() == []
    peer.send(commands.Basic.Ack, delivery_tag=7)
    assert peer.closed().code == 406


def test_large_bodies_keep_the_order_too(peer: Client) -> None:
    consume(peer, "a", "b")
    for number in b"1234":
        peer.publish(bytes([number]) * LARGE_BODY_BYTES, bytes([number]) * LARGE_BODY_BYTES)
    assert delivered(peer) == "a1 b1 a2 b2 a3 b3 a4 b4"


def test_a_quorum_queue_tells_how_often_a_message_came_back(peer: Client) -> None:
    peer.declare("q", durable=True, arguments={"x-queue-type": "quorum"})
    for tag in "ab":
        peer.send(commands.Basic.Consume, queue="q", consumer_tag=tag)
    peer.publish(b"1", b"2", b"3", routing_key="q")
    peer.receive()
    peer.send(commands.Basic.Recover, requeue=True)
    found = [one for one in peer.receive() if isinstance(one.method, commands.Basic.Deliver)]
    assert [b"x-delivery-count" in one.header for one in found] == [True] * 3


def test_the_shortest_timeout_of_them_holds() -> None:
    node = Node()
    peer = node.open()
    peer.declare()
    for tag, timeout_ms in (("a", 3_600_000), ("b", 60_000)):
        peer.send(
            commands.Basic.Consume,
            queue="jobs",
            consumer_tag=tag,
            arguments={"x-consumer-timeout": timeout_ms},
        )
    publish(peer, "1234")
    peer.receive()
    node.advance(200_000)
    assert peer.closed().code == 406
