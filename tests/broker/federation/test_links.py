"""The states of links: their names, their order, and what is hidden."""

from amqp_server.broker.federation.links import RUNNING, STARTING, Link, Links, LinkState
from amqp_server.broker.federation.upstream import made_upstream

VALUE = {"uri": "amqp://u:secret@a", "exchange": "there"}
UPSTREAM = made_upstream("u", VALUE, {})
EXCHANGE = Link("/", "exchange", "x", UPSTREAM, "p")
QUEUE = Link("/", "queue", "q", UPSTREAM, "p")


def test_the_names_at_the_upstream() -> None:
    assert (EXCHANGE.upstream_name, QUEUE.upstream_name) == ("there", "q")
    assert QUEUE.consumer_tag == "federation-link-u"
    assert len(EXCHANGE.id) == 8
    assert EXCHANGE.id != QUEUE.id


def test_states_are_kept_by_place_without_credentials() -> None:
    links = Links()
    for link in (QUEUE, EXCHANGE):
        links.begin(LinkState(link, STARTING, 1))
    links.update(LinkState(QUEUE, RUNNING, 2, "amqp://u:secret@a"))
    assert [held.link for held in links.all()] == [EXCHANGE, QUEUE]
    assert list(links.all("other")) == []
    assert [held.uri for held in links.all("/")] == ["", "amqp://a"]


def test_a_link_that_is_gone_stays_so() -> None:
    links = Links()
    links.begin(LinkState(QUEUE, STARTING, 1))
    links.drop(QUEUE)
    links.update(LinkState(QUEUE, RUNNING, 2))
    assert list(links.all()) == []
    assert not links.restart("/", QUEUE.id)
