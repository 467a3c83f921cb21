"""Looks at messages over HTTP: they stay where they are, whatever kind their queue is of."""

import json
from typing import Any

import pytest
from pamqp import commands

from tests.support.management_api import Api

PEEK = "queues/%2F/q/peek"
DEFAULT = "exchanges/%2F/amq.default/publish"


def publish(api: Api, *payloads: str, key: str = "q", **properties: Any) -> None:  # noqa: ANN401
    for payload in payloads:
        body = {"routing_key": key, "properties": properties, "payload": payload}
        api.post(DEFAULT, {**body, "payload_encoding": "string"})


def payloads(api: Api, body: object = None, path: str = PEEK) -> list[str]:
    return [item["payload"] for item in api.post(path, body or {}).json["items"]]


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_look_changes_nothing(api: Api, kind: str) -> None:
    api.put("queues/%2F/q", {"durable": True, "arguments": {"x-queue-type": kind}})
    publish(api, "one", headers={"a": 1, "b": "x"}, content_type="t")
    publish(api, "two", expiration="60000")
    for _ in range(2):
        found = api.post(PEEK, {}).json
        assert (found["scanned"], found["total"], found["gave_up"], found["next"]) == (
            2,
            2,
            0,
            None,
        )
        first, second = found["items"]
        assert first == {
            "position": 0,
            "place": "0.0",
            "fingerprint": first["fingerprint"],
            "redelivered": False,
            "delivery_count": 0,
            "exchange": "",
            "routing_key": "q",
            "properties": {"headers": {"a": 1, "b": "x"}, "content_type": "t"},
            "header_types": {"a": "long", "b": "longstr"},
            "payload_bytes": 3,
            "payload": "one",
            "payload_encoding": "string",
        }
        assert second["position"] == 1
        assert second["expires_at"] == api.broker.wall_ms(api.node.now_ms) + 60_000
    got = api.post(
        "queues/%2F/q/get", {"count": 9, "ackmode": "ack_requeue_false", "encoding": "auto"}
    )
    assert [(one["payload"], one["redelivered"]) for one in got.json] == [
        ("one", False),
        ("two", False),
    ]


def test_a_page_ends_where_the_next_begins(api: Api) -> None:
    api.put("queues/%2F/q", {})
    publish(api, *[f"m{number}" for number in range(7)])
    first = api.post(PEEK, {"count": 3}).json
    assert [item["position"] for item in first["items"]] == [0, 1, 2]
    assert first["next"] == {"offset": 3, "place": "0.3"}
    gone = {"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}
    api.post("queues/%2F/q/get", gone)
    second = api.post(PEEK, {"count": 3, **first["next"]}).json
    assert [item["payload"] for item in second["items"]] == ["m3", "m4", "m5"]
    assert [item["position"] for item in second["items"]] == [3, 4, 5]
    assert payloads(api, {"offset": 2, "count": 2}) == ["m3", "m4"]
    assert payloads(api, {"offset": 99}) == payloads(api, {"count": 0}) == []


def test_priorities_are_shown_in_the_order_of_delivery(api: Api) -> None:
    api.put("queues/%2F/q", {"arguments": {"x-max-priority": 5}})
    publish(api, "low", "low too")
    publish(api, "high", priority=5)
    found = api.post(PEEK, {"count": 2}).json
    assert [item["payload"] for item in found["items"]] == ["high", "low"]
    assert found["next"]["place"] == "0.1"
    assert payloads(api, found["next"]) == ["low too"]


def test_filters_find_some_within_a_budget(api: Api) -> None:
    api.put("queues/%2F/q", {})
    for number in range(20):
        publish(api, f"order {number}", headers={"n": number, "even": number % 2 == 0})
    for given, wanted in (
        ({"text": "order 1"}, [1, *range(10, 20)]),
        ({"regexp": "^order 1[0-4]$"}, [10, 11, 12, 13, 14]),
        ({"headers": {"n": 7}}, [7]),
        ({"headers": {"n": "7"}}, [7]),
        ({"headers": {"even": "true", "n": 4}}, [4]),
        ({"routing_key": "q", "exchange": "", "text": "19"}, [19]),
        ({"exchange": "elsewhere"}, []),
    ):
        found = api.post(PEEK, {"filter": given}).json
        assert [item["position"] for item in found["items"]] == wanted
        assert (found["scanned"], found["total"], found["next"]) == (20, 20, None)
    asked = {"filter": {"text": "order 1"}, "scan": 12}
    found = api.post(PEEK, asked).json
    assert [item["position"] for item in found["items"]] == [1, 10, 11]
    assert (found["scanned"], found["next"]) == (12, {"offset": 12, "place": "0.12"})
    assert len(payloads(api, {**asked, **found["next"]})) == 8


def test_a_pattern_that_takes_too_long_is_told(api: Api) -> None:
    api.put("queues/%2F/q", {})
    publish(api, "a" * 60_000)
    found = api.post(PEEK, {"filter": {"regexp": "^(a+)+b$"}}).json
    assert (found["items"], found["scanned"], found["gave_up"]) == ([], 1, 1)


def test_payloads_are_cut_and_encoded_as_asked(api: Api) -> None:
    api.put("queues/%2F/q", {})
    publish(api, "hello")
    (item,) = api.post(PEEK, {"truncate": 2, "encoding": "base64"}).json["items"]
    assert (item["payload"], item["payload_encoding"], item["payload_bytes"]) == (
        "aGU=",
        "base64",
        5,
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"state": "gone"}, "state: expected ready or unacked"),
        ({"offset": -1}, "offset: expected 0 or more"),
        ({"count": "x"}, ["not_integer", "x"]),
        ({"place": "1"}, "place: expected what an earlier answer has as place"),
        ({"place": "0.9999999999999999999"}, "place: expected what an earlier answer has as place"),
        ({"filter": {"color": "red"}}, "filter: unknown key color"),
        ({"filter": {"regexp": "("}}, None),
        ({"filter": 5}, "filter: expected an object"),
        ({"encoding": "hex"}, "Unsupported encoding. Please use auto or base64."),
    ],
)
def test_what_cannot_be_looked_for(api: Api, body: object, reason: object) -> None:
    api.put("queues/%2F/q", {})
    reply = api.post(PEEK, body)
    assert reply.status == 400
    assert reason is None or reply.json["reason"] == reason


def test_the_right_to_read_is_needed(api: Api) -> None:
    api.put("queues/%2F/q", {})
    api.add_user("eve", "management")
    api.broker.users.set_permissions("eve", "/", ".*", ".*", "^other$")
    for path in (PEEK, "queues/%2F/q/stream"):
        assert api.post(path, {}, user="eve").status == 401
    assert api.get("queues/%2F/q/unacked", user="eve").status == 401
    assert api.post("queues/%2F/missing/peek", {}).status == 404
    assert api.post("queues/nowhere/q/peek", {}).status == 404


def test_unacked_messages_are_shown_with_who_holds_them(api: Api) -> None:
    api.put("queues/%2F/q", {})
    api.put("queues/%2F/other", {})
    publish(api, "a", "b", "c", "d")
    publish(api, "x", key="other")
    client = api.node.open()
    client.send(commands.Basic.Get, queue="other")
    client.send(commands.Basic.Get, queue="q")
    client.send(commands.Basic.Qos, prefetch_count=2)
    client.send(commands.Basic.Consume, queue="q", consumer_tag="ann")
    client.receive()
    api.node.now_ms += 5_000
    rows = api.get("queues/%2F/q/unacked").json
    assert [(row["delivery_tag"], row["consumer_tag"]) for row in rows] == [
        (2, ""),
        (3, "ann"),
        (4, "ann"),
    ]
    assert all(row["unacked_for_seconds"] == 5 for row in rows)
    assert all(row["channel_name"].endswith(" (1)") for row in rows)
    found = api.post(PEEK, {"state": "unacked", "count": 2}).json
    assert [(item["payload"], item["delivery_tag"]) for item in found["items"]] == [
        ("a", 2),
        ("b", 3),
    ]
    assert (found["total"], found["next"]["offset"]) == (3, 2)
    rest = api.post(PEEK, {"state": "unacked", **found["next"]}).json
    assert [(item["payload"], item["position"]) for item in rest["items"]] == [("c", 2)]
    assert rest["next"] is None
    assert payloads(api, {"state": "unacked", "offset": 1}) == ["b", "c"]
    assert payloads(api, {"state": "unacked", "filter": {"text": "c"}}) == ["c"]
    assert payloads(api) == ["d"]
    assert len(api.get("queues/%2F/q/unacked?count=1&offset=1").json) == 1


def test_a_stream_is_looked_at_by_offset_age_and_time(api: Api) -> None:
    api.put("queues/%2F/q", {"durable": True, "arguments": {"x-queue-type": "stream"}})
    publish(api, *[f"m{number}" for number in range(5)], headers={"a": "b"})
    found = api.post(PEEK, {"count": 2, "offset": 1}).json
    assert [(item["offset"], item["position"], item["payload"]) for item in found["items"]] == [
        (1, 1, "m1"),
        (2, 2, "m2"),
    ]
    assert found["items"][0]["timestamp"] == api.broker.wall_ms(api.node.now_ms)
    assert found["items"][0]["header_types"] == {"a": "longstr", "x-stream-offset": "long"}
    path = "queues/%2F/q/stream"
    assert payloads(api, {"count": 2}, path) == ["m0", "m1"]
    assert (
        payloads(api, {"offset": 3}, path) == payloads(api, {"offset": "3"}, path) == ["m3", "m4"]
    )
    assert payloads(api, {"offset": -1}, path) == payloads(api, {"offset": "last"}, path) == ["m4"]
    assert payloads(api, {"offset": "next"}, path) == payloads(api, {"offset": 99}, path) == []
    assert len(payloads(api, {"offset": "10m"}, path)) == 5
    assert len(payloads(api, {"offset": "1970-01-01T00:00:00Z"}, path)) == 5
    assert payloads(api, {"offset": "2199-01-01"}, path) == []
    page = api.post(path, {"count": 2, "offset": "first"}).json
    assert payloads(api, {"count": 2, "place": page["next"]["place"]}, path) == ["m2", "m3"]
    assert payloads(api, {"filter": {"text": "m4"}}, path) == ["m4"]
    assert api.post(path, {"offset": "whenever"}).status == 400


def test_an_offset_is_for_streams_alone(api: Api) -> None:
    api.put("queues/%2F/q", {})
    reply = api.post("queues/%2F/q/stream", {})
    assert (reply.status, reply.json["reason"]) == (400, "queue 'q' in vhost '/' is no stream")


@pytest.mark.parametrize("arguments", [{}, {"x-queue-type": "quorum"}, {"x-queue-type": "stream"}])
def test_a_jsonpath_chooses_on_the_server_and_goes_on(api: Api, arguments: dict[str, str]) -> None:
    api.put("queues/%2F/q", {"durable": True, "arguments": arguments})
    for number in range(30):
        publish(api, json.dumps({"n": number}))
    publish(api, "no JSON")
    found: list[str] = []
    asked: dict[str, Any] | None = {"filter": {"jsonpath": "$.n >= 10 && $.n < 20"}, "scan": 7}
    scanned = gave_up = 0
    while asked is not None:
        look = api.post(PEEK, asked).json
        assert look["scanned"] <= 7
        scanned += look["scanned"]
        gave_up += look["gave_up"]
        found += [one["payload"] for one in look["items"]]
        asked = look["next"] and {**asked, **look["next"]}
    assert found == [json.dumps({"n": number}) for number in range(10, 20)]
    assert (scanned, gave_up) == (31, 1)
    refused = api.post(PEEK, {"filter": {"jsonpath": "$.n >"}})
    assert refused.status == 400
    assert "jsonpath: Expected a path" in refused.json["reason"]
