"""What one write brings has the effect that it would have had piece by piece."""

import pytest
from pamqp import commands

from tests.support.frames import method_frame
from tests.support.peer import Client
from tests.support.sessions import publish

Ack, Nack, Cancel = commands.Basic.Ack, commands.Basic.Nack, commands.Basic.Cancel


def consume(peer: Client, tags: str, prefetch: int = 0, channel: int = 1) -> None:
    peer.send(commands.Basic.Qos, channel, prefetch_count=prefetch)
    for tag in tags:
        peer.send(commands.Basic.Consume, channel, queue="jobs", consumer_tag=tag)


def delivered(peer: Client) -> str:
    """Read all there is; return consumer tag and body of each delivery."""
    return " ".join(
        f"{one.method.consumer_tag}{one.body.decode()}"
        for one in peer.receive()
        if isinstance(one.method, commands.Basic.Deliver)
    )


def fill(peer: Client, bodies: str) -> None:
    peer.publish(*[body.encode() for body in bodies])


def test_acks_and_a_cancel_serve_the_cancelled_one_first(peer: Client) -> None:
    consume(peer, "ab", prefetch=2)
    fill(peer, "12345678")
    assert delivered(peer) == "a1 b2 a3 b4"
    frames = [method_frame(1, Ack, delivery_tag=tag) for tag in (1, 3)]
    peer.send_bytes(b"".join([*frames, method_frame(1, Cancel, consumer_tag="a")]))
    assert delivered(peer) == "a5 a6"


def test_publishes_and_a_cancel_serve_the_one_that_was_there(peer: Client) -> None:
    consume(peer, "a")
    other = peer.node.open()
    frames = [frame for body in b"1234" for frame in publish(bytes([body]))]
    peer.send_bytes(b"".join([*frames, method_frame(1, Cancel, consumer_tag="a")]))
    consume(other, "b")
    assert (delivered(peer), delivered(other)) == ("a1 a2 a3 a4", "")


def test_a_consumer_that_comes_in_the_same_write_gets_nothing_of_what_came_before(
    peer: Client,
) -> None:
    consume(peer, "a")
    frames = [frame for body in b"1234" for frame in publish(bytes([body]))]
    consume_b = method_frame(1, commands.Basic.Consume, queue="jobs", consumer_tag="b")
    peer.send_bytes(b"".join([*frames, consume_b, *publish(b"5"), *publish(b"6")]))
    assert delivered(peer) == "a1 a2 a3 a4 a5 b6"


def test_acks_of_two_consumers_serve_them_in_their_order(peer: Client) -> None:
    consume(peer, "a", prefetch=2)
    peer.open_channel(2)
    consume(peer, "b", prefetch=1, channel=2)
    fill(peer, "123456789")
    assert delivered(peer) == "a1 b2 a3"
    frames = [
        method_frame(1, Ack, delivery_tag=1),
        method_frame(1, Ack, delivery_tag=2),
        method_frame(2, Ack, delivery_tag=1),
    ]
    peer.send_bytes(b"".join(frames))
    assert delivered(peer) == "a4 a5 b6"


def test_nacks_come_back_in_the_order_of_the_nacks(peer: Client) -> None:
    consume(peer, "a", prefetch=3)
    fill(peer, "123")
    delivered(peer)
    frames = [method_frame(1, Nack, delivery_tag=tag, requeue=True) for tag in (3, 2, 1)]
    peer.send_bytes(b"".join(frames))
    assert delivered(peer) == "a3 a2 a1"


def test_one_nack_goes_back_consumer_by_consumer(peer: Client) -> None:
    consume(peer, "ba", prefetch=2)
    fill(peer, "1234")
    assert delivered(peer) == "b1 a2 b3 a4"
    peer.send(Nack, delivery_tag=0, multiple=True, requeue=True)
    assert delivered(peer) == "a2 a4 b1 b3"


def test_a_publish_goes_before_what_a_close_of_the_channel_gives_back(peer: Client) -> None:
    other = peer.node.open()
    consume(peer, "a", prefetch=1)
    consume(other, "b", prefetch=1)
    fill(peer, "1")
    assert delivered(peer) == "a1"
    close = method_frame(1, commands.Channel.Close, reply_code=200, class_id=0, method_id=0)
    peer.send_bytes(b"".join([*publish(b"2"), close]))
    assert delivered(other) == "b2"
    other.send(Ack, delivery_tag=1)
    assert delivered(other) == "b1"


def test_a_commit_publishes_before_it_settles(peer: Client) -> None:
    consume(peer, "a", prefetch=2)
    fill(peer, "1")
    delivered(peer)
    peer.send(commands.Tx.Select)
    peer.send(Nack, delivery_tag=1, requeue=True)
    fill(peer, "2")
    peer.send(commands.Tx.Commit)
    assert delivered(peer) == "a2 a1"


def test_who_deletes_what_it_consumes_from_hears_of_the_deletion_first(peer: Client) -> None:
    consume(peer, "a")
    peer.methods()
    peer.send(commands.Queue.Delete, queue="jobs")
    assert [one.name for one in peer.methods()] == ["Queue.DeleteOk", "Basic.Cancel"]


def test_what_is_delivered_between_two_acks_counts_in_the_shared_window(peer: Client) -> None:
    peer.send(commands.Basic.Qos, prefetch_count=2, global_=True)
    for tag in "ab":
        peer.send(commands.Basic.Consume, queue="jobs", consumer_tag=tag)
    for bodies in ("1", "2", "3456789"):
        fill(peer, bodies)
    assert delivered(peer) == "a1 b2"
    peer.send_bytes(b"".join(method_frame(1, Ack, delivery_tag=tag) for tag in (2, 1)))
    assert delivered(peer) == "a3 b4"
    peer.send(Ack, delivery_tag=0, multiple=True)
    assert delivered(peer) == "a5 b6"


def test_who_was_refused_by_the_shared_window_gets_nothing_of_what_is_given_back(
    peer: Client,
) -> None:
    other = peer.node.open()
    peer.send(commands.Basic.Qos, prefetch_count=1, global_=True)
    peer.send(commands.Basic.Consume, queue="jobs", consumer_tag="a")
    fill(peer, "12")
    consume(other, "b")
    assert (delivered(peer), delivered(other)) == ("a1", "b2")
    peer.send(commands.Basic.Reject, delivery_tag=1, requeue=True)
    assert (delivered(peer), delivered(other)) == ("", "b1")
    fill(peer, "34")
    assert (delivered(peer), delivered(other)) == ("a4", "b3")


@pytest.mark.parametrize("method", [Nack, commands.Basic.Reject, commands.Basic.Recover])
def test_who_was_not_refused_gets_what_made_room_in_the_shared_window(
    peer: Client, method: type[commands.Basic.Nack | commands.Basic.Reject | commands.Basic.Recover]
) -> None:
    other = peer.node.open()
    peer.send(commands.Basic.Consume, queue="jobs", consumer_tag="a")
    fill(peer, "1")
    consume(other, "b")
    peer.send(commands.Basic.Qos, prefetch_count=1, global_=True)
    tag = {} if method is commands.Basic.Recover else {"delivery_tag": 1}
    peer.send(method, requeue=True, **tag)
    assert (delivered(peer), delivered(other)) == ("a1 a1", "")


def test_what_a_commit_gives_back_comes_back_at_once(peer: Client) -> None:
    consume(peer, "a")
    fill(peer, "1234")
    peer.send(Nack, delivery_tag=1, requeue=True)
    assert delivered(peer) == "a1 a2 a3 a4 a1"
    peer.send(commands.Tx.Select)
    for tag in (4, 2, 5):
        peer.send(Nack, delivery_tag=tag, requeue=True)
    peer.send(commands.Tx.Commit)
    assert delivered(peer) == "a1 a2 a4"


def test_a_single_active_consumer_that_follows_gets_first_what_came_back(peer: Client) -> None:
    other = peer.node.open()
    arguments = {"x-single-active-consumer": True}
    peer.send(commands.Queue.Declare, queue="one", arguments=arguments)
    for client, tag in ((peer, "a"), (other, "b")):
        client.send(commands.Basic.Qos, prefetch_count=1)
        client.send(commands.Basic.Consume, queue="one", consumer_tag=tag)
    peer.publish(b"1", b"2", routing_key="one")
    assert delivered(peer) == "a1"
    peer.send(commands.Channel.Close, reply_code=200, class_id=0, method_id=0)
    assert delivered(other) == "b1"


def test_who_joins_a_channel_that_was_refused_gets_nothing_of_what_is_given_back(
    peer: Client,
) -> None:
    other = peer.node.open()
    consume(peer, "a")
    fill(peer, "123")
    peer.send(commands.Basic.Qos, prefetch_count=1, global_=True)
    fill(peer, "4")
    consume(other, "b")
    peer.send(commands.Basic.Consume, queue="jobs", consumer_tag="c")
    assert (delivered(peer), delivered(other)) == ("a1 a2 a3", "b4")
    peer.send(commands.Basic.Nack, delivery_tag=0, multiple=True, requeue=True)
    assert (delivered(peer), delivered(other)) == ("", "b1 b2 b3")
    fill(peer, "56")
    assert (delivered(peer), delivered(other)) == ("a6", "b5")
