"""The name of the cluster that this node is, or is a part of."""

from collections.abc import Mapping
from typing import Final, Protocol

from amqp_server.broker.settings import BrokerSettings

PARAMETER: Final = "cluster_name"
"""The global parameter that names it."""


class NamedBroker(Protocol):
    """What of a broker says its name."""

    @property
    def settings(self) -> BrokerSettings:
        """The broker section."""

    @property
    def global_parameters(self) -> Mapping[str, object]:
        """By name."""


def cluster_name(broker: NamedBroker) -> str:
    """Return the name that was set while it ran, or in its settings, or else that of the node."""
    given = broker.global_parameters.get(PARAMETER)
    if isinstance(given, str) and given:
        return given
    return broker.settings.cluster_name or broker.settings.node_name
