"""Where a message would go, asked over HTTP."""

from amqp_server.broker.views import QueueView
from tests.support.management_api import Api


def build(api: Api) -> None:
    api.put("exchanges/%2F/orders", {"type": "topic", "arguments": {"alternate-exchange": "lost"}})
    api.put("exchanges/%2F/lost", {"type": "fanout"})
    api.put("exchanges/%2F/paid", {"type": "headers"})
    for queue in ("all", "uk", "late"):
        api.put(f"queues/%2F/{queue}", {})
    api.post("bindings/%2F/e/orders/q/uk", {"routing_key": "*.uk"})
    api.post("bindings/%2F/e/lost/q/late", {})
    api.post("bindings/%2F/e/orders/e/paid", {"routing_key": "paid.#"})
    api.post("bindings/%2F/e/paid/q/all", {"arguments": {"x-match": "all", "vat": 20}})


def test_it_says_where_and_why_not(api: Api) -> None:
    build(api)
    wanted = {"routing_key": "paid.de", "headers": {"vat": 20}}
    body = api.post("exchanges/%2F/orders/route", wanted).json
    assert body["routed"] is True
    [queue] = body["queues"]
    assert queue["name"] == "all"
    assert [(way["how"], way["destination"]) for way in queue["path"]] == [
        ("binding", "paid"),
        ("binding", "all"),
    ]
    [miss] = body["misses"]
    assert (miss["destination"], miss["reason"]) == ("uk", "word 2 is 'de', and not 'uk'")
    body = api.post("exchanges/%2F/orders/route", {"routing_key": "x"}).json
    assert [way["how"] for way in body["queues"][0]["path"]] == ["alternate", "binding"]
    assert [one["name"] for one in body["exchanges"]] == ["orders", "lost"]


def test_it_changes_nothing(api: Api) -> None:
    build(api)
    before = api.broker.vhost("/").router.exchanges["orders"].counters.all_published_count
    for key in ("paid.de", "nowhere"):
        api.post("exchanges/%2F/orders/route", {"routing_key": key})
    exchange = api.broker.vhost("/").router.exchanges["orders"]
    assert exchange.counters.all_published_count == before
    queue = api.management.node.views.queue("/", "late")
    assert isinstance(queue, QueueView)
    assert queue.counts.published == 0


def test_the_default_exchange_and_carbon_copies(api: Api) -> None:
    build(api)
    wanted = {"routing_key": "uk", "headers": {"CC": ["late"], "BCC": ["all"]}}
    body = api.post("exchanges/%2F/amq.default/route", wanted).json
    assert [queue["name"] for queue in body["queues"]] == ["uk", "late", "all"]
    assert {queue["path"][0]["how"] for queue in body["queues"]} == {"default"}


def test_what_is_wrong_is_refused(api: Api) -> None:
    build(api)
    assert api.post("exchanges/%2F/nothing/route", {"routing_key": ""}).status == 404
    assert api.post("exchanges/nowhere/orders/route", {"routing_key": ""}).status == 404
    assert api.post("exchanges/%2F/orders/route", {}).status == 400
    assert api.post("exchanges/%2F/orders/route", {"routing_key": "a", "headers": 3}).status == 400
    wanted = {"routing_key": "a", "headers": {"CC": "no list"}}
    assert api.post("exchanges/%2F/orders/route", wanted).status == 400
    api.add_user("eve", "management", vhosts=())
    body = {"routing_key": ""}
    assert api.post("exchanges/%2F/orders/route", body, user="eve").status == 401
