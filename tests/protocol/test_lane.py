"""What the consumers of one channel share: room, and whose queue gets of it next."""

import pytest
from pamqp import commands

from amqp_server.protocol.settings import ProtocolSettings
from tests.support.peer import Client, Node


@pytest.fixture
def peer() -> Client:
    return with_queues(Node())


def with_queues(node: Node) -> Client:
    """Return a client of a node with the classic queues a, b, c and n, and the quorum queue q."""
    peer = node.open()
    for queue in "abcn":
        peer.declare(queue)
    peer.declare("q", durable=True, arguments={"x-queue-type": "quorum"})
    return peer


def consume(peer: Client, queue: str, count: int = 0, **arguments: object) -> None:
    """Fill a queue, and consume from it under its own name."""
    if count:
        peer.publish(*[b"x"] * count, routing_key=queue)
    peer.send(commands.Basic.Consume, queue=queue, consumer_tag=queue, **arguments)


def tags(peer: Client) -> str:
    """Read all there is; return the consumer tags of the deliveries."""
    methods = peer.methods()
    return "".join(
        str(one.consumer_tag) for one in methods if isinstance(one, commands.Basic.Deliver)
    )


def share(peer: Client, count: int) -> None:
    peer.send(commands.Basic.Qos, prefetch_count=count, global_=True)


def test_a_window_of_1_serves_each_queue_in_turn(peer: Client) -> None:
    share(peer, 1)
    for queue in "abc":
        consume(peer, queue, count=5)
    found = tags(peer)
    for tag in range(1, 9):
        peer.send(commands.Basic.Ack, delivery_tag=tag)
        found += tags(peer)
    assert found == "aabcabcab"


def test_queues_that_wait_share_what_comes_back_at_once(peer: Client) -> None:
    share(peer, 6)
    consume(peer, "a", count=6)
    consume(peer, "b", count=6)
    consume(peer, "c", count=6)
    assert tags(peer) == "aaaaaa"
    peer.send(commands.Basic.Ack, delivery_tag=6, multiple=True)
    assert sorted(tags(peer)) == list("bbbccc")


@pytest.mark.parametrize("is_global", [True, False])
def test_a_window_that_is_lifted_lets_all_through(peer: Client, is_global: bool) -> None:
    share(peer, 1)
    consume(peer, "a", count=3)
    consume(peer, "b", count=3)
    assert tags(peer) == "a"
    peer.send(commands.Basic.Qos, prefetch_count=0, global_=is_global)
    assert sorted(tags(peer)) == list("aabbb")


def test_what_needs_no_ack_waits_for_a_full_window_and_does_not_fill_it(peer: Client) -> None:
    share(peer, 1)
    consume(peer, "n", count=3, no_ack=True)
    assert tags(peer) == "nnn"
    consume(peer, "a", count=2)
    assert tags(peer) == "a"
    peer.publish(b"x", routing_key="n")
    assert tags(peer) == ""
    peer.send(commands.Basic.Ack, delivery_tag=4)
    assert sorted(tags(peer)) == ["a"], "its queue was refused first"
    peer.send(commands.Basic.Ack, delivery_tag=5)
    assert tags(peer) == "n"


def test_a_quorum_queue_heeds_no_window_that_comes_late(peer: Client) -> None:
    consume(peer, "q")
    share(peer, 1)
    peer.publish(b"1", b"2", routing_key="q")
    assert tags(peer) == "qq"
    consume(peer, "a", count=2)
    assert tags(peer) == "a"
    peer.send(commands.Basic.Ack, delivery_tag=2, multiple=True)
    assert tags(peer) == ""
    peer.send(commands.Basic.Ack, delivery_tag=3)
    assert tags(peer) == "a"


def test_the_most_that_may_be_unacked_is_shared_with_quorum_queues() -> None:
    peer = with_queues(Node(ProtocolSettings(unacked_per_channel_max=2)))
    consume(peer, "a", count=4)
    consume(peer, "q", count=1)
    assert tags(peer) == "aa"
    peer.send(commands.Basic.Ack, delivery_tag=2, multiple=True)
    assert sorted(tags(peer)) == ["a", "a"]
    peer.send(commands.Basic.Ack, delivery_tag=4, multiple=True)
    assert tags(peer) == "q"


def test_a_queue_is_not_kept_by_the_lane_that_it_waits_for(peer: Client) -> None:
    share(peer, 1)
    consume(peer, "a", count=2)
    for _ in range(3):
        consume(peer, "b", count=1)
        peer.send(commands.Basic.Cancel, consumer_tag="b")
        peer.send(commands.Queue.Delete, queue="b")
        peer.declare("b")
        consume(peer, "b", count=1)
        peer.send(commands.Queue.Delete, queue="b")
        peer.declare("b")
    (channel,) = peer.connection._channels._channels.values()
    assert [queue.name for queue in channel.lane.waiting] == ["a"]


def test_qos_looks_at_no_consumer(peer: Client) -> None:
    for number in range(500):
        peer.send(commands.Basic.Consume, queue="a", consumer_tag=f"{number}")
    (channel,) = peer.connection._channels._channels.values()
    asked = 0

    class Counted(dict[str, object]):
        def values(self) -> object:  # type: ignore[override]
            nonlocal asked
            asked += 1
            return super().values()

    channel.consumers = Counted(channel.consumers)  # type: ignore[assignment]
    for count in (1, 2, 0, 5, 65_535):
        share(peer, count)
    assert asked == 0
