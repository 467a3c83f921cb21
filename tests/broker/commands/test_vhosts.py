"""Commands on vhosts, policies, limits and parameters, and definitions as files."""

import json

import pytest

from amqp_server.broker.admin import COMMANDS
from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
    VhostDefinition,
)
from amqp_server.broker.definitions.item import DefinitionsError
from amqp_server.broker.errors import NotFoundError, PreconditionFailedError
from amqp_server.broker.policies.table import Policy
from tests.support.desk import JOBS, PLAIN, Desk

ANNOUNCED = {"product": "RabbitMQ", "version": "3.13.7", "cluster_name": "hares"}


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


def test_vhosts_and_parameters_come_and_go() -> None:
    desk = Desk()
    assert desk.do("put_vhost", definition=VhostDefinition("v", "mine", ("a",))) is True
    assert desk.do("put_vhost", definition=VhostDefinition("v", "yours")) is False
    vhost = desk.views.vhost("v")
    assert vhost is not None
    assert vhost.description == "yours"
    desk.do("set_parameter", parameter=ParameterDefinition("v", "other", "s", {"a": 1}))
    desk.do("set_parameter", parameter=GlobalParameterDefinition("cluster_name", "hare"))
    assert desk.do("clear_parameter", name="s", component="other", vhost="v") is True
    assert desk.do("clear_parameter", name="cluster_name", component=None, vhost="") is True
    desk.do("delete_vhost", name="v")
    assert desk.views.vhost("v") is None


def test_limits_of_a_vhost_are_set_one_by_one() -> None:
    desk = Desk()
    limits = desk.node.vhost.limits
    desk.do("set_vhost_limit", vhost="/", limit="max-queues", value=1)
    desk.do("set_vhost_limit", vhost="/", limit="max-connections", value=-1)
    assert limits.as_dict() == {"max-queues": 1, "max-connections": -1}
    assert desk.do("clear_vhost_limit", vhost="/", limit="max-queues") is True
    assert desk.do("clear_vhost_limit", vhost="/", limit="max-queues") is False
    assert limits.as_dict() == {"max-connections": -1}
    with pytest.raises(PreconditionFailedError, match="max-bogus"):
        desk.do("set_vhost_limit", vhost="/", limit="max-bogus", value=1)
    with pytest.raises(NotFoundError):
        desk.do("set_vhost_limit", vhost="none", limit="max-queues", value=1)


def test_what_is_exported_is_imported_elsewhere() -> None:
    desk, other = Desk(), Desk()
    desk.do("put_vhost", definition=VhostDefinition("v", "mine"))
    desk.do("declare_queue", vhost="v", name="q", **PLAIN)
    desk.do("put_user", name="ann", account={"password": "p", "tags": []})
    document = json.loads(json.dumps(desk.do("export_definitions", vhost=None, **ANNOUNCED)))
    assert document["original_cluster_name"] == "hares"
    assert other.do("import_definitions", document=document, vhost=None) == ()
    assert other.views.queue("v", "q") is not None
    assert other.node.broker.users.get("ann") == desk.node.broker.users.get("ann")


def test_one_vhost_is_exported_and_becomes_another() -> None:
    desk = Desk()
    desk.do("put_vhost", definition=VhostDefinition("v", "mine", ("a",)))
    for vhost in ("/", "v"):
        desk.do("declare_queue", vhost=vhost, name=f"of {vhost}", **PLAIN)
    desk.do("set_vhost_limit", vhost="v", limit="max-queues", value=9)
    policy = Policy("p", "", {"max-length": 9})
    desk.do("set_policy", vhost="v", policy=policy, operator=False)
    document = json.loads(json.dumps(desk.do("export_definitions", vhost="v", **ANNOUNCED)))
    assert (document["original_vhost_name"], document["description"]) == ("v", "mine")
    assert document["rabbitmq_definition_format"] == "single_virtual_host"
    assert (document["limits"], document["metadata"]["tags"]) == ({"max-queues": 9}, ["a"])
    assert [queue["name"] for queue in document["queues"]] == ["of v"]
    assert "users" not in document
    assert '"vhost"' not in json.dumps(document)
    desk.do("put_vhost", definition=VhostDefinition("w"))
    assert desk.do("import_definitions", document=document, vhost="w") == ()
    copy = desk.views.queue("w", "of v")
    assert copy is not None
    assert copy.policy == "p"
    for what in ("export_definitions", "import_definitions"):
        given: dict[str, object] = {"document": {}}
        given = {**ANNOUNCED} if what == "export_definitions" else given
        with pytest.raises(NotFoundError):
            desk.do(what, vhost="none", **given)


def test_what_cannot_be_imported_is_said_line_by_line() -> None:
    desk = Desk()
    document = {"queues": [{"name": "q"}, {"name": "r", "vhost": "none"}, 5]}
    lines = desk.do("import_definitions", document=document, vhost="/")
    assert len(lines) == 2
    assert desk.views.queue("/", "q") is not None
    with pytest.raises(DefinitionsError):
        desk.do("import_definitions", document=[], vhost=None)


def test_a_large_file_is_read_and_written_in_steps() -> None:
    desk = Desk()
    document = {"queues": [{"name": f"q{n}", "vhost": "/"} for n in range(1_000)]}
    given = {"document": document, "vhost": None}
    steps = COMMANDS["import_definitions"].carry_out(desk.admin, desk.node.now_ms, **given)
    assert sum(1 for _ in steps) >= 3 * 1_000, "read, referred, applied"
    steps = COMMANDS["export_definitions"].carry_out(
        desk.admin, desk.node.now_ms, vhost="/", **ANNOUNCED
    )
    assert sum(1 for _ in steps) >= 1_000 // 100
