"""A policy is one of two kinds, and its class says which."""

from amqp_server.broker.definitions.definition import (
    OperatorPolicyDefinition,
    PolicyDefinition,
    policy_definition,
)
from amqp_server.broker.policies.table import Policy

POLICY = Policy("p", "", {"max-length": 1})


def test_a_policy_is_the_kind_that_its_layer_is() -> None:
    ordinary = policy_definition("/", POLICY, operator=False)
    operator = policy_definition("/", POLICY, operator=True)
    assert ordinary == PolicyDefinition("/", POLICY)
    assert operator == OperatorPolicyDefinition("/", POLICY)
