"""Policies and parameters as JSON."""

from collections.abc import Mapping
from typing import Any

from amqp_server.broker.views import GlobalParameterDefinition, ParameterDefinition, Policy


def policy_body(vhost: str, policy: Policy) -> dict[str, Any]:
    """Return a policy of a vhost, an operator policy too."""
    return {
        "vhost": vhost,
        "name": policy.name,
        "pattern": policy.pattern,
        "apply-to": policy.apply_to,
        "definition": dict(policy.definition),
        "priority": policy.priority,
    }


def parameter_body(vhost: str, component: str, name: str, value: object) -> dict[str, Any]:
    """Return a parameter of a component in a vhost."""
    return {"vhost": vhost, "component": component, "name": name, "value": value}


def kept_parameter_body(parameter: ParameterDefinition) -> dict[str, Any]:
    """Return a parameter of a component that this node does not have."""
    return parameter_body(parameter.vhost, parameter.component, parameter.name, parameter.value)


def policy_value(policy: Policy) -> Mapping[str, Any]:
    """Return a policy of either kind as the value of a parameter, which it is in RabbitMQ."""
    return {
        "pattern": policy.pattern,
        "apply-to": policy.apply_to,
        "definition": dict(policy.definition),
        "priority": policy.priority,
    }


def global_parameter_body(parameter: GlobalParameterDefinition) -> dict[str, Any]:
    """Return a parameter of the cluster."""
    return {"name": parameter.name, "value": parameter.value}
