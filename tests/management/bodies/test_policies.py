"""Policies and parameters as objects."""

from amqp_server.broker.views import GlobalParameterDefinition, ParameterDefinition, Policy
from management.bodies.policies import (
    global_parameter_body,
    kept_parameter_body,
    policy_body,
    policy_value,
)

POLICY = Policy("p", "^a", {"max-length": 1}, 3, "queues")


def test_a_policy_has_rabbitmqs_names() -> None:
    value = {
        "pattern": "^a",
        "apply-to": "queues",
        "definition": {"max-length": 1},
        "priority": 3,
    }
    assert policy_value(POLICY) == value
    assert policy_body("/", POLICY) == {"vhost": "/", "name": "p", **value}


def test_parameters_keep_their_value() -> None:
    kept = kept_parameter_body(ParameterDefinition("/", "shovel", "s", [1]))
    assert kept == {"vhost": "/", "component": "shovel", "name": "s", "value": [1]}
    body = global_parameter_body(GlobalParameterDefinition("g", None))
    assert body == {"name": "g", "value": None}
