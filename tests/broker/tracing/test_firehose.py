"""The firehose: what is traced, in which order, and what it may hold."""

from itertools import count

import pytest
from pamqp import commands

from amqp_server.broker.alarms import Resource
from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.commands.messages import MessageCommands, SettledBy
from amqp_server.broker.definitions.definition import VhostDefinition
from amqp_server.broker.steps import finish
from amqp_server.broker.tracing import firehose
from amqp_server.wire.properties import split
from amqp_server.wire.tables import plain
from tests.support.full_queue import FullQueue
from tests.support.peer import Client, Node
from tests.support.vhosts import message


class Traced:
    """A node with a queue ``jobs``, and a queue ``traces`` that gets all traces of ``/``."""

    def __init__(self) -> None:
        self.node = Node()
        self.client: Client = self.node.open()
        self.reader: Client = self.node.open()
        self.client.declare()
        self.reader.declare("traces")
        self.bind("#")
        self.switch(is_on=True)

    def bind(self, key: str, queue: str = "traces") -> None:
        self.reader.send(
            commands.Queue.Bind, queue=queue, exchange="amq.rabbitmq.trace", routing_key=key
        )
        self.reader.receive()

    def switch(self, *, is_on: bool) -> None:
        self.node.vhost.describe(VhostDefinition("/", tracing=is_on))
        self.node.end_turns()

    def traces(self) -> list[tuple[str, bytes, dict[str, object]]]:
        """Take all traces: key, body, headers."""
        found: list[tuple[str, bytes, dict[str, object]]] = []
        while True:
            self.reader.send(commands.Basic.Get, queue="traces", no_ack=True)
            (got,) = self.reader.receive()
            if not isinstance(got.method, commands.Basic.GetOk):
                return found
            headers = split(got.header).headers()
            plain_headers = {key: plain(field) for key, field in headers.items()}
            found.append((got.method.routing_key or "", got.body, plain_headers))

    def keys(self) -> list[str]:
        return [key for key, _, _ in self.traces()]


@pytest.fixture
def traced() -> Traced:
    return Traced()


def test_publishes_and_deliveries_are_traced_in_their_order(traced: Traced) -> None:
    traced.client.publish(b"one", b"two")
    traced.client.consume()
    assert traced.client.bodies() == [b"one", b"two"]
    assert [(key, body) for key, body, _ in traced.traces()] == [
        ("publish.", b"one"),
        ("publish.", b"two"),
        ("deliver.jobs", b"one"),
        ("deliver.jobs", b"two"),
    ]


def test_a_trace_names_the_queues_and_the_channel(traced: Traced) -> None:
    traced.client.publish(b"", exchange="amq.fanout", routing_key="k")
    ((_, _, headers),) = traced.traces()
    assert headers["routed_queues"] == []
    assert (headers["channel"], headers["user"], headers["vhost"]) == (1, "guest", "/")
    assert headers["connection"] == traced.client.connection.session.connection_name
    assert headers["node"] == traced.node.broker.settings.node_name


def test_a_publish_of_several_keys_is_one_trace(traced: Traced) -> None:
    traced.client.declare("other")
    traced.client.publish(b"", headers={"CC": ["other"]})
    ((_, _, headers),) = traced.traces()
    assert headers["routed_queues"] == ["jobs", "other"]
    assert headers["routing_keys"] == ["jobs", "other"]


def test_what_a_get_takes_is_traced(traced: Traced) -> None:
    traced.client.publish(b"one")
    assert traced.client.get() == b"one"
    assert traced.keys() == ["publish.", "deliver.jobs"]


def test_commands_are_traced_too(traced: Traced) -> None:
    desk = MessageCommands(traced.node.broker)
    asked = {"username": "guest", "properties": {}, "payload": b"x", "routing_key": "jobs"}
    assert finish(desk.publish(0, "/", "", **asked)).routed  # type: ignore[arg-type]
    steps = desk.get(
        0, "/", "jobs", username="guest", count=1, settled_by=SettledBy.NO_ACK, truncate_bytes=None
    )
    assert len(finish(steps)) == 1  # type: ignore[arg-type]
    traced.node.end_turns()
    assert traced.keys() == ["publish.", "deliver.jobs"]


def test_confirms_and_returns_are_those_of_the_publish(traced: Traced) -> None:
    traced.client.send(commands.Confirm.Select)
    traced.client.receive()
    traced.client.publish(b"there")
    assert traced.client.expect(commands.Basic.Ack).delivery_tag == 1
    traced.client.publish(b"nowhere", routing_key="nobody", mandatory=True)
    returned = [one.body for one in traced.client.receive()]
    assert returned[0] == b"nowhere"


def test_consumers_of_before_are_traced_once_it_is_on_and_not_once_it_is_off() -> None:
    traced = Traced()
    traced.switch(is_on=False)
    traced.client.consume()
    traced.client.publish(b"dark")
    traced.switch(is_on=True)
    traced.client.publish(b"light")
    traced.switch(is_on=False)
    traced.client.publish(b"dark again")
    assert len(traced.client.bodies()) == 3
    assert traced.keys() == ["publish.", "deliver.jobs"]


def test_a_remembered_route_is_traced_once_it_is_on(traced: Traced) -> None:
    traced.switch(is_on=False)
    traced.client.publish(b"", b"")
    traced.switch(is_on=True)
    traced.client.publish(b"", b"")
    assert traced.keys() == ["publish.", "publish."]


def test_a_trace_is_not_traced(traced: Traced) -> None:
    traced.reader.send(commands.Basic.Consume, queue="traces", consumer_tag="t", no_ack=True)
    traced.reader.receive()
    traced.client.publish(b"one")
    assert len(traced.reader.bodies()) == 1
    assert traced.reader.bodies() == []


def test_a_queue_may_get_its_own_traces(traced: Traced) -> None:
    traced.bind("deliver.jobs", "jobs")
    traced.client.consume()
    traced.client.publish(b"one")
    traced.node.end_turns()
    assert traced.client.bodies() == [b"one", b"one"]  # the message, and the trace of it


def test_nothing_is_made_while_nobody_is_bound_or_memory_is_short(traced: Traced) -> None:
    counters = traced.node.vhost.router.counters_of("amq.rabbitmq.trace")
    traced.node.broker.alarms.set(Resource.MEMORY, is_low=True, now_ms=0)
    traced.client.publish(b"")
    assert counters.published_count == 0
    traced.node.broker.alarms.set(Resource.MEMORY, is_low=False, now_ms=0)
    traced.reader.send(commands.Queue.Delete, queue="traces")
    traced.client.publish(b"")
    assert counters.published_count == 0


def test_deliveries_that_wait_to_be_traced_are_bounded(
    traced: Traced, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(firehose, "WAITING_MAX", 3)
    hose = traced.node.vhost.firehose
    actor = traced.client.connection.session.actor(1)
    for _ in range(5):
        hose.note_deliveries(actor, "jobs", [message(b"x")], redelivered=False)
    assert hose.dropped_count == 2
    assert caplog.messages == ["deliveries are faster than their traces vhost='/'"]
    traced.node.end_turns()
    assert traced.keys() == ["deliver.jobs"] * 3


def test_a_queue_that_traces_fill_lets_only_publishers_wait(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = FullQueue(traced.node.broker.congestion, "traces", monkeypatch)
    traced.client.publish(b"one")
    assert (full.count, len(full.waiting)) == (1, 1)
    full.make_room()
    traced.node.open().consume()
    traced.node.end_turns()
    assert (full.count, len(full.waiting)) == (2, 0), "the delivery is traced"
    assert not traced.node.broker.congestion.is_on


def test_traces_of_many_deliveries_are_cut_into_turns(traced: Traced) -> None:
    turn = traced.node.broker.turn
    clock = count(step=1_000_000)
    hose = traced.node.vhost.firehose
    actor = traced.client.connection.session.actor(1)
    turn.budget = TurnBudget(lambda: next(clock), 5_000_000)
    hose.note_deliveries(actor, "jobs", [message(b"x")] * 50, redelivered=False)
    turns = 0
    while True:
        turn.budget.begin()
        if not turn.end(traced.node.now_ms):
            break
        turns += 1
    assert turns > 5


def test_a_vhost_with_many_queues_is_switched_in_steps() -> None:
    node = Node()
    client = node.open()
    for number in range(100):
        client.declare(f"q{number}")
    assert sum(1 for _ in node.vhost.switching_tracing(is_on=True)) == 100
    assert sum(1 for _ in node.vhost.switching_tracing(is_on=True)) == 0


def test_tracing_is_not_stored() -> None:
    node = Node()
    node.vhost.describe(VhostDefinition("/", "d", tracing=True))
    assert node.vhost.definition == VhostDefinition("/", "d")
    node.vhost.describe(VhostDefinition("/", "e"))
    assert node.vhost.firehose.is_on
