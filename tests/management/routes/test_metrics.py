"""Metrics in the text format, for who is logged in."""

from urllib.parse import quote

from management.metrics.scraping import SCRAPES_MAX
from tests.support.management_api import Api
from tests.support.scrapes import parsed


def test_all_things_together_are_told_to_who_monitors(api: Api) -> None:
    api.node.open().declare("q")
    reply = api.get("metrics", headers={"accept": "text/plain, */*;q=0.1"})
    assert (reply.status, reply.headers["content-type"]) == (200, "text/plain; version=0.0.4")
    scraped = parsed(reply.body.decode())
    assert scraped.value("rabbitmq_queues") == 1
    assert scraped.values("rabbitmq_build_info", product_name="HareMQ") == [1]
    api.add_user("mo", "monitoring")
    api.add_user("eve", "management", "policymaker")
    assert api.get("metrics", user="mo").status == 200
    for path in ("metrics", "metrics/per-object", "metrics/detailed?family=queue_metrics"):
        assert api.get(path, user="eve").json["reason"] == "Not monitor user"


def test_families_of_each_thing_are_chosen(api: Api) -> None:
    client = api.node.open()
    for name in ("orders.a", "orders.b", "other"):
        client.declare(name)
    query = f"family=queue_coarse_metrics&vhost=%2F&queue={quote('^orders')}"
    scraped = parsed(api.get(f"metrics/detailed?{query}").body.decode())
    assert len(scraped.values("rabbitmq_detailed_queue_messages")) == 2
    assert parsed(api.get("metrics/memory-breakdown").body.decode()).samples
    reply = api.get("metrics/detailed?queue=%28")
    assert (reply.status, reply.json["error"]) == (400, "bad_request")
    assert "missing closing parenthesis" in reply.json["reason"]
    assert api.get("metrics/nope").status == 404


def test_they_share_the_places_of_those_who_scrape(api: Api) -> None:
    places = api.management.services.scrapes
    for _ in range(2 * SCRAPES_MAX):
        assert api.get("metrics").status == 200
    assert places.working_count == 0
