"""Links that are down need a hand."""

from amqp_server.broker.federation.links import ERROR, RUNNING, STARTING, Link
from amqp_server.broker.federation.upstream import made_upstream
from amqp_server.broker.views import LinkState
from management.attention.links import of_links


def state(name: str, status: str, upstream: str = "u") -> LinkState:
    link = Link("/", "queue", name, made_upstream(upstream, {"uri": []}, {}), "p")
    return LinkState(link, status, 0, error="econnrefused" if status == ERROR else "")


def test_each_thing_with_a_link_that_is_down_is_named_once() -> None:
    held = [
        state("a", ERROR),
        state("b", RUNNING),
        state("c", STARTING),
        state("d", ERROR, "u1"),
        state("d", ERROR, "u2"),
        state("d", RUNNING, "u3"),
    ]
    found = list(of_links(held, 7))
    assert [(each.kind, each.name, each.rule, each.amount) for each in found] == [
        ("queue", "a", "link_down", "econnrefused"),
        ("queue", "d", "link_down", "2 links are down"),
    ]
    assert found[1].text == "gets nothing from its upstream u1, u2"
