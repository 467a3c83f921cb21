"""Vhosts as JSON."""

from typing import Any, Final

from amqp_server.broker.views import VhostView
from management.bodies.stats import with_details
from management.lists.ranges import Ranges
from management.samples.details import Looks, Numbers
from management.samples.series import TOTALS_LENGTHS, TOTALS_STATS, TOTALS_TRAFFIC

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
    if view.is_protected:
        metadata["protected_from_deletion"] = True
    return {
        "name": view.name,
        "description": view.description,
        "tags": list(view.tags),
        "default_queue_type": UNDEFINED if kind is None else kind,
        "metadata": metadata,
        "protected_from_deletion": view.is_protected,
        "tracing": view.is_traced,
        "cluster_state": {node: "running"},
    }


def vhost_numbers(numbers: Numbers | None, looks: Looks, ranges: Ranges) -> dict[str, Any]:
    """Return the statistics of a vhost.

    Args:
        numbers: of the vhost; None is one that was not looked at yet.
        looks: when it was looked at.
        ranges: samples that are asked for.
    """
    return {
        **with_details(numbers, TOTALS_LENGTHS, looks, ranges.lengths),
        **with_details(numbers, TOTALS_TRAFFIC, looks, ranges.data_rates),
        "message_stats": with_details(numbers, TOTALS_STATS, looks, ranges.msg_rates),
    }
