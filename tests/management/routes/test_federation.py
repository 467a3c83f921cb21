"""Federation links: how they are shown, by vhost and state, and restarted."""

from amqp_server.broker.federation.links import ERROR, RUNNING, Link, LinkState
from amqp_server.broker.federation.upstream import made_upstream
from tests.support.management_api import Api

URI = "amqp://u:secret@a"
UPSTREAM = made_upstream("u", {"uri": URI, "exchange": "there"}, {})
EXCHANGE = Link("/", "exchange", "x", UPSTREAM, "p")
QUEUE = Link("/", "queue", "q", UPSTREAM, "p")


def begin(api: Api) -> None:
    """Have two links: one that runs, and one that does not."""
    for link in (EXCHANGE, QUEUE):
        api.broker.federation.begin(LinkState(link, RUNNING, 0))
    api.broker.federation.update(LinkState(EXCHANGE, RUNNING, 0, URI, "", "<local>", 7))
    api.broker.federation.update(LinkState(QUEUE, ERROR, 0, URI, "econnrefused"))


def test_links_are_shown_without_their_secrets(api: Api) -> None:
    begin(api)
    exchange, queue = api.get("federation-links").json
    assert exchange.pop("node").startswith("rabbit@")
    assert exchange == {
        "exchange": "x",
        "upstream_exchange": "there",
        "type": "exchange",
        "vhost": "/",
        "upstream": "u",
        "policy": "p",
        "id": EXCHANGE.id,
        "status": "running",
        "uri": "amqp://a",
        "timestamp": "1970-01-01 00:00:00",
        "local_connection": "<local>",
        "messages_received": 7,
    }
    assert (queue["queue"], queue["upstream_queue"], queue["error"]) == ("q", "q", "econnrefused")
    assert queue["consumer_tag"] == "federation-link-u"
    assert api.get("federation-links/%2F").json == api.get("federation-links").json
    assert api.get("federation-links/nowhere").status == 404
    assert api.get("federation-links/nowhere/state/down").status == 404


def test_those_that_are_down(api: Api) -> None:
    begin(api)
    (down,) = api.get("federation-links/state/down").json
    assert down["id"] == QUEUE.id
    assert api.get("federation-links/%2F/state/down").json == [down]


def test_a_link_is_restarted_by_its_id_and_node(api: Api) -> None:
    begin(api)
    asked = []

    def restart(vhost: str, link_id: str) -> bool:
        asked.append((vhost, link_id))
        return link_id == QUEUE.id

    api.broker.federation.restart = restart
    node = api.get("federation-links").json[0]["node"]
    place = "federation-links/vhost/%2F"
    assert api.delete(f"{place}/{QUEUE.id}/{node}/restart").status == 204
    assert api.delete(f"{place}/none/{node}/restart").status == 404
    assert asked == [("/", QUEUE.id), ("/", "none")]
    assert api.delete(f"{place}/{QUEUE.id}/other/restart").status == 404
    assert api.delete(f"federation-links/vhost/nowhere/{QUEUE.id}/{node}/restart").status == 404


def test_an_upstream_and_a_set_are_put(api: Api) -> None:
    path = "parameters/federation-upstream/%2F/u"
    assert api.put(path, {"value": {"uri": URI}}).status == 201
    assert api.put(path, {"value": {"uri": URI, "max-hops": 2}}).status == 204
    refused = api.put(path, {"value": {"uri": URI, "max-hops": "2"}})
    text = 'max-hops should be a number, actually was <<"2">>'
    assert (refused.status, refused.json["reason"]) == (400, f"Validation failed\n\n{text}\n")
    path = "parameters/federation-upstream-set/%2F/s"
    assert api.put(path, {"value": [{"upstream": "u"}]}).status == 201
    assert api.put(path, {"value": [{}]}).status == 400
