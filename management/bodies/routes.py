"""Where a message would go, as a JSON object."""

from typing import Any

from amqp_server.broker.views import RouteView, WayView
from management.bodies.bindings import binding_body


def route_body(route: RouteView) -> dict[str, Any]:
    """Return where a message would go.

    ``queues``, ``misses`` and ``exchanges`` may be cut; the counts beside them are of all.
    """
    return {
        "routed": route.arrivals_count > 0,
        "queues": [
            {
                "name": arrival.queue_name,
                "by_chance": arrival.by_chance,
                "path": [_way_body(way) for way in arrival.path],
            }
            for arrival in route.arrivals
        ],
        "queues_count": route.arrivals_count,
        "misses": [{**binding_body(miss.binding), "reason": miss.reason} for miss in route.misses],
        "misses_count": route.misses_count,
        "exchanges": [
            {
                "name": passed.name,
                "type": passed.type,
                "exists": passed.type is not None,
                "bindings_count": passed.bindings_count,
                "matched_count": passed.matched_count,
                "waits_ms": passed.waits_ms,
            }
            for passed in route.passed
        ],
        "exchanges_count": route.passed_count,
    }


def _way_body(way: WayView) -> dict[str, Any]:
    if way.binding is not None:
        return {"how": way.how, **binding_body(way.binding)}
    return {
        "how": way.how,
        "source": way.source,
        "destination": way.destination,
        "destination_type": way.destination_type,
    }
