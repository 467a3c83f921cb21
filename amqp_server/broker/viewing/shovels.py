"""Views of shovels."""

from collections.abc import Sequence

from amqp_server.broker.broker import Broker
from amqp_server.broker.shovels.states import ShovelState


class ShovelViews:
    """The views of shovels; see ``broker.views``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def shovels(self, vhost: str | None = None) -> Sequence[ShovelState]:
        """Return how the shovels of a vhost are, or all, by vhost and name."""
        return tuple(self._broker.shovels.all(vhost))
