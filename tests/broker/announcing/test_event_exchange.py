"""The event exchange: what it tells, when, and how much may wait."""

from itertools import count

import pytest
from pamqp import commands

from amqp_server.broker.access.rights import new_user
from amqp_server.broker.admin import Admin
from amqp_server.broker.alarms import Resource
from amqp_server.broker.announcing import event_exchange
from amqp_server.broker.announcing.event_exchange import EventExchange
from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
    VhostDefinition,
)
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.steps import finish
from amqp_server.wire.properties import split
from amqp_server.wire.tables import plain
from tests.support.full_queue import FullQueue
from tests.support.peer import Client, Node


class Announced:
    """A node with an event exchange in ``/``, and a queue ``events`` that gets all of it."""

    def __init__(self, *, is_bound: bool = True) -> None:
        self.node = Node(broker=BrokerSettings(event_exchange_vhost="/"))
        self.exchange = EventExchange(self.node.broker)
        self.exchange.begin()
        self.reader: Client = self.node.open()
        self.reader.declare("events")
        if is_bound:
            self.reader.send(
                commands.Queue.Bind, queue="events", exchange="amq.rabbitmq.event", routing_key="#"
            )
            self.reader.receive()
            self.events()

    def events(self) -> list[tuple[str, dict[str, object]]]:
        """Take all events: key and headers, without the time and the actor."""
        found = self.told()
        for _, headers in found:
            headers.pop("user_who_performed_action", None)
        return found

    def actors(self) -> dict[str, object]:
        """Take all events: key and actor; None where none is named."""
        return {key: headers.get("user_who_performed_action") for key, headers in self.told()}

    def told(self) -> list[tuple[str, dict[str, object]]]:
        """Take all events: key and headers, without the time."""
        self.node.end_turns()
        found: list[tuple[str, dict[str, object]]] = []
        while True:
            self.reader.send(commands.Basic.Get, queue="events", no_ack=True)
            (got,) = self.reader.receive()
            if not isinstance(got.method, commands.Basic.GetOk):
                return found
            headers = {key: plain(field) for key, field in split(got.header).headers().items()}
            assert isinstance(headers.pop("timestamp_in_ms"), int)
            found.append((got.method.routing_key or "", headers))

    def keys(self) -> list[str]:
        return [key for key, _ in self.events()]


@pytest.fixture
def announced() -> Announced:
    return Announced()


def test_the_binding_of_the_first_reader_is_told() -> None:
    announced = Announced(is_bound=False)
    announced.reader.send(
        commands.Queue.Bind, queue="events", exchange="amq.rabbitmq.event", routing_key="binding.#"
    )
    announced.reader.receive()
    ((key, headers),) = announced.events()
    assert key == "binding.created"
    assert headers == {
        "source_name": "amq.rabbitmq.event",
        "source_kind": "exchange",
        "destination_name": "events",
        "destination_kind": "queue",
        "routing_key": "binding.#",
        "vhost": "/",
    }


def test_a_message_is_persistent_and_has_a_time(announced: Announced) -> None:
    announced.reader.declare("jobs")
    announced.reader.send(commands.Basic.Get, queue="events", no_ack=True)
    (got,) = announced.reader.receive()
    properties = split(got.header)
    assert got.body == b""
    assert properties.raw["delivery_mode"] == b"\x02"
    milliseconds = properties.headers()["timestamp_in_ms"].value
    assert isinstance(milliseconds, int)
    assert int.from_bytes(properties.raw["timestamp"], "big") == milliseconds // 1000


def test_queues_and_exchanges_come_and_go(announced: Announced) -> None:
    client = announced.reader
    client.declare("jobs", durable=True, arguments={"x-max-length": 5})
    client.send(commands.Exchange.Declare, exchange="logs", exchange_type="topic", durable=True)
    client.send(commands.Queue.Bind, queue="jobs", exchange="logs", routing_key="k")
    client.send(commands.Queue.Delete, queue="jobs")
    client.send(commands.Exchange.Delete, exchange="logs")
    client.receive()
    events = announced.events()
    assert [key for key, _ in events] == [
        "queue.created",
        "exchange.created",
        "binding.created",
        "queue.deleted",
        "binding.deleted",
        "exchange.deleted",
    ]
    assert events[0][1] == {
        "name": "jobs",
        "vhost": "/",
        "durable": True,
        "auto_delete": False,
        "exclusive": False,
        "arguments": {"x-max-length": 5},
    }
    assert (events[1][1]["type"], events[1][1]["internal"]) == ("topic", False)
    assert events[3][1] == {"name": "jobs", "vhost": "/"}


def test_connections_channels_and_consumers_come_and_go(announced: Announced) -> None:
    client = announced.node.open()
    client.declare("jobs")
    client.consume()
    client.send(commands.Basic.Cancel, consumer_tag="me")
    client.send(commands.Channel.Close)
    client.send(commands.Connection.Close, 0)
    client.receive()
    events = dict(announced.events())
    assert list(events) == [
        "user.authentication.success",
        "connection.created",
        "channel.created",
        "queue.created",
        "consumer.created",
        "consumer.deleted",
        "channel.closed",
        "connection.closed",
    ]
    name = "127.0.0.1:50000 -> 127.0.0.1:5672"
    assert events["user.authentication.success"]["auth_mechanism"] == "PLAIN"
    assert (events["connection.created"]["name"], events["connection.created"]["user"]) == (
        name,
        "guest",
    )
    assert events["channel.created"]["connection"] == name
    assert events["consumer.created"]["ack_required"] is True
    assert events["consumer.created"]["channel"] == f"{name} (1)"
    assert events["connection.closed"]["name"] == name


def test_a_refused_login_is_told(announced: Announced) -> None:
    client = announced.node.connect()
    client.send_bytes(b"AMQP\x00\x00\x09\x01")
    client.log_in("guest", "wrong")
    ((key, headers),) = announced.events()
    assert (key, headers["name"]) == ("user.authentication.failure", "guest")


def test_users_and_their_rights(announced: Announced) -> None:
    users = announced.node.broker.users
    users.put(new_user("eve", "one", bytes, ("monitoring",)))
    users.put(new_user("eve", "two", bytes, ("monitoring",)))
    users.set_permissions("eve", "/", ".*", "", ".*")
    users.set_topic_permissions("eve", "/", "amq.topic", ".*", ".*")
    users.delete("eve")
    events = announced.events()
    assert [key for key, _ in events] == [
        "user.created",
        "user.tags.set",
        "user.password.changed",
        "permission.created",
        "topic.permission.created",
        *[key for key, _ in events[5:]],
    ]
    assert events[1][1] == {"name": "eve", "tags": ["monitoring"]}
    assert {key for key, _ in events[5:]} >= {"user.deleted", "permission.deleted"}


def test_policies_limits_parameters_vhosts_and_alarms(announced: Announced) -> None:
    broker = announced.node.broker
    vhost = broker.add_vhost("v")
    vhost.set_policy(Policy("p", ".*", {"max-length": 5}))
    vhost.set_limits({"max-queues": 3})
    vhost.set_limits({})
    vhost.clear_policy("p")
    broker.set_parameter(
        ParameterDefinition("v", "shovel", "s", {"src-uri": "amqp://u:secret@host/v"})
    )
    broker.clear_parameter("v", "shovel", "s")
    broker.set_global_parameter(GlobalParameterDefinition("g", "x"))
    broker.alarms.set(Resource.MEMORY, is_low=True, now_ms=0)
    broker.alarms.set(Resource.MEMORY, is_low=False, now_ms=0)
    finish(broker.deleting_vhost("v", 0))
    events = announced.events()
    assert [key for key, _ in events] == [
        "vhost.created",
        "policy.set",
        "parameter.set",
        "vhost.limits.set",
        "parameter.cleared",
        "vhost.limits.cleared",
        "policy.cleared",
        "parameter.set",
        "parameter.cleared",
        "parameter.set",
        "alarm.set",
        "alarm.cleared",
        "vhost.deleted",
    ]
    assert events[1][1]["definition"] == {"max-length": 5}
    assert events[3][1]["max-queues"] == 3
    assert events[7][1]["value"] == {"src-uri": "amqp://host/v"}
    assert events[10][1]["resource"] == "memory"


def test_no_message_is_made_while_nothing_is_bound() -> None:
    announced = Announced(is_bound=False)
    announced.reader.declare("jobs")
    counters = announced.node.vhost.router.counters_of("amq.rabbitmq.event")
    assert counters.published_count == 0


def test_what_waits_is_bounded(
    announced: Announced, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(event_exchange, "WAITING_MAX", 3)
    for number in range(5):
        announced.node.broker.add_vhost(f"v{number}")
    assert announced.exchange.dropped_count == 2
    assert caplog.messages == ["events come faster than they can be announced: some are left out"]
    assert announced.keys() == ["vhost.created"] * 3


def test_a_queue_that_events_fill_lets_no_client_wait(
    announced: Announced, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = FullQueue(announced.node.broker.congestion, "events", monkeypatch)
    announced.node.broker.add_vhost("v")
    announced.node.end_turns()
    assert (full.count, announced.node.broker.congestion.is_on) == (1, False)


def test_a_storm_of_events_is_cut_into_turns(announced: Announced) -> None:
    turn = announced.node.broker.turn
    clock = count(step=1_000_000)
    turn.budget = TurnBudget(lambda: next(clock), 5_000_000)
    for number in range(100):
        announced.node.broker.add_vhost(f"v{number}")
    turns = 0
    while True:
        turn.budget.begin()
        if not turn.end(announced.node.now_ms):
            break
        turns += 1
    assert turns > 10
    assert len(announced.events()) == 100


def test_the_exchange_is_neither_exported_nor_deleted_nor_published_to(
    announced: Announced,
) -> None:
    names = [one.name for one in announced.node.vhost.exchanges.definitions()]
    assert names == []
    assert (
        announced.reader.refused(commands.Exchange.Delete, exchange="amq.rabbitmq.event").code
        == 403
    )
    announced.reader.publish(b"", exchange="amq.rabbitmq.event")
    assert announced.reader.closed().code == 403


def test_it_is_there_again_with_its_vhost() -> None:
    node = Node(broker=BrokerSettings(event_exchange_vhost="v"))
    EventExchange(node.broker).begin()
    assert not node.vhost.exchanges.exists("amq.rabbitmq.event")
    node.broker.add_vhost("v").describe(VhostDefinition("v"))
    assert node.broker.vhost("v").exchanges.exists("amq.rabbitmq.event")
    finish(node.broker.deleting_vhost("v", 0))
    assert node.broker.add_vhost("v").exchanges.exists("amq.rabbitmq.event")


def test_an_event_names_the_user_whose_request_it_is(announced: Announced) -> None:
    announced.node.add_user("eve")
    announced.events()
    client = announced.node.open(user="eve")
    client.declare("jobs")
    client.send(commands.Queue.Bind, queue="jobs", exchange="amq.topic", routing_key="k")
    client.send(commands.Queue.Delete, queue="jobs")
    client.receive()
    actors = announced.actors()
    assert actors.pop("user.authentication.success") is None
    assert actors == dict.fromkeys(
        [
            "connection.created",
            "channel.created",
            "queue.created",
            "binding.created",
            "queue.deleted",
            "binding.deleted",
        ],
        "eve",
    )


def test_what_the_node_does_by_itself_is_its_own(announced: Announced) -> None:
    announced.node.broker.add_vhost("v")
    client = announced.node.open()
    client.declare("mine", exclusive=True)
    client.send(commands.Connection.Close, 0)
    announced.node.end_turns()
    actors = announced.actors()
    assert (actors["vhost.created"], actors["queue.created"]) == ("rmq-internal", "guest")
    assert actors["queue.deleted"] == "rmq-internal"
    assert actors["connection.closed"] is None


def test_a_request_that_takes_many_turns_stays_its_users(announced: Announced) -> None:
    client = announced.node.open()
    client.declare("jobs")
    for number in range(100):
        client.send(
            commands.Queue.Bind, queue="jobs", exchange="amq.topic", routing_key=str(number)
        )
    client.receive()
    announced.events()
    clock = count(step=1_000_000)
    announced.node.broker.turn.budget = TurnBudget(lambda: next(clock), 5_000_000)
    announced.node.broker.turn.budget.begin()
    client.send(commands.Queue.Delete, queue="jobs")
    told = announced.told()
    assert len(told) == 101
    assert {headers["user_who_performed_action"] for _, headers in told} == {"guest"}


def test_a_command_is_that_of_who_asks(announced: Announced) -> None:
    answers: list[object] = []
    given = {"definition": VhostDefinition("w")}
    Admin(announced.node.broker).begin("put_vhost", given, answers.append, "eve")
    assert announced.actors() == {"vhost.created": "eve"}
    assert announced.node.broker.events.actor == ""
