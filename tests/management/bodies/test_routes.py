"""Where a message would go, as JSON."""

from amqp_server.broker.views import ArrivalView, BindingView, MissView, RouteView, WayView
from management.bodies.routes import route_body


def test_ways_have_their_bindings_where_one_was_made() -> None:
    made = BindingView("x", "/", "q", "queue", "k", {}, {})
    ways = (
        WayView("alternate", "a", "x", "exchange", None),
        WayView("binding", "x", "q", "queue", made),
    )
    route = RouteView((ArrivalView("q", ways, False),), 1, (MissView(made, "no"),), 5, (), 0)
    body = route_body(route)
    assert body["queues"][0]["path"][0] == {
        "how": "alternate",
        "source": "a",
        "destination": "x",
        "destination_type": "exchange",
    }
    assert body["queues"][0]["path"][1]["properties_key"] == "k"
    assert body["misses"][0]["reason"] == "no"
    assert (body["queues_count"], body["misses_count"]) == (1, 5)
