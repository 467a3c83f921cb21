"""Definitions into a broker: they add, in an order that works, and never take away."""

from itertools import pairwise

import pytest

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.apply import application
from amqp_server.broker.definitions.parse import parse_definitions
from amqp_server.broker.definitions.references import with_references
from amqp_server.broker.names import PREDECLARED
from exchanges.bindings import Destination, DestinationKind
from queues.kinds import CLASSIC, QUORUM
from queues.options import Durability
from tests.support.definition_files import (
    NOW_MS,
    apply,
    everything_of,
    export,
    queue_of,
    route,
    zeros,
)
from tests.support.frames import table
from tests.support.vhosts import message

EXPORTS = ("rabbitmq_3_6", "rabbitmq_3_13", "rabbitmq_4_1")


# ── an export of 3.13 ──


def test_users_may_log_in_and_do_what_they_may(broker: Broker) -> None:
    apply(broker, export("rabbitmq_3_13"))
    users = broker.users
    shop = users.authenticate("shop", "s3cret")
    assert shop.tags == ("administrator",)
    assert shop.limits == {"max-connections": 7}
    assert users.may_enter_vhost("till", "safe")
    assert not users.may_enter_vhost("till", "/")
    assert users.allows("till", "safe", Permission.READ, "till.1")
    assert not users.allows("till", "safe", Permission.CONFIGURE, "till.1")
    assert [held.exchange for held in users.topic_permissions("till")] == ["amq.topic"]


def test_vhosts_have_what_is_said_of_them(broker: Broker) -> None:
    apply(broker, export("rabbitmq_3_13"))
    safe = broker.vhost("safe")
    assert (safe.description, safe.tags) == ("quorum by default", ("prod",))
    assert safe.limits.as_dict() == {"max-queues": 9}
    assert broker.vhost("/").description == "Default virtual host"


def test_policies_hold_for_the_queues_of_the_same_file(broker: Broker) -> None:
    apply(broker, export("rabbitmq_3_13"))
    options = queue_of(broker, "orders").engine.options
    assert options.dead_letter_exchange == "dlx"
    assert (options.max_length, options.message_ttl_ms) == (1_000, 60_000), "the operator's"
    assert options.max_priority == 5
    assert queue_of(broker, "dead").engine.options.dead_letter_exchange is None


def test_exchanges_are_as_they_were_declared(broker: Broker) -> None:
    apply(broker, export("rabbitmq_3_13"))
    exchanges = broker.vhost("/").exchanges
    assert exchanges.get("shop").alternate_exchange == "lost"
    assert exchanges.get("lost").internal
    passing = exchanges.get("passing")
    assert (passing.type, passing.durable, passing.auto_delete) == ("headers", False, True)


def test_bindings_route_whatever_the_order_of_the_file(broker: Broker) -> None:
    apply(broker, export("rabbitmq_3_13"))
    assert route(broker, "shop", "order.new") == {"orders"}
    assert route(broker, "shop", "order.dead") == {"orders", "dead"}, "over a bound exchange"
    assert route(broker, "shop", "else") == {"dead"}, "over the alternate exchange"
    assert route(broker, "passing", "", age=3) == {"visitors"}
    assert route(broker, "passing", "", age=4) == set()
    assert route(broker, "amq.topic", "till.7.open", "safe") == {"till.1"}


def test_what_this_version_does_not_have_is_kept(broker: Broker) -> None:
    apply(broker, export("rabbitmq_3_13"))
    assert list(broker.parameters) == [("/", "shovel", "copy")]
    assert broker.global_parameters["cluster_name"] == "rabbit@shop"


def test_queues_take_the_default_type_of_their_vhost_where_they_can(broker: Broker) -> None:
    apply(broker, export("rabbitmq_3_13"))
    assert broker.vhost("safe").default_queue_kind is QUORUM
    kinds = {queue.name: queue.kind for queue in broker.vhost("safe").queues}
    assert kinds == {
        "till.1": QUORUM,
        "till.old": CLASSIC,
        "till.now": CLASSIC,
    }
    assert queue_of(broker, "dead").kind is CLASSIC


# ── other versions ──


def test_an_export_of_3_6_is_loaded(broker: Broker) -> None:
    apply(broker, export("rabbitmq_3_6"))
    assert broker.users.authenticate("admin", "admin").tags == ("administrator", "management")
    assert broker.users.authenticate("old", "old").tags == ()
    assert queue_of(broker, "lazy.1").engine.options.message_ttl_ms == 5_000
    assert route(broker, "events", "") == {"lazy.1"}
    assert broker.vhost("legacy").limits.as_dict() == {"max-connections": 100, "max-queues": -1}


def test_an_export_of_4_1_is_loaded(broker: Broker) -> None:
    apply(broker, export("rabbitmq_4_1"))
    broker.users.authenticate("new", "new")
    assert queue_of(broker, "q1").kind is queue_of(broker, "q2").kind is QUORUM
    assert queue_of(broker, "q1").engine.options.delivery_limit == 3
    assert queue_of(broker, "c1").kind is CLASSIC
    assert broker.vhost("plain").default_queue_kind is None


def test_the_export_of_one_vhost_is_loaded_into_another(broker: Broker) -> None:
    broker.add_vhost("here")
    apply(broker, export("rabbitmq_3_13_vhost"), "here")
    assert queue_of(broker, "jobs", "here").engine.options.max_length == 2
    assert route(broker, "work", "jobs", "here") == {"jobs"}
    assert broker.count_queues() == 1


# ── again, and beside what is there ──


@pytest.mark.parametrize("name", EXPORTS)
def test_loading_twice_is_loading_once(broker: Broker, name: str) -> None:
    apply(broker, export(name))
    once = everything_of(broker)
    queues = [queue for vhost in broker.vhosts() for queue in vhost.queues]
    apply(broker, export(name))
    assert everything_of(broker) == once
    assert [queue for vhost in broker.vhosts() for queue in vhost.queues] == queues


def test_one_file_beside_the_other_takes_nothing_away(broker: Broker) -> None:
    seen: dict[str, set[str]] = {"users": set(), "vhosts": set(), "queues": set()}
    for name in EXPORTS:
        raw = export(name)
        apply(broker, raw)
        for section, names in seen.items():
            names |= {item["name"] for item in raw[section]}
    assert {user.name for user in broker.users.list()} == seen["users"]
    assert {vhost.name for vhost in broker.vhosts()} == seen["vhosts"]
    assert {queue.name for v in broker.vhosts() for queue in v.queues} == seen["queues"]


def test_a_queue_that_exists_keeps_its_arguments_and_messages(broker: Broker) -> None:
    vhost = broker.vhost("/")
    properties = QueueProperties(False, False, False, table({"x-max-length": 7}))
    queue = vhost.queues.declare("orders", properties, None, NOW_MS)
    vhost.publisher.publish("", [message(b"m", "", "orders")], NOW_MS)
    apply(broker, export("rabbitmq_3_13"))
    assert queue_of(broker, "orders") is queue
    assert queue.properties == properties
    assert queue.engine.ready_count == 1


def test_an_exclusive_queue_of_that_name_is_left_alone(broker: Broker) -> None:
    owner = object()
    properties = QueueProperties(False, True, False, {})
    queue = broker.vhost("/").queues.declare("dead", properties, owner, NOW_MS)
    apply(broker, {"queues": [{"name": "dead", "vhost": "/", "arguments": {}}]})
    assert queue_of(broker, "dead") is queue
    assert queue.owner is owner


def test_an_exchange_that_exists_stays_and_the_bindings_are_added(broker: Broker) -> None:
    vhost = broker.vhost("/")
    properties = ExchangeProperties("direct", False, False, False, {})
    vhost.exchanges.declare("dlx", properties)
    apply(broker, export("rabbitmq_3_13"))
    assert vhost.exchanges.properties_of("dlx") == properties
    assert route(broker, "dlx", "") == {"dead"}


def test_users_rights_and_policies_are_replaced(broker: Broker) -> None:
    apply(broker, export("rabbitmq_3_13"))
    apply(
        broker,
        {
            "users": [{"name": "shop", "password_hash": "", "tags": ["none"]}],
            "permissions": [
                {"user": "shop", "vhost": "/", "configure": "", "write": "", "read": ""}
            ],
            "policies": [
                {"vhost": "/", "name": "retry", "pattern": "x", "definition": {"expires": 5}}
            ],
        },
    )
    shop = broker.users.get("shop")
    assert shop is not None
    assert shop.tags == ("none",)
    assert shop.password_hash == ""
    assert not broker.users.allows("shop", "/", Permission.READ, "orders")
    assert [policy.pattern for policy in broker.vhost("/").policies.list()] == [".*", "x"]


def test_policies_change_the_queues_and_exchanges_that_are_there(broker: Broker) -> None:
    vhost = broker.vhost("/")
    vhost.queues.declare("orders", QueueProperties(True, False, False, {}), None, NOW_MS)
    vhost.exchanges.declare("x", ExchangeProperties("fanout", True, False, False, {}))
    vhost.publisher.publish("", [message(b"", "", "orders") for _ in range(3)], NOW_MS)
    policy = {"vhost": "/", "name": "p", "pattern": ".*"}
    operator = {"pattern": ".*", "definition": {"expires": 9_000}}
    apply(
        broker,
        {
            "policies": [
                {**policy, "definition": {"max-length": 1, "alternate-exchange": "amq.fanout"}}
            ],
            "parameters": [
                {"vhost": "/", "component": "operator_policy", "name": "o", "value": operator}
            ],
        },
    )
    queue = queue_of(broker, "orders")
    assert (queue.engine.options.max_length, queue.engine.ready_count) == (1, 1)
    assert queue.engine.options.expires_ms == 9_000
    assert vhost.exchanges.get("x").alternate_exchange == "amq.fanout"


def test_classes_of_queues_are_loaded(broker: Broker) -> None:
    shared = {"vhost": "/", "durable": True, "auto_delete": False}
    raw = {
        "queues": [
            {**shared, "name": "orders", "arguments": {"x-durability": "fsync"}},
            {**shared, "name": "clicks", "arguments": {}},
        ],
        "policies": [
            {"vhost": "/", "name": "p", "pattern": "", "definition": {"durability": "os"}}
        ],
    }
    apply(broker, raw)
    assert queue_of(broker, "orders").engine.options.durability is Durability.FSYNC
    assert queue_of(broker, "clicks").engine.options.durability is Durability.OS


def test_a_default_queue_type_that_is_not_told_stays(broker: Broker) -> None:
    broker.vhost("/").default_queue_kind = QUORUM
    apply(broker, {"vhosts": [{"name": "/"}]})
    assert broker.vhost("/").default_queue_kind is QUORUM


def test_names_that_clients_may_not_choose_are_loaded(broker: Broker) -> None:
    name = "amq.gen-AAAAAAAAAAAAAAAAAAAAAA"
    binding = {"source": "amq.fanout", "destination": name, "destination_type": "queue"}
    apply(
        broker,
        {
            "queues": [{"name": name, "vhost": "/", "durable": True, "arguments": {}}],
            "bindings": [{**binding, "vhost": "/", "routing_key": "", "arguments": {}}],
        },
    )
    assert route(broker, "amq.fanout", "") == {name}


def test_a_policy_of_a_plugin_keeps_its_place_before_others(broker: Broker) -> None:
    shared = {"vhost": "/", "pattern": ".*", "apply-to": "queues"}
    federated = {"shards-per-node": 2}
    raw = {
        "policies": [
            {**shared, "name": "mine", "definition": {"message-ttl": 5}},
            {**shared, "name": "other", "definition": federated, "priority": 1},
        ],
        "queues": [{"name": "q", "vhost": "/", "arguments": {}}],
    }
    assert len(apply(broker, raw)) == 1
    assert queue_of(broker, "q").engine.options.message_ttl_ms is None


def test_a_document_is_applied_step_by_step(broker: Broker) -> None:
    document = parse_definitions(export("rabbitmq_3_13"), zeros)
    steps = application(broker, with_references(document, broker), NOW_MS)
    queue_counts = [broker.count_queues() for _ in steps]
    policies = len(PREDECLARED)
    assert len(queue_counts) == len(document.placed) + policies, "what is there gets policies"
    assert {later - former for former, later in pairwise(queue_counts)} == {0, 1}


def test_a_binding_to_an_exchange_is_one_to_an_exchange(broker: Broker) -> None:
    apply(broker, export("rabbitmq_3_13"))
    bound = broker.vhost("/").router.bindings.of_source("shop")
    assert Destination(DestinationKind.EXCHANGE, "dlx") in {held.destination for held in bound}
