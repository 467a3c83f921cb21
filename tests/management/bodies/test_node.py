"""The node as JSON."""

from amqp_server.broker.views import ListenerView, ResourceView
from exchanges import kinds
from management.bodies.node import (
    contexts_body,
    exchange_types,
    listeners_body,
    listeners_of,
    memory_body,
    node_body,
    protocol_of,
    relative_memory_body,
)
from tests.support.management_api import Api

RESOURCES = ResourceView(
    100,
    800,
    70,
    50,
    9,
    1_000,
    2,
    900,
    (1 << 32) + 5,
    (
        ListenerView("127.0.0.1", 5672, "amqp", is_tls=False),
        ListenerView("::", 5671, "amqp", is_tls=True),
        ListenerView("127.0.0.1", 15_672, "http", is_tls=False),
        ListenerView("/run/x", 0, "amqp", is_tls=False),
    ),
)


def test_the_types_are_those_that_a_client_may_declare() -> None:
    assert tuple(each["name"] for each in exchange_types()) == kinds.KIND_NAMES


def test_the_node(api: Api) -> None:
    view = api.management.node.views.node()._replace(resources=RESOURCES, alarm="low on memory")
    body = node_body(view, api.management.services.identity, "basic")
    assert (body["mem_limit"], body["mem_alarm"], body["disk_free_alarm"]) == (800, True, False)
    assert (body["uptime"], body["fd_total"], body["sockets_total"]) == (5, 1_000, 900)
    assert body["os_pid"].isdigit()
    assert body["gc_num_details"] == {"rate": 0.0}
    nothing = node_body(view._replace(resources=None), api.management.services.identity, "basic")
    assert (nothing["mem_limit"], nothing["contexts"]) == (0, [])


def test_listeners(api: Api) -> None:
    view = api.management.node.views.node()._replace(resources=RESOURCES)
    assert [protocol_of(each) for each in listeners_of(view)] == ["amqp", "amqp/ssl", "http"]
    assert protocol_of(ListenerView("", 1, "http", is_tls=True)) == "https"
    assert [each["port"] for each in listeners_body(view, "n")] == [5672, 5671, 15_672]
    [context] = contexts_body(view, "n")
    assert (context["port"], context["node"]) == ("15672", "n")
    assert "node" not in contexts_body(view, None)[0]


def test_memory_adds_up() -> None:
    body = memory_body(100, 30)
    assert (body["binary"], body["other_system"], body["total"]["rss"]) == (30, 70, 100)
    assert memory_body(100, 300)["binary"] == 100
    kept = memory_body(100, 30, 50)
    assert (kept["binary"], kept["mgmt_db"], kept["other_system"]) == (30, 50, 20)
    assert memory_body(100, 30, 90)["mgmt_db"] == 70
    relative = relative_memory_body(200, 50)
    assert (relative["binary"], relative["other_system"], relative["total"]) == (25, 75, 100)
    assert relative_memory_body(0, 0)["binary"] == 0
