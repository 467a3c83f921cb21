"""Queues, with RabbitMQ's answers."""

import pytest

from tests.support.management_api import Api


def test_a_queue_is_declared_and_deleted(api: Api) -> None:
    assert api.put("queues/%2F/q", {"durable": True}).status == 201
    assert api.put("queues/%2F/q", {"durable": True, "auto_delete": "false"}).status == 204
    found = api.get("queues/%2F/q").json
    assert found["name"] == "q"
    assert (found["type"], found["durable"], found["exclusive"]) == ("classic", True, False)
    assert (found["messages"], found["consumers"], found["state"]) == (0, 0, "running")
    assert found["node"] == api.management.services.identity.node
    assert api.delete("queues/%2F/q").status == 204
    assert api.delete("queues/%2F/q").status == 404
    assert api.get("queues/%2F/q").status == 404


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            {"durable": False},
            (
                "inequivalent arg 'durable' for queue 'q' in vhost '/': "
                "received 'false' but current is 'true'"
            ),
        ),
        (
            {"durable": True, "arguments": {"x-max-length": 5}},
            (
                "inequivalent arg 'x-max-length' for queue 'q' in vhost '/': "
                "received the value '5' of type 'long' but current is none"
            ),
        ),
        ({"durable": 1}, ["not_boolean", 1]),
        ({"durable": None}, ["not_boolean", None]),
        ({"arguments": {"x": None}}, "null_not_allowed"),
        ({"arguments": {"x": [1] * 20_000}}, "more than 16384 values in one object"),
        ({"node": "rabbit@away"}, "Node rabbit@away could not be contacted"),
        (
            b'"text"',
            (
                "invalid payload: the request body JSON-decoded to a string. "
                "Is the input doubly-JSON-encoded?"
            ),
        ),
    ],
)
def test_what_is_refused(api: Api, body: object, reason: object) -> None:
    api.put("queues/%2F/q", {"durable": True})
    reply = api.put("queues/%2F/q", body)
    assert (reply.status, reply.json["reason"]) == (400, reason)


def test_a_wrong_argument_has_the_text_of_amqp(api: Api) -> None:
    reply = api.put("queues/%2F/q", {"arguments": {"x-message-ttl": "abc"}})
    assert reply.json["reason"] == (
        "invalid arg 'x-message-ttl' for queue 'q' in vhost '/': \"expected integer, got longstr\""
    )


def test_lists_are_of_the_vhosts_of_the_user(api: Api) -> None:
    api.put("vhosts/other", {})
    api.put("queues/%2F/q", {})
    api.put("queues/other/o", {})
    assert [each["name"] for each in api.get("queues").json] == ["q", "o"]
    assert [each["name"] for each in api.get("queues/other").json] == ["o"]
    api.add_user("eve", "monitoring", vhosts=("other",))
    assert [each["name"] for each in api.get("queues", user="eve").json] == ["o"]
    assert api.get("queues/nope").status == 404
    page = api.get("queues?page=1&page_size=1&sort=name").json
    assert (page["total_count"], [each["name"] for each in page["items"]]) == (2, ["o"])


def test_without_statistics(api: Api) -> None:
    api.put("queues/%2F/q", {"durable": True, "arguments": {"x-queue-type": "quorum"}})
    node = api.management.services.identity.node
    bare = {
        "name": "q",
        "vhost": "/",
        "type": "quorum",
        "durable": True,
        "auto_delete": False,
        "exclusive": False,
        "arguments": {"x-queue-type": "quorum"},
        "node": node,
        "state": "running",
        "leader": node,
        "members": [node],
        "online": [node],
    }
    assert api.get("queues/%2F?disable_stats=true").json == [bare]
    totals = {"messages": 0, "messages_ready": 0, "messages_unacknowledged": 0}
    both = "disable_stats=true&enable_queue_totals=true"
    assert api.get(f"queues/%2F/q?{both}").json == bare | totals


def test_a_purge_drops_what_is_ready(api: Api) -> None:
    api.put("queues/%2F/q", {})
    body = {"routing_key": "q", "properties": {}, "payload": "x", "payload_encoding": "string"}
    assert api.post("exchanges/%2F/amq.default/publish", body).json == {"routed": True}
    assert api.delete("queues/%2F/q?if-empty=true").status == 400
    assert api.get("queues/%2F/q").json["messages"] == 1
    assert api.delete("queues/%2F/q/contents").status == 204
    assert api.get("queues/%2F/q").json["messages"] == 0
    assert api.delete("queues/%2F/nope/contents").status == 404
    assert api.delete("queues/%2F/q?if-empty=true").status == 204


def test_actions_of_old_pages(api: Api) -> None:
    api.put("queues/%2F/q", {})
    assert api.post("queues/%2F/q/actions", {"action": "sync"}).status == 204
    assert api.post("queues/%2F/q/actions", {"action": "bogus"}).status == 400
    assert api.post("queues/%2F/q/actions", {}).status == 400
    assert api.post("queues/%2F/nope/actions", {"action": "sync"}).status == 404


def test_the_detailed_list_is_the_list(api: Api) -> None:
    api.put("queues/%2F/q", {})
    assert api.get("queues/detailed").json == api.get("queues").json


def test_a_queue_is_paused_and_resumed(api: Api) -> None:
    peer = api.node.open()
    peer.declare()
    peer.consume(no_ack=True)
    peer.receive()
    for _ in range(2):
        assert api.put("queues/%2F/jobs/pause").status == 204
    peer.publish(b"x")
    assert peer.bodies() == []
    assert api.get("queues/%2F/jobs").json["state"] == "paused"
    explained = api.get("queues/%2F/jobs/explain").json
    assert (explained["verdict"], "is paused" in explained["text"]) == ("waits", True)
    assert "is paused" in explained["consumers"][0]["text"]
    got = api.post(
        "queues/%2F/jobs/get", {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
    )
    assert [message["payload"] for message in got.json] == ["x"]
    assert api.put("queues/%2F/jobs/resume").status == 204
    assert peer.bodies() == [b"x"]
    assert api.get("queues/%2F/jobs").json["state"] == "running"


def test_who_may_pause_and_what(api: Api) -> None:
    api.put("queues/%2F/s", {"durable": True, "arguments": {"x-queue-type": "stream"}})
    refused = api.put("queues/%2F/s/pause")
    assert (refused.status, "cannot be paused" in refused.json["reason"]) == (400, True)
    assert api.put("queues/%2F/nope/pause").status == 404
    api.put("queues/%2F/q", {"durable": True})
    api.add_user("reader", "management")
    api.put("permissions/%2F/reader", {"configure": "", "write": ".*", "read": ".*"})
    assert api.put("queues/%2F/q/pause", user="reader").status == 401
    assert api.get("queues/%2F/q").json["state"] == "running"


def test_a_queue_that_deduplicates_shows_how_many_keys_it_has(api: Api) -> None:
    api.put("queues/%2F/once", {"arguments": {"x-message-deduplication": True}})
    message = {
        "properties": {"headers": {"x-deduplication-header": "k"}},
        "routing_key": "once",
        "payload": "m",
        "payload_encoding": "string",
    }
    for _ in range(3):
        assert api.post("exchanges/%2F/amq.default/publish", message).json["routed"]
    shown = api.get("queues/%2F/once").json
    assert shown["messages"] == 1
    assert shown["deduplication"].pop("memory_bytes") > 0
    assert shown["deduplication"] == {"keys": 1, "size": None, "duplicates": 2}
    api.put("queues/%2F/plain", {})
    assert "deduplication" not in api.get("queues/%2F/plain").json


def test_a_page_sorted_by_a_number_comes_by_the_last_look_and_shows_what_is_now(api: Api) -> None:
    client = api.node.open()
    for name in "abc":
        client.declare(name)
    client.publish(b"1", b"2", routing_key="a")
    client.publish(b"1", routing_key="b")
    api.look()
    path = "queues/%2F?sort=messages&sort_reverse=true&page=1&page_size=2&columns=name,messages"
    first = [{"name": "a", "messages": 2}, {"name": "b", "messages": 1}]
    assert api.call("GET", path).json["items"] == first
    client.publish(b"2", b"3", routing_key="b")
    client.publish(*[b"x"] * 9, routing_key="c")
    assert api.call("GET", path).json["items"] == [
        {"name": "b", "messages": 3},
        {"name": "a", "messages": 2},
    ]
    api.look()
    assert [each["name"] for each in api.call("GET", path).json["items"]] == ["c", "b"]
