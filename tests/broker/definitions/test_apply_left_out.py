"""What is wrong in a definitions file is left out and told, and all else is applied."""

import pytest

from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.apply import application
from amqp_server.broker.definitions.parse import parse_definitions
from queues.kinds import CLASSIC
from tests.support.definition_files import (
    NOW_MS,
    apply,
    everything_of,
    export,
    queue_of,
    route,
    zeros,
)

BROKEN_REFERENCES: list[tuple[str, dict[str, object], str]] = [
    (
        "permissions",
        {"user": "nobody", "vhost": "/", "configure": "", "write": "", "read": ""},
        "permissions[2].user: no such user 'nobody'",
    ),
    (
        "permissions",
        {"user": "shop", "vhost": "nowhere", "configure": "", "write": "", "read": ""},
        "permissions[2].vhost: no such vhost 'nowhere'",
    ),
    (
        "queues",
        {"name": "q", "vhost": "nowhere", "arguments": {}},
        "queues[6].vhost: no such vhost 'nowhere'",
    ),
    (
        "policies",
        {"vhost": "nowhere", "name": "p", "pattern": "", "definition": {"expires": 1}},
        "policies[2].vhost: no such vhost 'nowhere'",
    ),
]


@pytest.mark.parametrize(("section", "item", "told"), BROKEN_REFERENCES)
def test_a_reference_to_nothing_is_left_out_and_told(
    broker: Broker, section: str, item: dict[str, object], told: str
) -> None:
    raw = export("rabbitmq_3_13")
    apply(broker, raw)
    before = everything_of(broker)
    raw[section].append(item)
    assert apply(broker, raw) == (f"definitions.{told}",)
    assert everything_of(broker) == before


def test_all_that_is_left_out_is_told_and_all_else_is_applied(broker: Broker) -> None:
    raw = export("rabbitmq_3_13")
    binding = {"vhost": "/", "destination_type": "queue", "routing_key": "", "arguments": {}}
    raw["bindings"].append({**binding, "source": "dlx", "destination": "nobody"})
    raw["bindings"].append({**binding, "source": "nowhere", "destination": "orders"})
    raw["queues"].append({"name": "log", "vhost": "/", "type": "delayed", "arguments": {}})
    raw["bindings"].append({**binding, "source": "dlx", "destination": "log"})
    count = len(raw["bindings"])
    unknown, *told = apply(broker, raw)
    assert unknown.startswith(f"definitions.queues[{len(raw['queues']) - 1}]: ")
    assert told == [
        f"definitions.bindings[{count - 3}]: no queue 'nobody' in vhost '/'",
        f"definitions.bindings[{count - 2}]: no exchange 'nowhere' in vhost '/'",
        f"definitions.bindings[{count - 1}]: no queue 'log' in vhost '/'",
    ]
    assert route(broker, "shop", "order.new") == {"orders"}


def test_what_the_broker_refuses_on_the_way_is_told_and_the_rest_goes_on(broker: Broker) -> None:
    policy = {"vhost": "gone", "name": "p", "pattern": "", "definition": {"max-length": 1}}
    queue = {"vhost": "/", "name": "q", "arguments": {}}
    document = parse_definitions({"policies": [policy], "queues": [queue]}, zeros)
    told = [line for line in application(broker, document, NOW_MS) if line is not None]
    assert told == ["definitions.policies[0]: vhost gone not found"]
    assert queue_of(broker, "q").kind is CLASSIC
