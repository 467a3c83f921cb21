"""Live nodes of which one takes messages from another."""

from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.definitions.definition import ParameterDefinition
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.steps import finish
from exchanges.bindings import Destination, DestinationKind
from tests.support.live_node import LiveNode
from tests.support.vhosts import message


def put_upstream(node: LiveNode, uri: str | list[str], **value: object) -> None:
    """Define an upstream; ``_`` in a key stands for ``-``."""
    given: dict[str, object] = {"uri": uri, "reconnect-delay": 0.1}
    given |= {key.replace("_", "-"): each for key, each in value.items()}
    node.broker.set_parameter(ParameterDefinition("/", "federation-upstream", "u", given))


def federate(node: LiveNode, pattern: str = "^fed", **definition: object) -> None:
    """Have a policy name all upstreams, or those of a definition."""
    given = {key.replace("_", "-"): each for key, each in definition.items()}
    given = given or {"federation-upstream-set": "all"}
    node.vhost.set_policy(Policy("p", pattern, given))


def stop_federating(node: LiveNode) -> None:
    """Delete that policy."""
    node.vhost.clear_policy("p")


def declare_exchange(node: LiveNode, name: str = "fed.x", kind: str = "topic") -> None:
    """Declare a durable exchange."""
    node.vhost.exchanges.declare(name, ExchangeProperties(kind, True, False, False, {}))


def bind(node: LiveNode, queue: str, key: str, exchange: str = "fed.x") -> None:
    """Bind a queue."""
    node.vhost.bind(exchange, Destination(DestinationKind.QUEUE, queue), key, {})


def unbind(node: LiveNode, queue: str, key: str, exchange: str = "fed.x") -> None:
    """Unbind a queue."""
    to = Destination(DestinationKind.QUEUE, queue)
    finish(node.vhost.exchanges.unbinding(exchange, to, key, {}))


def publish(node: LiveNode, key: str, *bodies: bytes, exchange: str = "fed.x") -> None:
    """Publish to an exchange."""
    for body in bodies:
        run = (message(body, exchange, key),)
        node.vhost.publisher.publish(exchange, run, node.reactor.now_ms())
    node.reactor.request_turn()


def statuses(node: LiveNode) -> list[str]:
    """Return the states of the links of a node."""
    return [held.status for held in node.broker.federation.all()]


def mirrored_keys(node: LiveNode, exchange: str = "fed.x") -> list[str]:
    """Return the keys by which an exchange is bound to those of downstream brokers."""
    return sorted(
        binding.routing_key
        for binding in node.vhost.router.bindings.of_source(exchange)
        if binding.destination.kind is DestinationKind.EXCHANGE
    )
