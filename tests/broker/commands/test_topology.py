"""Commands on queues, exchanges and bindings: they do and refuse what AMQP does."""

from typing import Any

import pytest

from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.errors import (
    AccessRefusedError,
    BrokerError,
    NotFoundError,
    PreconditionFailedError,
    ResourceLockedError,
)
from amqp_server.broker.request_rights import OPERATOR, check_queue_declare
from queues.commits import SAFE_NOW
from queues.outcomes import NOTHING_PURGED, PurgeOutcome
from tests.support.desk import JOBS, PLAIN, Desk
from tests.support.frames import table

DIRECT = ExchangeProperties("direct", True, False, False, {})
BINDING: dict[str, Any] = {
    "vhost": "/",
    "source": "x",
    "destination": "jobs",
    "username": None,
    "destination_type": "queue",
    "routing_key": "k",
    "arguments": {},
}


def test_a_queue_is_declared_bound_purged_and_deleted() -> None:
    desk = Desk()
    client = desk.node.open()
    assert desk.do("declare_queue", **JOBS, **PLAIN) is True
    assert desk.do("declare_queue", **JOBS, **PLAIN) is False
    with pytest.raises(PreconditionFailedError):
        desk.do("declare_queue", **JOBS, **{**PLAIN, "durable": False})
    exchange = {"vhost": "/", "name": "x", "username": None}
    assert desk.do("declare_exchange", **exchange, properties=DIRECT) is True
    desk.do("bind", **BINDING)
    client.publish(b"1", b"2", exchange="x", routing_key="k")
    assert desk.do("purge_queue", **JOBS, username=None) == PurgeOutcome(2, SAFE_NOW)
    desk.do("unbind", **BINDING)
    desk.do("unbind", **BINDING)
    assert desk.views.bindings("/").items == ()
    desk.do("delete_exchange", **exchange, if_unused=True)
    client.publish(b"3")
    delete = {**JOBS, "username": None, "if_unused": False}
    with pytest.raises(PreconditionFailedError):
        desk.do("delete_queue", **delete, if_empty=True)
    assert desk.do("delete_queue", **delete, if_empty=False) == 1
    with pytest.raises(NotFoundError):
        desk.do("delete_queue", **delete, if_empty=False)


def test_a_purge_goes_on_until_nothing_is_ready() -> None:
    desk = Desk()
    desk.do("declare_queue", **JOBS, **{**PLAIN, "arguments": table({"x-max-priority": 9})})
    client = desk.node.open()
    for priority in range(10):
        client.publish(*[b"x"] * 2_000, priority=priority)
    assert desk.do("purge_queue", **JOBS, username=None) == PurgeOutcome(20_000, SAFE_NOW)
    queue = desk.views.queue("/", "jobs")
    assert queue is not None
    assert queue.counts.ready_count == 0


def test_what_is_exclusive_is_let_be_and_limits_hold() -> None:
    desk = Desk()
    desk.node.open().declare(exclusive=True)
    with pytest.raises(ResourceLockedError):
        desk.do("purge_queue", **JOBS, username=None)
    desk.do("set_vhost_limits", vhost="/", limits={"max-queues": 1})
    with pytest.raises(BrokerError):
        desk.do("declare_queue", vhost="/", name="more", **PLAIN)
    wrong = {**PLAIN, "arguments": table({"x-max-length": -1})}
    with pytest.raises(PreconditionFailedError):
        desk.do("declare_queue", vhost="/", name="q", **wrong)


def test_a_user_needs_the_rights_that_amqp_asks_for() -> None:
    desk = Desk()
    desk.node.add_user("ann", "^mine", "^mine", "^mine")
    ann = {"username": "ann"}
    desk.do("declare_queue", **JOBS, **PLAIN)
    desk.do("declare_exchange", vhost="/", name="x", username=None, properties=DIRECT)
    mine = {"vhost": "/", "name": "mine"}
    desk.do("declare_queue", **mine, **{**PLAIN, **ann})
    assert desk.do("purge_queue", **mine, **ann) == NOTHING_PURGED
    dead = {**PLAIN, **ann, "arguments": table({"x-dead-letter-exchange": "x"})}
    refused = (
        ("declare_queue", {**JOBS, **PLAIN, **ann}),
        ("declare_queue", {"vhost": "/", "name": "mine too", **dead}),
        ("purge_queue", {**JOBS, **ann}),
        ("delete_queue", {**JOBS, **ann, "if_unused": False, "if_empty": False}),
        ("declare_exchange", {"vhost": "/", "name": "x", **ann, "properties": DIRECT}),
        ("delete_exchange", {"vhost": "/", "name": "x", **ann, "if_unused": False}),
        ("bind", {**BINDING, **ann}),
        ("unbind", {**BINDING, **ann}),
    )
    for what, given in refused:
        with pytest.raises(AccessRefusedError, match="refused for user 'ann'"):
            desk.do(what, **given)
    check_queue_declare(OPERATOR, "jobs", {})


def test_the_default_exchange_is_neither_declared_nor_bound() -> None:
    desk = Desk()
    default = {"vhost": "/", "name": "", "username": None}
    desk.do("declare_queue", **JOBS, **PLAIN)
    for what, given in (
        ("declare_exchange", {**default, "properties": DIRECT}),
        ("delete_exchange", {**default, "if_unused": False}),
        ("bind", {**BINDING, "source": ""}),
    ):
        with pytest.raises(AccessRefusedError, match="default exchange"):
            desk.do(what, **given)
    with pytest.raises(NotFoundError, match="no exchange 'x'"):
        desk.do("bind", **{**BINDING, "destination": "none"})


def test_names_are_those_that_a_client_of_amqp_could_give() -> None:
    desk, long = Desk(), "x" * 256
    names = {"vhost": "/", "username": None}
    plain = {**PLAIN, **names}
    assert desk.do("declare_queue", **plain, name="jo\nbs") is True
    assert desk.do("declare_exchange", **names, name="\rx", properties=DIRECT) is True
    assert desk.views.queue("/", "jobs") is not None
    assert desk.views.exchange("/", "x") is not None
    with pytest.raises(PreconditionFailedError):
        desk.do("declare_queue", **plain, name=long)
    with pytest.raises(PreconditionFailedError):
        desk.do("declare_exchange", **names, name=long, properties=DIRECT)
    with pytest.raises(PreconditionFailedError):
        desk.do("bind", **{**BINDING, "routing_key": long})
