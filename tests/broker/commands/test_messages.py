"""Publish and get by command: the same checks and the same path as AMQP has."""

from typing import Any

import pytest
from pamqp import commands

from amqp_server.broker.alarms import Resource
from amqp_server.broker.commands import messages
from amqp_server.broker.commands.messages import Got, MessageCommands, Published, SettledBy
from amqp_server.broker.errors import (
    AccessRefusedError,
    NodeLimitError,
    NotFoundError,
    PreconditionFailedError,
    ReplyConsumerError,
    ResourceLockedError,
)
from amqp_server.broker.node_budget import NodeLimits
from amqp_server.broker.steps import finish
from queues.commits import SAFE_NOW, is_safe
from tests.support.commits import FakeDisk
from tests.support.peer import Client, Node


class Desk:
    """A node, a client, and the commands."""

    def __init__(self, node: Node | None = None) -> None:
        self.node = node or Node()
        self.client: Client = self.node.open()
        self.commands = MessageCommands(self.node.broker)

    def publish(self, key: str = "jobs", *, exchange: str = "", **given: Any) -> Published:  # noqa: ANN401
        asked = {"username": "guest", "properties": {}, "payload": b"x", **given}
        steps = self.commands.publish(self.node.now_ms, "/", exchange, routing_key=key, **asked)
        published = finish(steps)
        self.node.end_turns()
        return published

    def get(self, settled_by: SettledBy, count: int = -1, **given: Any) -> list[Got]:  # noqa: ANN401
        asked = {"username": "guest", "truncate_bytes": None, **given}
        name = asked.pop("name", "jobs")
        steps = self.commands.get(
            self.node.now_ms, "/", name, count=count, settled_by=settled_by, **asked
        )
        got = list(finish(steps))  # type: ignore[arg-type]
        self.node.end_turns()
        return got


def test_a_message_arrives_as_a_client_would_have_sent_it() -> None:
    desk = Desk()
    desk.client.declare()
    properties = {"headers": {"a": 1}, "type": "t", "priority": 3}
    assert desk.publish(properties=properties, payload=b"one") == (True, False, SAFE_NOW)
    desk.client.send(commands.Basic.Get, queue="jobs", no_ack=True)
    (received,) = desk.client.receive()
    assert received.body == b"one"
    assert desk.publish("nowhere").routed is False
    counters = desk.node.vhost.router.default_counters
    assert (counters.published_count, counters.return_count, counters.dropped_count) == (2, 1, 0)


def test_copies_go_to_their_keys_and_full_queues_reject() -> None:
    desk = Desk()
    desk.client.declare()
    desk.client.declare("other")
    desk.client.declare("full", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    assert desk.publish(properties={"headers": {"CC": ["other"], "BCC": ["full"]}}).routed
    assert desk.client.get("other") == desk.client.get("jobs") == b"x"
    published = desk.publish("full")
    assert (published.routed, published.rejected) == (True, True)


def test_a_message_for_the_disk_is_safe_when_the_disk_says_so() -> None:
    disk = FakeDisk()
    desk = Desk(Node(disk=disk))
    desk.client.send(commands.Queue.Declare, queue="jobs", durable=True)
    disk.commit_all()
    published = desk.publish(properties={"delivery_mode": 2})
    assert not is_safe(published.safe_at)
    disk.commit_all()
    assert is_safe(published.safe_at)


def test_what_a_client_may_not_publish_a_command_may_not() -> None:
    desk = Desk()
    desk.node.add_user("ann", "", "^only$", "")
    desk.node.broker.users.set_topic_permissions("guest", "/", "amq.topic", "^a", "")
    desk.client.declare()
    for given, error in (
        ({"exchange": "nope"}, NotFoundError),
        ({"exchange": "amq.rabbitmq.trace"}, AccessRefusedError),
        ({"username": "ann"}, AccessRefusedError),
        ({"username": "nobody"}, NotFoundError),
        ({"properties": {"user_id": "ann"}}, PreconditionFailedError),
        ({"properties": {"reply_to": "amq.rabbitmq.reply-to"}}, ReplyConsumerError),
        ({"exchange": "amq.topic", "key": "b"}, AccessRefusedError),
        (
            {"exchange": "amq.topic", "key": "a", "properties": {"headers": {"CC": ["b"]}}},
            AccessRefusedError,
        ),
    ):
        with pytest.raises(error):
            desk.publish(**given)
    assert desk.publish("a", exchange="amq.topic").routed is False
    desk.node.broker.alarms.set(Resource.DISK, is_low=True, now_ms=desk.node.now_ms)
    with pytest.raises(NodeLimitError, match="low on disk"):
        desk.publish()


@pytest.mark.parametrize(
    ("settled_by", "left", "dead"),
    [
        (SettledBy.NO_ACK, [], []),
        (SettledBy.REQUEUE, [b"0", b"1", b"2"], []),
        (SettledBy.REJECT_REQUEUE, [b"0", b"1", b"2"], []),
        (SettledBy.REJECT, [], [b"0", b"1", b"2"]),
    ],
)
def test_messages_are_settled_when_all_are_got(
    settled_by: SettledBy, left: list[bytes], dead: list[bytes]
) -> None:
    """RabbitMQ 3.10, asked for three of three messages in each mode."""
    desk = Desk()
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    desk.client.declare(arguments=arguments)
    desk.client.declare("dead")
    desk.client.publish(b"0", b"1", b"2", type="t")
    got = desk.get(settled_by, 3)
    assert [one.payload for one in got] == [b"0", b"1", b"2"]
    assert [one.message_count for one in got] == [2, 1, 0]
    assert {one.redelivered for one in got} == {False}
    assert (got[0].exchange, got[0].routing_key, got[0].properties) == ("", "jobs", {"type": "t"})
    again = desk.get(SettledBy.NO_ACK)
    assert [one.payload for one in again] == left
    assert {one.redelivered for one in again} <= {True}
    assert [one.payload for one in desk.get(SettledBy.NO_ACK, name="dead")] == dead
    assert desk.node.broker.delivered.memory.used_bytes == 0


def test_payloads_are_cut_and_counts_are_kept() -> None:
    desk = Desk()
    desk.client.declare()
    desk.client.publish(b"123", b"4")
    assert desk.get(SettledBy.REQUEUE, 0) == []
    (cut,) = desk.get(SettledBy.REQUEUE, 1, truncate_bytes=2)
    assert (cut.payload, cut.payload_bytes) == (b"12", 3)
    queue = desk.node.vhost.queues.get("jobs", None)
    counts = queue.engine.counts()
    assert (counts.got, counts.got_no_ack, counts.requeued, counts.unacked_count) == (1, 0, 1, 0)


def test_a_quorum_queue_adds_its_header() -> None:
    desk = Desk()
    desk.client.declare(durable=True, arguments={"x-queue-type": "quorum"})
    desk.client.publish(b"1")
    assert desk.get(SettledBy.REQUEUE)[0].properties == {"headers": {"x-delivery-count": 0}}
    assert desk.get(SettledBy.NO_ACK)[0].properties == {"headers": {"x-delivery-count": 1}}


def test_what_a_client_may_not_get_a_command_may_not() -> None:
    desk = Desk()
    desk.node.add_user("ann", "", "", "^only$")
    desk.client.declare(exclusive=True)
    sole = {"x-queue-type": "quorum", "x-single-active-consumer": True}
    desk.client.declare("sole", durable=True, arguments=sole)
    cases: tuple[tuple[dict[str, Any], type[Exception]], ...] = (
        ({"username": "ann"}, AccessRefusedError),
        ({"name": "nope"}, NotFoundError),
        ({}, ResourceLockedError),
        ({"name": "sole"}, ResourceLockedError),
    )
    for given, error in cases:
        with pytest.raises(error):
            desk.get(SettledBy.NO_ACK, **given)


@pytest.mark.parametrize("settled_by", [SettledBy.REJECT, SettledBy.REQUEUE])
def test_a_command_that_is_given_up_gives_everything_back(settled_by: SettledBy) -> None:
    desk = Desk()
    desk.client.declare()
    desk.client.publish(*[b"%d" % number for number in range(1_200)])
    for steps_count in (1, 700, 1_201, 1_202):
        steps = desk.commands.get(
            desk.node.now_ms,
            "/",
            "jobs",
            username="guest",
            count=-1,
            settled_by=SettledBy.REQUEUE if steps_count > 1_200 else settled_by,
            truncate_bytes=None,
        )
        for _ in range(steps_count):
            next(steps)
        steps.close()
        desk.node.end_turns()
        assert desk.node.broker.delivered.memory.used_bytes == 0
        counts = desk.node.vhost.queues.get("jobs", None).engine.counts()
        assert (counts.ready_count, counts.unacked_count) == (1_200, 0)
    left = [one.payload for one in desk.get(SettledBy.NO_ACK)]
    assert left == [b"%d" % number for number in range(1_200)]


def test_a_queue_that_is_deleted_in_between_ends_the_command() -> None:
    desk = Desk()
    desk.client.declare()
    desk.client.publish(b"0", b"1")
    steps = desk.commands.get(
        desk.node.now_ms,
        "/",
        "jobs",
        username="guest",
        count=-1,
        settled_by=SettledBy.REJECT,
        truncate_bytes=None,
    )
    next(steps)
    desk.client.send(commands.Queue.Delete, queue="jobs")
    assert [one.payload for one in finish(steps)] == [b"0"]  # type: ignore[arg-type]
    assert desk.node.broker.delivered.memory.used_bytes == 0


def test_a_command_holds_no_more_than_a_channel_may(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(Node(limits=NodeLimits(unacked_bytes=20_000)))
    desk.client.declare()
    desk.client.publish(*[bytes(1_000)] * 100)
    got = desk.get(SettledBy.REQUEUE)
    assert 1 <= len(got) < 40
    assert len(desk.get(SettledBy.NO_ACK, 2)) == 2
    monkeypatch.setattr(messages, "GOT_BYTES_MAX", 5_000)
    assert len(desk.get(SettledBy.NO_ACK)) == 5
    monkeypatch.setattr(messages, "GOT_MAX", 3)
    assert len(desk.get(SettledBy.NO_ACK)) == len(desk.get(SettledBy.NO_ACK, 7)) == 3
