"""Vhosts as JSON."""

from typing import Any, Final

from amqp_server.broker.views import VhostView

UNDEFINED: Final = "undefined"
"""RabbitMQ's word where no default queue type was given."""


def vhost_body(view: VhostView, node: str) -> dict[str, Any]:
    """Return a vhost without its statistics.

    Args:
        view: of the vhost.
        node: name of the node.
    """
    kind = view.default_queue_kind
    metadata: dict[str, Any] = {"description": view.description, "tags": list(view.tags)}
    if kind is not None:
        metadata["default_queue_type"] = kind
    return {
        "name": view.name,
        "description": view.description,
        "tags": list(view.tags),
        "default_queue_type": UNDEFINED if kind is None else kind,
        "metadata": metadata,
        "protected_from_deletion": False,
        "tracing": False,
        "cluster_state": {node: "running"},
    }
