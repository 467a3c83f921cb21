"""What of the node needs a hand."""

from typing import Any

from amqp_server.broker.resources import ResourceView
from amqp_server.broker.views import NodeView, VhostView
from management.attention.node import LoginWatch, of_node, of_vhost

_WELL = ResourceView(
    memory_bytes=1,
    memory_limit_bytes=1_000,
    disk_free_bytes=10_000,
    disk_limit_bytes=1_000,
    descriptors=1,
    descriptors_max=1_000,
    sockets=1,
    sockets_max=1_000,
    uptime_ms=1,
    listeners=(),
)


def node(alarm: str = "", **used: Any) -> NodeView:  # noqa: ANN401 -- fields of the view
    return NodeView(5, 6, alarm, 1, 0, 0, 0, 0, 0, {}, _WELL._replace(**used))


def rules(view: NodeView) -> list[str]:
    return [found.rule for found in of_node("n", view)]


def test_a_node_that_is_well_needs_nothing() -> None:
    assert rules(node()) == []
    assert rules(node()._replace(resources=None)) == []


def test_alarms_and_limits_that_are_near() -> None:
    assert rules(node("low on disk")) == ["alarm"]
    assert rules(node("low on memory", memory_bytes=1_100)) == ["alarm"]
    assert rules(node(memory_bytes=850)) == ["near_memory"]
    assert rules(node(descriptors=850)) == ["near_descriptors"]
    assert rules(node(sockets=999)) == ["near_connections"]
    assert rules(node(disk_free_bytes=1_400)) == ["near_disk"]
    assert rules(node(disk_free_bytes=None)) == []
    assert rules(node(descriptors=9, descriptors_max=0)) == []


def test_a_vhost_near_its_limits() -> None:
    view = VhostView("v", "", (), None, {"max-queues": 10, "max-connections": 5}, 9, 0, 0, 5)
    found = [(each.severity, each.rule, each.amount) for each in of_vhost(view, 1)]
    assert found == [
        ("warn", "near_max-queues", "9 of 10"),
        ("bad", "near_max-connections", "5 of 5"),
    ]
    assert list(of_vhost(view._replace(limits={"max-queues": -1}), 1)) == []


def test_many_refused_logins_are_told_while_it_goes_on() -> None:
    watch = LoginWatch()
    looks = ((60_000, 0), (65_000, 9), (70_000, 15), (300_000, 15), (400_000, 15))
    amounts = [
        [found.amount for found in watch.concerns("n", now_ms, refused)]
        for now_ms, refused in looks
    ]
    assert amounts == [[], [], ["15 refused"], ["15 refused"], []]


def test_a_certificate_that_ends_soon() -> None:
    day_ms = 86_400_000

    def told(days: int) -> list[tuple[str, str, str]]:
        view = node(certificate_ends_ms=6 + days * day_ms)
        return [(found.severity, found.text, found.amount) for found in of_node("n", view)]

    assert told(30) == []
    assert told(20) == [("warn", "has a TLS certificate that ends soon", "20 days left")]
    assert told(3) == [("bad", "has a TLS certificate that ends soon", "3 days left")]
    assert told(-2) == [("bad", "has a TLS certificate that has ended", "0 days left")]
