"""One object is one definition; what only another node has is left out of it."""

import pytest

from amqp_server.broker.access.users import TopicPermissions
from amqp_server.broker.definitions.definition import (
    ParameterDefinition,
    PolicyDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
)
from amqp_server.broker.definitions.item import Item
from amqp_server.broker.definitions.readers import (
    read_binding,
    read_parameter,
    read_policy,
    read_queue,
    read_topic_permissions,
    read_vhost,
)
from amqp_server.broker.policies.table import Policy
from amqp_server.wire.tables import Table, longstr


def test_a_default_type_that_is_not_ours_leaves_the_vhost() -> None:
    item = Item({"name": "v", "default_queue_type": "stream", "tags": ["t"]}, "d")
    assert read_vhost(item) == VhostDefinition("v", tags=("t",))
    assert item.left_out == ["d.default_queue_type: there are no queues of type 'stream' here"]


def test_a_topic_pattern_that_is_none_allows_nothing() -> None:
    raw = {"user": "u", "vhost": "/", "exchange": "x", "write": "[", "read": "^a"}
    item = Item(raw, "d")
    assert read_topic_permissions(item, None) == TopicPermissions("u", "/", "x", "(?!)", "^a")
    (line,) = item.left_out
    assert line.startswith("d.write: '[' is not a regular expression: ")


def test_a_policy_keeps_the_keys_of_a_plugin() -> None:
    definition = {"federation-upstream-set": "all", "max-length": 1}
    item = Item({"name": "p", "vhost": "/", "pattern": "", "definition": definition}, "d")
    assert read_policy(item, None) == PolicyDefinition("/", Policy("p", "", definition))
    told = "d.definition.federation-upstream-set: is no policy key here: kept, without effect"
    assert item.left_out == [told]


@pytest.mark.parametrize(
    ("component", "value", "expected"),
    [
        ("shovel", {"a": 1}, ParameterDefinition("/", "shovel", "n", {"a": 1})),
        ("vhost-limits", {"max-queues": 3}, VhostLimitsDefinition("/", {"max-queues": 3})),
        (
            "operator_policy",
            {"pattern": "^a", "definition": {"expires": 5}},
            PolicyDefinition("/", Policy("n", "^a", {"expires": 5}), operator=True),
        ),
    ],
)
def test_a_parameter_is_what_its_component_says(
    component: str, value: object, expected: object
) -> None:
    raw = {"vhost": "/", "component": component, "name": "n", "value": value}
    assert read_parameter(Item(raw, "d"), None) == expected


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("classic", {}),
        ("rabbit_classic_queue", {}),
        ("quorum", {"x-queue-type": longstr("quorum")}),
        ("rabbit_quorum_queue", {"x-queue-type": longstr("quorum")}),
    ],
)
def test_a_type_may_be_named_by_its_module(kind: str, arguments: Table) -> None:
    raw = {"name": "q", "vhost": "/", "type": kind}
    assert read_queue(Item(raw, "d"), None).arguments == arguments


def test_a_binding_that_does_not_say_so_is_one_to_a_queue() -> None:
    item = Item({"source": "x", "vhost": "/", "destination": "q"}, "d")
    binding = read_binding(item, None)
    assert (binding.destination_type, binding.routing_key) == ("queue", "")
