"""Views of everything in the node: frozen answers, in pages. Management uses them.

No answer looks at each message, and none changes anything. The caller checks the rights. A caller
that asks regularly can compute rates and samples from these numbers.

Lists use a cursor (``broker.pages``). Sums over many things are made in steps (``broker.steps``).
"""

from amqp_server.broker.broker import Broker
from amqp_server.broker.viewing.accounts import AccountViews
from amqp_server.broker.viewing.connections import ConnectionViews
from amqp_server.broker.viewing.node import NodeViews
from amqp_server.broker.viewing.topology import TopologyViews


class Views(TopologyViews, ConnectionViews, AccountViews, NodeViews):
    """The views of a broker."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(broker)
        self._broker = broker
