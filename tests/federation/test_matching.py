"""Which upstreams a policy gives an exchange or a queue."""

import pytest

from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.definition import ParameterDefinition
from amqp_server.broker.policies.table import Policy
from amqp_server.federation.matching import (
    is_federating,
    links_of_exchange,
    links_of_queue,
)
from amqp_server.wire.tables import Field
from tests.support.peer import Node


def put(
    broker: Broker, name: str, component: str = "federation-upstream", value: object = None
) -> None:
    given = {"uri": f"amqp://{name}"} if value is None else value
    broker.set_parameter(ParameterDefinition("/", component, name, given))


def names(broker: Broker, **definition: object) -> list[str]:
    """Return the upstreams of an exchange under a policy."""
    vhost = broker.vhost("/")
    given = {key.replace("_", "-"): value for key, value in definition.items()}
    vhost.set_policy(Policy("p", "^amq.topic$", given))
    return [link.upstream.name for link in links_of_exchange(broker, vhost, "amq.topic")]


@pytest.fixture
def broker() -> Broker:
    made = Node().broker
    for name in ("u1", "u2", "other"):
        put(made, name)
    return made


def test_one_a_set_a_pattern_or_all(broker: Broker) -> None:
    assert names(broker, federation_upstream="u2") == ["u2"]
    assert names(broker, federation_upstream="none") == []
    assert names(broker, federation_upstream_pattern="^u") == ["u1", "u2"]
    assert names(broker, federation_upstream_set="all") == ["u1", "u2", "other"]
    assert names(broker, federation_upstream_set="s") == []
    put(broker, "s", "federation-upstream-set", [{"upstream": "u1"}, {"upstream": "none"}])
    assert names(broker, federation_upstream_set="s") == ["u1"]
    assert is_federating(broker.vhost("/"))


def test_a_set_of_the_name_all_is_that_set(broker: Broker) -> None:
    put(broker, "all", "federation-upstream-set", [{"upstream": "u1", "exchange": "e"}])
    assert names(broker, federation_upstream_set="all") == ["u1"]


def test_what_is_not_valid_gives_no_link(broker: Broker) -> None:
    put(broker, "u1", value={"uri": "nonsense"})
    assert names(broker, federation_upstream="u1") == []


def test_not_every_exchange_or_queue_is_federated(broker: Broker) -> None:
    vhost = broker.vhost("/")
    assert not is_federating(vhost)
    vhost.exchanges.declare("in", ExchangeProperties("fanout", True, False, True, {}))
    up = ExchangeProperties("x-federation-upstream", True, False, False, {})
    vhost.exchanges.declare("up", up)
    stream = {"x-queue-type": Field("S", b"stream")}
    vhost.queues.declare("stream", QueueProperties(True, False, False, stream), None, 0)
    internal = {"x-internal-purpose": Field("S", b"federation")}
    vhost.queues.declare("theirs", QueueProperties(True, False, False, internal), None, 0)
    vhost.queues.declare("q", QueueProperties(True, False, False, {}), None, 0)
    vhost.queues.declare("mine", QueueProperties(False, True, False, {}), object(), 0)
    assert links_of_queue(broker, vhost, "q") == []
    vhost.set_policy(Policy("p", ".*", {"federation-upstream-set": "all"}))
    for name in ("", "in", "up", "nowhere"):
        assert links_of_exchange(broker, vhost, name) == []
    for name in ("stream", "mine", "theirs", "nowhere"):
        assert links_of_queue(broker, vhost, name) == []
    link = links_of_queue(broker, vhost, "q")[0]
    assert (link.kind, link.name, link.policy, link.upstream.name) == ("queue", "q", "p", "u1")
