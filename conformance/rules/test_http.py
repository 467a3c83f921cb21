"""The HTTP API that RabbitMQ's tools read (§4.5); its port is 10000 above the AMQP port."""

from conformance.check import Case, cases, check
from conformance.http import call
from conformance.peer import Peer


@check("http.overview", ref="4.5-http", ninth=30, needs="http")
def the_overview_names_product_and_version(peer: Peer) -> None:
    status, overview = call(peer, "/api/overview")
    assert status == 200
    assert {"rabbitmq_version", "product_name", "object_totals", "listeners"} <= set(overview)


@check("http.paging", ref="4.5-http", ninth=30, needs="http")
def a_page_comes_in_an_envelope(peer: Peer) -> None:
    status, page = call(peer, "/api/exchanges?page=1&page_size=3")
    assert status == 200
    keys = {"items", "page", "page_size", "page_count", "item_count", "total_count"}
    assert keys <= set(page), set(page)
    assert (page["page"], len(page["items"])) == (1, 3)


STATUSES: dict[str, Case[tuple[str, str, object]]] = {
    "vhost-encoded": Case(("GET", "/api/vhosts/%2F", None), 200),
    "missing-queue": Case(("GET", "/api/queues/%2F/conformance-nowhere", None), 404),
    "aliveness": Case(("GET", "/api/health/checks/local-alarms", None), 200),
    "not-allowed": Case(("DELETE", "/api/overview", None), 405),
}


@cases("http.status.", STATUSES, ref="4.5-http", ninth=30, needs="http")
def a_call_is_answered_with_its_status(peer: Peer, given: tuple[str, str, object]) -> None:
    method, path, body = given
    status, _ = call(peer, path, method, body)
    assert status == peer.expected, status


@check("http.queue.life", ref="4.5-http", ninth=30, needs="http", expect=[201, 204, 204])
def a_queue_is_created_found_unchanged_and_deleted(peer: Peer) -> None:
    path = f"/api/queues/%2F/{peer.name()}"
    statuses = [call(peer, path, "PUT", {"durable": True})[0] for _ in range(2)]
    statuses.append(call(peer, path, "DELETE")[0])
    assert statuses == peer.expected, statuses


@check("http.publish-get", ref="4.5-http", ninth=30, needs="http")
def a_message_is_published_and_got_over_http(peer: Peer) -> None:
    queue = peer.queue(peer.channel())
    message = {"properties": {}, "routing_key": queue, "payload": "m", "payload_encoding": "string"}
    status, routed = call(peer, "/api/exchanges/%2F/amq.default/publish", "POST", message)
    assert (status, routed) == (200, {"routed": True})
    asked = {"count": 5, "ackmode": "ack_requeue_false", "encoding": "auto"}
    status, messages = call(peer, f"/api/queues/%2F/{queue}/get", "POST", asked)
    assert status == 200
    assert [found["payload"] for found in messages] == ["m"]


@check("http.binding.properties-key", ref="4.5-http", ninth=30, needs="http", expect="~")
def the_key_of_a_binding_without_key_is_a_tilde(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "fanout")
    queue = peer.bound_queue(channel, exchange)
    status, bindings = call(peer, f"/api/bindings/%2F/e/{exchange}/q/{queue}")
    assert status == 200
    assert [binding["properties_key"] for binding in bindings] == [peer.expected]
