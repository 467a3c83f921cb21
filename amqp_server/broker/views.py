"""Views of everything in the node: frozen answers, in pages. Management uses them.

No answer looks at each message, and none changes anything. The caller checks the rights. A caller
that asks regularly can compute rates and samples from these numbers.

Lists use a cursor (``broker.pages``). Sums over many things are made in steps (``broker.steps``).
"""

from amqp_server.broker.access.login_attempts import AttemptsView
from amqp_server.broker.access.patterns import Pattern, PatternError, compile_pattern
from amqp_server.broker.access.rights import TopicPermissions, User, VhostPermissions
from amqp_server.broker.broker import Broker
from amqp_server.broker.cluster import (
    ACTIVE,
    DRAINING,
    LEAVING,
    ClusterNode,
    ClusterView,
    Harm,
    HarmedQueue,
    LinkView,
    MirroredView,
    ReplicaView,
)
from amqp_server.broker.counts import (
    ChannelCounts,
    ChannelView,
    ConnectionView,
    ConsumerView,
    PublishesView,
    TrafficCounts,
)
from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
)
from amqp_server.broker.federation.links import LinkState
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.protocol_counts import ProtocolCounts
from amqp_server.broker.resources import LagView, ListenerView, ResourceView
from amqp_server.broker.shovels.states import ShovelState
from amqp_server.broker.stream_counts import (
    StreamConsumerView,
    StreamPublisherView,
    StreamSegments,
    StreamTracking,
)
from amqp_server.broker.viewing.accounts import AccountViews, LimitsView
from amqp_server.broker.viewing.bindings import BindingView
from amqp_server.broker.viewing.cluster import ClusterViews
from amqp_server.broker.viewing.connections import ConnectionViews
from amqp_server.broker.viewing.node import (
    CountedView,
    FlowView,
    NodeView,
    NodeViews,
    SizesView,
    TotalsView,
)
from amqp_server.broker.viewing.routes import (
    ArrivalView,
    MissView,
    RouteView,
    RouteViews,
    WayView,
)
from amqp_server.broker.viewing.shovels import ShovelViews
from amqp_server.broker.viewing.streams import StreamViews
from amqp_server.broker.viewing.topology import (
    ExchangeView,
    QueueNumbers,
    QueueView,
    TopologyViews,
    VhostView,
)
from exchanges.kinds import KIND_NAMES as EXCHANGE_TYPES
from queues.counters import QueueCounts

__all__ = [
    "ACTIVE",
    "DRAINING",
    "EXCHANGE_TYPES",
    "LEAVING",
    "ArrivalView",
    "AttemptsView",
    "BindingView",
    "ChannelCounts",
    "ChannelView",
    "ClusterNode",
    "ClusterView",
    "ConnectionView",
    "ConsumerView",
    "CountedView",
    "ExchangeView",
    "FlowView",
    "GlobalParameterDefinition",
    "Harm",
    "HarmedQueue",
    "LagView",
    "LimitsView",
    "LinkState",
    "LinkView",
    "ListenerView",
    "MirroredView",
    "MissView",
    "NodeView",
    "ParameterDefinition",
    "Pattern",
    "PatternError",
    "Policy",
    "ProtocolCounts",
    "PublishesView",
    "QueueCounts",
    "QueueNumbers",
    "QueueView",
    "ReplicaView",
    "ResourceView",
    "RouteView",
    "ShovelState",
    "SizesView",
    "StreamConsumerView",
    "StreamPublisherView",
    "StreamSegments",
    "StreamTracking",
    "TopicPermissions",
    "TotalsView",
    "TrafficCounts",
    "User",
    "VhostPermissions",
    "VhostView",
    "Views",
    "WayView",
    "compile_pattern",
]
"""The views, and the types of their answers: management imports no other."""


class Views(
    TopologyViews,
    RouteViews,
    ConnectionViews,
    StreamViews,
    ShovelViews,
    AccountViews,
    ClusterViews,
    NodeViews,
):
    """The views of a broker."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(broker)
        self._broker = broker
