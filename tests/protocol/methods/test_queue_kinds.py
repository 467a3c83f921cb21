"""A kind that only tests have, one folder and one row, does what a client asks, over frames.

Nothing of broker and protocol is told of it but its row.
"""

from collections.abc import Mapping

import pytest
from pamqp import commands

from amqp_server.broker.policies.table import Policy
from amqp_server.wire.properties import split
from amqp_server.wire.tables import Field
from queues.kinds import KINDS
from tests.support.peer import Client, Node, Received
from tests.support.toy.engine import OFFSET, ToyQueue
from tests.support.toy.kind import TOY

NO_ARGUMENTS: Mapping[str, object] = {}
OF_TOYS = {"x-queue-type": "toy"}
QUEUE_TEXT = "queue 'log' in vhost '/'"


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setitem(KINDS, TOY.name, TOY)
    client = Node().open()
    client.declare("log", arguments=OF_TOYS)
    return client


def publish(peer: Client, *bodies: bytes) -> None:
    peer.publish(*bodies, routing_key="log")


def consume(
    peer: Client,
    prefetch: int = 10,
    tag: str = "me",
    arguments: Mapping[str, object] = NO_ARGUMENTS,
) -> None:
    peer.send(commands.Basic.Qos, prefetch_count=prefetch)
    peer.send(commands.Basic.Consume, queue="log", consumer_tag=tag, arguments=arguments)


def deliveries(received: list[Received]) -> list[tuple[str | None, bytes, Field]]:
    """Return consumer tag, body and offset of each delivery."""
    return [
        (one.method.consumer_tag, one.body, split(one.header).headers()[OFFSET])
        for one in received
        if isinstance(one.method, commands.Basic.Deliver)
    ]


def bodies(peer: Client) -> list[bytes]:
    return [body for _, body, _ in deliveries(peer.receive())]


def test_its_engine_runs_the_queue_and_a_second_declare_is_equivalent(peer: Client) -> None:
    queue = peer.node.vhost.queues.find("log")
    assert queue is not None
    assert isinstance(queue.engine, ToyQueue)
    publish(peer, b"1", b"2")
    peer.send(commands.Queue.Declare, queue="log", arguments=OF_TOYS)
    reply = peer.expect(commands.Queue.DeclareOk)
    assert (reply.message_count, reply.consumer_count) == (2, 0)


def test_every_consumer_reads_all_from_its_own_place_with_the_kinds_header(peer: Client) -> None:
    publish(peer, b"1", b"2", b"3")
    consume(peer, tag="all")
    consume(peer, tag="late", arguments={OFFSET: 1})
    found = sorted(deliveries(peer.receive()), key=lambda one: one[:2])
    assert found == [
        ("all", b"1", Field("l", 0)),
        ("all", b"2", Field("l", 1)),
        ("all", b"3", Field("l", 2)),
        ("late", b"2", Field("l", 1)),
        ("late", b"3", Field("l", 2)),
    ]
    queue = peer.node.vhost.queues.find("log")
    assert queue is not None
    assert queue.engine.ready_count == 3


def test_acks_and_rejects_are_credits(peer: Client) -> None:
    publish(peer, b"1", b"2", b"3", b"4", b"5", b"6")
    consume(peer, prefetch=2)
    assert bodies(peer) == [b"1", b"2"]
    peer.send(commands.Basic.Ack, delivery_tag=1)
    assert bodies(peer) == [b"3"]
    peer.send(commands.Basic.Nack, delivery_tag=3, multiple=True, requeue=True)
    assert bodies(peer) == [b"4", b"5"]
    peer.send(commands.Basic.Reject, delivery_tag=4, requeue=False)
    assert bodies(peer) == [b"6"]


def test_a_confirm_comes_as_for_any_queue(peer: Client) -> None:
    peer.send(commands.Confirm.Select)
    publish(peer, b"1")
    assert peer.expect(commands.Basic.Ack).delivery_tag == 1


def test_a_channel_that_ends_leaves_the_queue_as_it_was(peer: Client) -> None:
    publish(peer, b"1", b"2")
    consume(peer)
    peer.receive()
    peer.send(commands.Channel.Close, reply_code=200, reply_text="", class_id=0, method_id=0)
    peer.expect(commands.Channel.CloseOk)
    peer.open_channel(1)
    consume(peer)
    assert bodies(peer) == [b"1", b"2"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"auto_delete": True}, "invalid property 'auto-delete' for {queue}"),
        ({"exclusive": True}, "invalid property 'exclusive-owner' for {queue}"),
        ({"queue": ""}, "Cannot declare a server-named queue for type rabbit_toy_queue"),
        (
            {"arguments": {**OF_TOYS, "x-max-priority": 3}},
            "invalid arg 'x-max-priority' for {queue} of queue type rabbit_toy_queue",
        ),
        (
            {"arguments": {"x-toy-colour": "red"}},
            "invalid arg 'x-toy-colour' for {queue} of queue type rabbit_classic_queue",
        ),
    ],
)
def test_declares_are_refused_in_the_rows_words(
    peer: Client, arguments: dict[str, object], text: str
) -> None:
    peer.send(commands.Queue.Declare, **{"queue": "q", "arguments": OF_TOYS, **arguments})
    close = peer.closed()
    assert (close.channel, close.code) == (1, 406)
    told = text.replace("{queue}", "queue 'q' in vhost '/'")
    assert close.text == f"PRECONDITION_FAILED - {told}"


def test_a_get_is_refused_in_the_rows_words(peer: Client) -> None:
    peer.send(commands.Basic.Get, queue="log")
    close = peer.closed()
    assert (close.channel, close.code) == (0, 540)
    assert close.text == (
        "NOT_IMPLEMENTED - basic.get not supported by toy queues queue 'log' in vhost '/'"
    )


@pytest.mark.parametrize(
    ("prefetch", "shared", "no_ack", "code", "text"),
    [
        (0, 0, False, 406, "consumer prefetch count is not set for toy {queue}"),
        (5, 0, True, 540, "automatic acknowledgement not supported by toy {queue}"),
        (5, 5, False, 540, "{queue} does not support global qos"),
    ],
)
def test_consumers_are_refused_in_the_rows_words(
    peer: Client, prefetch: int, shared: int, no_ack: bool, code: int, text: str
) -> None:
    peer.send(commands.Basic.Qos, prefetch_count=prefetch)
    if shared:
        peer.send(commands.Basic.Qos, prefetch_count=shared, global_=True)
    peer.receive()
    peer.consume("log", no_ack=no_ack)
    close = peer.closed()
    assert (close.channel, close.code) == (1 if code == 406 else 0, code)
    assert close.text.endswith(f" - {text.replace('{queue}', QUEUE_TEXT)}")


def test_a_consumer_argument_of_another_kind_is_refused(peer: Client) -> None:
    consume(peer, arguments={"x-priority": 1})
    assert peer.closed().text == (
        "PRECONDITION_FAILED - invalid arg 'x-priority' for queue 'log' in vhost '/'"
        " of queue type rabbit_toy_queue"
    )


def test_it_is_purged(peer: Client) -> None:
    publish(peer, b"1", b"2")
    peer.send(commands.Queue.Purge, queue="log")
    assert peer.expect(commands.Queue.PurgeOk).message_count == 2
    publish(peer, b"3")
    consume(peer)
    assert bodies(peer) == [b"3"]


def test_it_is_deleted_whatever_the_conditions_and_its_consumers_hear(peer: Client) -> None:
    publish(peer, b"1")
    consume(peer)
    peer.receive()
    peer.send(commands.Queue.Delete, queue="log", if_unused=True, if_empty=True)
    names = [method.name for method in peer.methods()]
    assert sorted(names) == ["Basic.Cancel", "Queue.DeleteOk"]
    assert peer.node.vhost.queues.find("log") is None
    peer.declare("log", arguments=OF_TOYS)


def test_policies_are_for_it_or_kept_away_from_it(peer: Client) -> None:
    vhost = peer.node.vhost
    vhost.set_policy(Policy("ttl", "log", {"message-ttl": 5, "consumer-timeout": 1}, 9))
    vhost.set_policy(Policy("toys", "log", {"consumer-timeout": 77}, apply_to="toys"))
    vhost.set_policy(Policy("safe", "log", {"consumer-timeout": 2}, 8, "quorum_queues"))
    peer.declare("log2", arguments=OF_TOYS)
    queue = vhost.queues.find("log2")
    assert queue is not None
    assert queue.engine.options.consumer_timeout_ms == 77


def test_it_can_be_the_default_of_a_vhost(peer: Client) -> None:
    peer.node.vhost.default_queue_kind = TOY
    peer.declare("by-default")
    peer.declare("of-mine", exclusive=True)
    kinds = [peer.node.vhost.queues.find(name) for name in ("by-default", "of-mine")]
    assert [queue.kind.name for queue in kinds if queue is not None] == ["toy", "classic"]
