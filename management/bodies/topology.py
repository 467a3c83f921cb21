"""A vhost as nodes and edges: what there is, and which ways messages may go.

The ``id`` of a node is its kind and its name, such as ``queue jobs``; edges name these.
"""

from typing import Any, Final, NamedTuple

from amqp_server.broker.views import (
    BindingView,
    ConnectionView,
    ConsumerView,
    ExchangeView,
    PublishesView,
    QueueView,
)
from management.samples.details import Looks, Numbers, rate_of
from management.samples.series import EXCHANGE_STATS, PUBLISHES_STATS, QUEUE_STATS

KEYS_MAX: Final = 5
"""Keys of bindings that an edge tells; all are counted."""

_IN: Final = QUEUE_STATS["publish"]
_OUT: Final = QUEUE_STATS["deliver_get"]


def exchange_id(name: str) -> str:
    """Return the id of an exchange."""
    return f"exchange {name}"


def queue_id(name: str) -> str:
    """Return the id of a queue."""
    return f"queue {name}"


def consumer_id(view: ConsumerView) -> str:
    """Return the id of a consumer."""
    return f"consumer {view.connection_number} {view.channel_number} {view.consumer_tag}"


def exchange_node(view: ExchangeView, numbers: Numbers | None, looks: Looks) -> dict[str, Any]:
    """Return an exchange as a node."""
    return {
        "id": exchange_id(view.name),
        "kind": "exchange",
        "name": view.name,
        "type": view.type,
        "internal": view.internal,
        "rate_in": rate_of(numbers, EXCHANGE_STATS["publish_in"], looks),
        "rate_out": rate_of(numbers, EXCHANGE_STATS["publish_out"], looks),
    }


def queue_node(view: QueueView, numbers: Numbers | None, looks: Looks) -> dict[str, Any]:
    """Return a queue as a node."""
    return {
        "id": queue_id(view.name),
        "kind": "queue",
        "name": view.name,
        "type": view.kind,
        "messages_ready": view.counts.ready_count,
        "messages_unacknowledged": view.counts.unacked_count,
        "consumers": view.counts.consumer_count,
        "rate_in": rate_of(numbers, _IN, looks),
        "rate_out": rate_of(numbers, _OUT, looks),
    }


def consumer_node(view: ConsumerView, owner: ConnectionView | None) -> dict[str, Any]:
    """Return a consumer as a node."""
    return {
        "id": consumer_id(view),
        "kind": "consumer",
        "name": view.consumer_tag,
        "connection": None if owner is None else owner.name,
        "channel": view.channel_number,
        "active": view.is_active,
        "prefetch_count": view.prefetch,
        "messages_unacknowledged": view.unacked,
    }


def publisher_id(view: PublishesView) -> str:
    """Return the id of a channel that publishes."""
    return f"publisher {view.connection_number} {view.channel_number}"


def publisher_node(view: PublishesView, owner: ConnectionView | None) -> dict[str, Any]:
    """Return a channel that publishes as a node; it is called by the user whose it is."""
    return {
        "id": publisher_id(view),
        "kind": "publisher",
        "name": "" if owner is None else owner.username,
        "connection": None if owner is None else owner.name,
        "channel": view.channel_number,
    }


def publish_edge(view: PublishesView, numbers: Numbers | None, looks: Looks) -> dict[str, Any]:
    """Return the way from a channel to an exchange that it publishes to."""
    return {
        "from": publisher_id(view),
        "to": exchange_id(view.exchange),
        "kind": "publish",
        "rate": max(rate_of(numbers, PUBLISHES_STATS["publish"], looks), 0.0),
        "published": view.published,
    }


class BoundEdge:
    """All bindings from one exchange to one destination, as one edge."""

    __slots__ = ("_count", "_keys", "_place")

    def __init__(self, view: BindingView) -> None:
        self._place = (view.source, view.destination_type, view.destination)
        self._keys: list[str] = []
        self._count = 0

    def add(self, view: BindingView) -> None:
        """Add a binding."""
        self._count += 1
        if len(self._keys) < KEYS_MAX:
            self._keys.append(view.routing_key)

    def body(self) -> dict[str, Any]:
        """Return the edge."""
        source, kind, destination = self._place
        return {
            "from": exchange_id(source),
            "to": f"{kind} {destination}",
            "kind": "binding",
            "routing_keys": self._keys,
            "bindings_count": self._count,
        }


class Edge(NamedTuple):
    """An edge that is no binding: ``alternate``, ``dead`` or ``consume``."""

    source: str
    destination: str
    kind: str
    routing_key: str | None = None

    def body(self) -> dict[str, Any]:
        """Return the edge."""
        body: dict[str, Any] = {"from": self.source, "to": self.destination, "kind": self.kind}
        if self.routing_key is not None:
            body["routing_keys"] = [self.routing_key]
        return body


def dead_letter_edge(view: QueueView) -> Edge | None:
    """Return where what dies in a queue goes; None where it goes nowhere."""
    exchange = _text(view, "dead-letter-exchange")
    if exchange is None:
        return None
    key = _text(view, "dead-letter-routing-key")
    if exchange == "" and key is not None:
        return Edge(queue_id(view.name), queue_id(key), "dead", key)
    return Edge(queue_id(view.name), exchange_id(exchange), "dead", key)


def _text(view: QueueView, key: str) -> str | None:
    """Return what an argument says, or else the policy."""
    value = view.arguments.get(f"x-{key}", view.effective_policy.get(key))
    return value if isinstance(value, str) else None
