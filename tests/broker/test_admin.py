"""Admin commands: each does what the methods of AMQP and definitions do, and refuses the same."""

from typing import Any

import pytest

from amqp_server.broker.access.rights import new_user
from amqp_server.broker.admin import COMMANDS, Admin
from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.commands.messages import SettledBy
from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
    VhostDefinition,
)
from amqp_server.broker.errors import (
    BrokerError,
    NotFoundError,
    PreconditionFailedError,
    ResourceLockedError,
)
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.steps import finish
from amqp_server.broker.views import Views
from tests.support.frames import table
from tests.support.peer import Node

JOBS = {"vhost": "/", "name": "jobs"}
PLAIN = {"durable": True, "auto_delete": False, "arguments": {}}
DIRECT = ExchangeProperties("direct", True, False, False, {})
BINDING = {
    "vhost": "/",
    "source": "x",
    "destination": "jobs",
    "destination_type": "queue",
    "routing_key": "k",
    "arguments": {},
}


class Desk:
    """Carries commands out by their names, as management does."""

    def __init__(self) -> None:
        self.node = Node()
        self.admin = Admin(self.node.broker)
        self.views = Views(self.node.broker)

    def do(self, what: str, /, **given: Any) -> Any:  # noqa: ANN401 -- each command has its own
        command = COMMANDS[what]
        assert set(given) == set(command.needs), "the table says what it needs"
        result = finish(command.carry_out(self.admin, self.node.now_ms, **given))
        self.node.end_turns()
        return result


def test_a_queue_is_declared_bound_purged_and_deleted() -> None:
    desk = Desk()
    client = desk.node.open()
    assert desk.do("declare_queue", **JOBS, **PLAIN) is True
    assert desk.do("declare_queue", **JOBS, **PLAIN) is False
    with pytest.raises(PreconditionFailedError):
        desk.do("declare_queue", **JOBS, **{**PLAIN, "durable": False})
    assert desk.do("declare_exchange", vhost="/", name="x", properties=DIRECT) is True
    desk.do("bind", **BINDING)
    client.publish(b"1", b"2", exchange="x", routing_key="k")
    assert desk.do("purge_queue", **JOBS) == 2
    desk.do("unbind", **BINDING)
    assert desk.views.bindings("/").items == ()
    desk.do("delete_exchange", vhost="/", name="x", if_unused=True)
    client.publish(b"3")
    with pytest.raises(PreconditionFailedError):
        desk.do("delete_queue", **JOBS, if_unused=False, if_empty=True)
    assert desk.do("delete_queue", **JOBS, if_unused=False, if_empty=False) == 1
    with pytest.raises(NotFoundError):
        desk.do("delete_queue", **JOBS, if_unused=False, if_empty=False)


def test_a_purge_goes_on_until_nothing_is_ready() -> None:
    desk = Desk()
    desk.do("declare_queue", **JOBS, **{**PLAIN, "arguments": table({"x-max-priority": 9})})
    client = desk.node.open()
    for priority in range(10):
        client.publish(*[b"x"] * 2_000, priority=priority)
    assert desk.do("purge_queue", **JOBS) == 20_000
    queue = desk.views.queue("/", "jobs")
    assert queue is not None
    assert queue.counts.ready_count == 0


def test_what_is_exclusive_is_let_be_and_limits_hold() -> None:
    desk = Desk()
    desk.node.open().declare(exclusive=True)
    with pytest.raises(ResourceLockedError):
        desk.do("purge_queue", **JOBS)
    desk.do("set_vhost_limits", vhost="/", limits={"max-queues": 1})
    with pytest.raises(BrokerError):
        desk.do("declare_queue", vhost="/", name="more", **PLAIN)
    with pytest.raises(PreconditionFailedError):
        desk.do(
            "declare_queue",
            vhost="/",
            name="q",
            **{**PLAIN, "arguments": table({"x-max-length": -1})},
        )


def test_a_connection_is_closed_with_its_reason() -> None:
    desk = Desk()
    client = desk.node.open()
    desk.do("close_connection", number=1, reason="enough")
    close = client.closed()
    assert (close.code, close.text) == (320, "CONNECTION_FORCED - enough")
    with pytest.raises(NotFoundError):
        desk.do("close_connection", number=7, reason="nobody")


def test_policies_hold_once_they_are_set_until_they_are_cleared() -> None:
    desk = Desk()
    desk.do("declare_queue", **JOBS, **PLAIN)
    policy = Policy("short", "jobs", {"max-length": 1}, 0, "queues")
    desk.do("set_policy", vhost="/", policy=policy, operator=False)
    desk.node.open().publish(b"1", b"2")
    queue = desk.views.queue("/", "jobs")
    assert queue is not None
    assert (queue.policy, queue.counts.ready_count, queue.counts.dropped.maxlen) == ("short", 1, 1)
    assert desk.do("clear_policy", vhost="/", name="short", operator=False) is True
    assert desk.do("clear_policy", vhost="/", name="short", operator=False) is False


def test_vhosts_users_rights_and_parameters_come_and_go() -> None:
    desk = Desk()
    broker = desk.node.broker
    assert desk.do("put_vhost", definition=VhostDefinition("v", "mine", ("a",))) is True
    assert desk.do("put_vhost", definition=VhostDefinition("v", "yours")) is False
    vhost = desk.views.vhost("v")
    assert vhost is not None
    assert vhost.description == "yours"
    desk.do("put_user", user=new_user("ann", "secret", bytes, ()))
    desk.do("set_permissions", user="ann", vhost="v", configure="", write=".*", read="")
    assert broker.users.may_enter_vhost("ann", "v")
    assert desk.do("clear_permissions", user="ann", vhost="v") is True
    assert desk.do("delete_user", name="ann") is True
    assert desk.do("delete_user", name="ann") is False
    desk.do("set_parameter", parameter=ParameterDefinition("v", "shovel", "s", {"a": 1}))
    desk.do("set_parameter", parameter=GlobalParameterDefinition("cluster_name", "hare"))
    assert desk.do("clear_parameter", name="s", component="shovel", vhost="v") is True
    assert desk.do("clear_parameter", name="cluster_name", component=None, vhost="") is True
    desk.do("delete_vhost", name="v")
    assert desk.views.vhost("v") is None


def test_a_message_is_published_and_got() -> None:
    desk = Desk()
    desk.do("declare_queue", **JOBS, **PLAIN)
    asked = {"vhost": "/", "username": "guest"}
    published = desk.do(
        "publish", **asked, exchange="", routing_key="jobs", properties={}, payload=b"x"
    )
    assert published.routed
    got = desk.do(
        "get", **asked, name="jobs", count=1, settled_by=SettledBy.NO_ACK, truncate_bytes=None
    )
    assert [one.payload for one in got] == [b"x"]


def test_every_command_says_what_it_needs() -> None:
    assert COMMANDS["purge_queue"].needs == ("vhost", "name")
    assert all("self" not in command.needs for command in COMMANDS.values())
