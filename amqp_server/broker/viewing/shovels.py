"""Views of shovels and of the links to upstreams."""

from collections.abc import Sequence

from amqp_server.broker.broker import Broker
from amqp_server.broker.federation.links import LinkState
from amqp_server.broker.shovels.states import ShovelState


class ShovelViews:
    """The views of what moves messages between brokers; see ``broker.views``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def shovels(self, vhost: str | None = None) -> Sequence[ShovelState]:
        """Return how the shovels of a vhost are, or all, by vhost and name."""
        return tuple(self._broker.shovels.all(vhost))

    def federation_links(self, vhost: str | None = None) -> Sequence[LinkState]:
        """Return how the links of a vhost are, or all, by vhost, kind, name and upstream."""
        return tuple(self._broker.federation.all(vhost))
