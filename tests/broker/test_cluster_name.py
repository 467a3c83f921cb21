"""The name of the cluster: set while it ran, in the settings, or that of the node."""

from types import SimpleNamespace
from typing import cast

from amqp_server.broker.cluster_name import NamedBroker, cluster_name
from amqp_server.broker.settings import BrokerSettings


def name(given: object = None, settings: str = "") -> str:
    held = {} if given is None else {"cluster_name": given}
    made = BrokerSettings(cluster_name=settings, node_name="n@h")
    broker = SimpleNamespace(settings=made, global_parameters=held)
    return cluster_name(cast("NamedBroker", broker))


def test_the_last_that_was_given_holds() -> None:
    assert name() == "n@h"
    assert name(settings="s") == "s"
    assert name("set", "s") == "set"
    assert name(5, "s") == "s"
