"""Commands on nodes of a cluster, beside a node by itself: scripts, and who plays them."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from amqp_server.broker.admin import COMMANDS, Admin, Answer
from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
    VhostDefinition,
)
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.steps import Steps, finish
from exchanges.errors import ExchangeError
from tests.support.clustered_nodes import Cluster, cluster_of, held, until
from tests.support.peer import Node

Command = tuple[str, dict[str, Any]]

V = {"vhost": "/"}
QUEUE: dict[str, Any] = {
    "username": None,
    "durable": True,
    "auto_delete": False,
    "arguments": {},
}
FANOUT = ExchangeProperties("fanout", True, False, False, {})
DIRECT = ExchangeProperties("direct", True, False, False, {})
ENDS: dict[str, Any] = {
    **V,
    "source": "x",
    "destination": "q",
    "username": None,
    "destination_type": "queue",
    "routing_key": "k",
    "arguments": {},
}
RIGHTS = {"configure": "c", "write": "w", "read": "r"}
TOPIC = {"exchange": "x", "write": "w", "read": "r"}
DOCUMENT = {
    "vhosts": [{"name": "imported"}],
    "users": [{"name": "i", "password_hash": "", "tags": ""}],
    "exchanges": [{"vhost": "imported", "name": "x", "type": "topic"}],
    "queues": [{"vhost": "imported", "name": "q", "durable": True}, {"vhost": "none", "name": "q"}],
    "bindings": [
        {"vhost": "imported", "source": "x", "destination": "q", "destination_type": "queue"}
    ],
}

VHOSTS: list[Command] = [
    ("put_vhost", {"definition": VhostDefinition("v", "one")}),
    ("put_vhost", {"definition": VhostDefinition("v", "two", protected=True)}),
    ("delete_vhost", {"name": "v"}),
    ("protect_vhost", {"vhost": "v", "protected": False}),
    ("protect_vhost", {"vhost": "none", "protected": False}),
    ("set_policy", {**V, "policy": Policy("p", ".*", {"max-length": 5}), "operator": False}),
    ("set_policy", {**V, "policy": Policy("p", "(", {"max-length": 5}), "operator": False}),
    ("set_policy", {**V, "policy": Policy("o", ".*", {"max-length": 9}), "operator": True}),
    ("clear_policy", {**V, "name": "o", "operator": True}),
    ("clear_policy", {**V, "name": "o", "operator": True}),
    ("set_vhost_limits", {**V, "limits": {"max-queues": 3, "max-connections": 9}}),
    ("set_vhost_limit", {**V, "limit": "max-queues", "value": 4}),
    ("clear_vhost_limit", {**V, "limit": "max-connections"}),
    ("clear_vhost_limit", {**V, "limit": "max-connections"}),
    ("set_vhost_limits", {**V, "limits": {}}),
    ("set_parameter", {"parameter": ParameterDefinition("/", "c", "n", {"a": 1})}),
    ("set_parameter", {"parameter": ParameterDefinition("none", "c", "n", 1)}),
    ("set_parameter", {"parameter": ParameterDefinition("/", "shovel", "n", {"a": 1})}),
    ("set_parameter", {"parameter": GlobalParameterDefinition("g", 1)}),
    ("clear_parameter", {"name": "n", "component": "c", **V}),
    ("clear_parameter", {"name": "n", "component": "c", **V}),
    ("clear_parameter", {"name": "g", "component": None, **V}),
    ("import_definitions", {"document": DOCUMENT, "vhost": None}),
    ("import_definitions", {"document": DOCUMENT, "vhost": None}),
    ("delete_vhost", {"name": "v"}),
    ("delete_vhost", {"name": "v"}),
]

ACCOUNTS: list[Command] = [
    ("put_user", {"name": "u", "account": {"password_hash": "", "tags": ["management"]}}),
    ("set_user_limit", {"name": "u", "limit": "max-channels", "value": 3}),
    ("set_user_limit", {"name": "u", "limit": "unheard-of", "value": 3}),
    ("set_user_limit", {"name": "none", "limit": "max-channels", "value": 3}),
    ("put_user", {"name": "u", "account": {"password_hash": "", "tags": []}}),
    ("set_permissions", {"user": "u", **V, **RIGHTS}),
    ("set_permissions", {"user": "u", "vhost": "v", **RIGHTS}),
    ("set_permissions", {"user": "u", "vhost": "v", **RIGHTS, "read": "("}),
    ("set_permissions", {"user": "none", **V, **RIGHTS}),
    ("set_topic_permissions", {"user": "u", **V, **TOPIC}),
    ("set_topic_permissions", {"user": "u", **V, **TOPIC, "exchange": "y"}),
    ("clear_topic_permissions", {"user": "u", **V, "exchange": "x"}),
    ("clear_topic_permissions", {"user": "u", **V, "exchange": None}),
    ("clear_topic_permissions", {"user": "u", **V, "exchange": None}),
    ("clear_permissions", {"user": "u", "vhost": "v"}),
    ("clear_permissions", {"user": "u", "vhost": "v"}),
    ("clear_user_limit", {"name": "u", "limit": "max-channels"}),
    ("clear_user_limit", {"name": "u", "limit": "max-channels"}),
    ("delete_user", {"name": "u"}),
    ("delete_user", {"name": "u"}),
]

TOPOLOGY: list[Command] = [
    ("declare_queue", {**V, "name": "q", **QUEUE}),
    ("declare_queue", {**V, "name": "q", **QUEUE}),
    ("declare_queue", {**V, "name": "q", **QUEUE, "durable": False}),
    ("declare_queue", {**V, "name": "q2", **QUEUE}),
    ("pause_queue", {**V, "name": "q", "username": None, "is_on": True}),
    ("pause_queue", {**V, "name": "none", "username": None, "is_on": True}),
    ("declare_exchange", {**V, "name": "x", "username": None, "properties": FANOUT}),
    ("declare_exchange", {**V, "name": "x", "username": None, "properties": DIRECT}),
    ("bind", ENDS),
    ("bind", {**ENDS, "source": "none"}),
    ("delete_exchange", {**V, "name": "x", "username": None, "if_unused": True}),
    ("unbind", ENDS),
    ("unbind", ENDS),
    ("delete_exchange", {**V, "name": "x", "username": None, "if_unused": True}),
    ("delete_exchange", {**V, "name": "x", "username": None, "if_unused": True}),
    ("delete_queue", {**V, "name": "q2", "username": None, "if_unused": True, "if_empty": True}),
    ("delete_queue", {**V, "name": "q2", "username": None, "if_unused": True, "if_empty": True}),
]


def done_alone(node: Node, name: str, given: dict[str, Any]) -> Answer:
    steps = COMMANDS[name].carry_out(Admin(node.broker), node.now_ms, **given)
    try:
        value = finish(cast("Steps[object]", steps))
    except (BrokerError, ExchangeError) as error:
        return Answer(error=error)
    node.end_turns()
    return Answer(value)


async def done(cluster: Cluster, number: int, name: str, given: dict[str, Any]) -> Answer:
    node = cluster.nodes[number]
    answers: list[Answer] = []
    Admin(node.broker).begin(name, given, answers.append)
    node.end_turns()
    await until(lambda: bool(answers))
    return answers[0]


def shown(answer: Answer) -> tuple[object, ...]:
    return answer.value, type(answer.error), str(answer.error)


def played(script: Sequence[Command]) -> None:
    """Play a script on two nodes in turn; they answer and have what a node by itself does."""

    async def run() -> None:
        alone = Node()
        async with cluster_of() as cluster:
            for number, (name, given) in enumerate(script):
                answer = await done(cluster, number % 2, name, given)
                expected = done_alone(alone, name, given)
                assert shown(answer) == shown(expected), (name, given)
            await until(lambda: held(cluster.nodes[0]) == held(cluster.nodes[1]) == held(alone))

    asyncio.run(run())
