"""Which upstreams an exchange or queue gets messages from, by the policies that apply to it.

Source: RabbitMQ, rabbit_federation_upstream, rabbit_federation_exchange, rabbit_federation_queue.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from amqp_server.broker.access.patterns import PatternError, compile_pattern, is_found
from amqp_server.broker.broker import Broker
from amqp_server.broker.federation.links import Link
from amqp_server.broker.federation.upstream import (
    UPSTREAM,
    UPSTREAM_PATTERN,
    UPSTREAM_SET,
    Upstream,
    set_items,
    valid_upstream,
)
from amqp_server.broker.names import DEFAULT_EXCHANGE
from amqp_server.broker.policies.rules import FEDERATION_KEYS
from amqp_server.broker.vhost import Vhost
from exchanges.federation_upstream import TYPE as UPSTREAM_TYPE
from persistence.log_form import LogForm

ALL: Final = "all"
INTERNAL_PURPOSE: Final = "x-internal-purpose"
"""Argument of the queues and exchanges that downstream brokers make at their upstream."""


def is_federating(vhost: Vhost) -> bool:
    """Whether a policy of a vhost names upstreams."""
    return any(
        not FEDERATION_KEYS.isdisjoint(policy.definition) for policy in vhost.policies.list()
    )


def links_of_exchange(broker: Broker, vhost: Vhost, name: str) -> list[Link]:
    """Return the links of an exchange; none where it is not federated, or not there."""
    if name == DEFAULT_EXCHANGE or not vhost.exchanges.exists(name):
        return []
    exchange = vhost.exchanges.get(name)
    if exchange.internal or exchange.type == UPSTREAM_TYPE:
        return []
    policy, _ = vhost.policies.match("exchange", None, name)
    if policy is None:
        return []
    found = _upstreams(broker, vhost.name, policy.definition)
    return [Link(vhost.name, "exchange", name, each, policy.name) for each in found]


def links_of_queue(broker: Broker, vhost: Vhost, name: str) -> list[Link]:
    """Return the links of a queue; none where it is not federated, or not there."""
    queue = vhost.queues.find(name)
    if queue is None or queue.owner is not None or queue.kind.log_form is LogForm.STREAM:
        return []
    if INTERNAL_PURPOSE in queue.properties.arguments:
        return []  # a downstream's own, whatever the pattern of the policy
    policy, _ = vhost.policies.match("queue", queue.kind.name, name)
    if policy is None:
        return []
    found = _upstreams(broker, vhost.name, policy.definition)
    return [Link(vhost.name, "queue", name, each, policy.name) for each in found]


def _upstreams(broker: Broker, vhost: str, definition: Mapping[str, object]) -> Iterator[Upstream]:
    """Yield the upstreams that a policy names, each that is there and valid."""
    parameters = broker.parameters
    for name, overrides in _named(broker, vhost, definition):
        value = parameters.get((vhost, UPSTREAM, name))
        found = None if value is None else valid_upstream(name, value, overrides)
        if found is not None:
            yield found


def _named(
    broker: Broker, vhost: str, definition: Mapping[str, object]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    one, of_set = definition.get(UPSTREAM), definition.get(UPSTREAM_SET)
    pattern = definition.get(UPSTREAM_PATTERN)
    if isinstance(one, str):
        yield one, {}
    if isinstance(pattern, str):
        yield from ((name, {}) for name in _matching(_upstream_names(broker, vhost), pattern))
    if of_set == ALL and (vhost, UPSTREAM_SET, ALL) not in broker.parameters:
        yield from ((name, {}) for name in _upstream_names(broker, vhost))
    elif isinstance(of_set, str):
        for item in set_items(broker.parameters.get((vhost, UPSTREAM_SET, of_set), [])):
            yield item["upstream"], item


def _matching(names: list[str], text: str) -> Iterator[str]:
    try:
        pattern = compile_pattern(text)
    except PatternError:
        return
    yield from (name for name in names if is_found(pattern, name))


def _upstream_names(broker: Broker, vhost: str) -> list[str]:
    found = tuple(broker.parameters)
    return [name for held, component, name in found if (held, component) == (vhost, UPSTREAM)]
