"""The view of shovels."""

from amqp_server.broker.federation.links import Link, LinkState
from amqp_server.broker.federation.upstream import made_upstream
from amqp_server.broker.shovels.definition import read_shovel
from amqp_server.broker.shovels.states import STARTING, ShovelState
from amqp_server.broker.viewing.shovels import ShovelViews
from tests.support.peer import Node


def test_the_shovels_of_a_vhost_or_all() -> None:
    broker = Node().broker
    value = {"src-uri": "amqp://a", "src-queue": "q", "dest-uri": "amqp://b"}
    for vhost in ("/", "v"):
        broker.shovels.begin(ShovelState(read_shovel(vhost, "s", value), STARTING, 1))
    views = ShovelViews(broker)
    assert [held.shovel.vhost for held in views.shovels()] == ["/", "v"]
    assert [held.shovel.vhost for held in views.shovels("v")] == ["v"]


def test_the_links_of_a_vhost_or_all() -> None:
    broker = Node().broker
    for vhost in ("/", "v"):
        link = Link(vhost, "queue", "q", made_upstream("u", {"uri": []}, {}), "p")
        broker.federation.begin(LinkState(link, "starting", 1))
    views = ShovelViews(broker)
    assert [held.link.vhost for held in views.federation_links()] == ["/", "v"]
    assert [held.link.vhost for held in views.federation_links("v")] == ["v"]
