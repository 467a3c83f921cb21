"""Super streams over HTTP: how they are made, listed, and shown as a matrix."""

from typing import Any

import pytest
from pamqp import commands

from amqp_server.stream_protocol.fields import U64, string
from amqp_server.stream_protocol.keys import CommandKey
from management.bodies.super_streams import Position, position_body
from management.routes import super_streams as module
from tests.support.management_api import Api
from tests.support.stream_peer import StreamPeer, entry

ONE = "stream/super-streams/%2F/orders"


def test_a_super_stream_is_created(api: Api) -> None:
    body = {"partitions": 2, "arguments": {"max-age": "1h", "max-length-bytes": 1000}}
    assert api.put("stream/super-streams/%2F/orders", body).status == 204
    assert api.get("exchanges/%2F/orders").json["arguments"] == {"x-super-stream": True}
    (binding,) = api.get("bindings/%2F/e/orders/q/orders-1").json
    assert binding["routing_key"] == "1"
    assert binding["arguments"] == {"x-stream-partition-order": 1}
    arguments = api.get("queues/%2F/orders-1").json["arguments"]
    assert (arguments["x-max-age"], arguments["x-max-length-bytes"]) == ("1h", 1000)
    assert api.put("stream/super-streams/%2F/by-region", {"binding-keys": "eu, us,"}).status == 204
    assert api.get("bindings/%2F/e/by-region/q/by-region-us").json[0]["routing_key"] == "us"
    again = api.put("stream/super-streams/%2F/orders", body)
    assert (again.status, again.json["error"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "Must specify partitions or binding keys"),
        ({"partitions": 1, "binding-keys": "a"}, "Specify partitions or binding keys, not both"),
        ({"partitions": 0}, "The partition number must be greater than 0"),
        ({"partitions": 1001}, "The partition number must not exceed 1000"),
        ({"partitions": "many"}, "The partitions must be a number"),
        ({"partitions": [1]}, "The partitions must be a number"),
        ({"partitions": "9" * 5000}, "The partitions must be a number"),
        ({"binding-keys": " , "}, "The number of binding keys must be greater than 0"),
        ({"binding-keys": "," * 1000}, "The number of binding keys must not exceed 1000"),
        ({"binding-keys": ["a"]}, "The binding keys must be a text, with commas between them"),
        ({"partitions": 1, "node": "x@y"}, "Node x@y is not a cluster member"),
        (
            {"partitions": 1, "arguments": {"max-age": {}}},
            "The argument max-age must be a text or a number",
        ),
    ],
)
def test_a_super_stream_that_makes_no_sense_is_refused(
    api: Api, body: dict[str, Any], reason: str
) -> None:
    reply = api.put("stream/super-streams/%2F/orders", body)
    assert (reply.status, reply.json["reason"]) == (400, reason)
    assert api.get("exchanges/%2F/orders").status == 404


def test_all_of_a_super_stream_is_made_or_nothing(api: Api) -> None:
    put = "stream/super-streams/%2F/orders"
    assert api.put(put, {"partitions": 2, "arguments": {"max-age": "soon"}}).status == 400
    assert api.put(put, {"binding-keys": "a,a"}).status == 400
    api.put("vhost-limits/%2F/max-queues", {"value": 1})
    assert api.put(put, {"partitions": 2}).status == 400
    assert api.get("exchanges/%2F/orders").status == 404
    assert api.get("queues").json == []
    assert api.put("stream/super-streams/nope/orders", {"partitions": 1}).status == 404


def test_who_may_not_configure_makes_no_super_stream(api: Api) -> None:
    api.add_user("eve", "management")
    api.broker.users.set_permissions("eve", "/", "", ".*", ".*")
    reply = api.put("stream/super-streams/%2F/orders", {"partitions": 1}, user="eve")
    assert (reply.status, reply.json["reason"]) == (401, "Access refused.")


@pytest.fixture
def peer(api: Api) -> StreamPeer:
    """A super stream of two partitions, the first of which has three messages."""
    assert api.put(ONE, {"partitions": 2}).status == 204
    peer = StreamPeer.open(api.node)
    peer.declare_publisher("orders-0", 1, "shop")
    peer.publish(1, (1, entry(b"a")), (2, entry(b"b")), (3, entry(b"c")))
    peer.receive()
    return peer


def test_partitions_come_in_their_order_with_what_is_in_them(api: Api, peer: StreamPeer) -> None:
    body = api.get(ONE).json
    assert (body["name"], body["vhost"], body["type"]) == ("orders", "/", "direct")
    assert (body["groups"], body["groups_left_out"]) == ([], 0)
    first, second = body["partitions"]
    assert (first["name"], first["order"], first["routing_keys"]) == ("orders-0", 0, ["0"])
    assert (first["messages"], first["next_offset"], first["segments_count"]) == (3, 3, 1)
    assert first["size_bytes"] > 0
    assert (first["state"], first["bindings_count"], first["positions"]) == ("running", 1, [])
    assert (second["name"], second["messages"], second["next_offset"]) == ("orders-1", 0, 0)


def test_a_group_has_a_place_in_each_partition_that_it_knows(api: Api, peer: StreamPeer) -> None:
    peer.send(CommandKey.STORE_OFFSET, string("billing"), string("orders-0"), U64.pack(1))
    peer.subscribe("orders-1", 1, properties={"name": "billing"}, credit=1)
    peer.subscribe("orders-1", 2, credit=1)
    peer.receive()
    amqp = api.node.open()
    arguments = {"x-stream-offset": "first", "x-stream-group": "audit"}
    amqp.send(commands.Basic.Qos, prefetch_count=1)
    amqp.consume("orders-0", arguments=arguments)
    amqp.receive()
    body = api.get(ONE).json
    assert body["groups"] == ["", "audit", "billing"]
    first, second = (
        {each["group"]: each for each in one["positions"]} for one in body["partitions"]
    )
    assert set(first) == {"audit", "billing"}
    billing = first["billing"]
    assert (billing["stored_offset"], billing["next_offset"], billing["lag"]) == (1, None, 1)
    assert (billing["readers"], billing["connection"]) == (0, None)
    audit = first["audit"]
    assert (audit["stored_offset"], audit["next_offset"], audit["lag"]) == (None, 1, 2)
    assert (audit["readers"], audit["connection"] is None) == (1, False)
    assert set(second) == {"", "billing"}
    assert (second["billing"]["lag"], second["billing"]["readers"]) == (0, 1)
    consumers = [each["consumers"] for each in body["partitions"]]
    assert consumers == [1, 2]


def test_what_retention_removed_is_not_behind(api: Api, peer: StreamPeer) -> None:
    position = Position(stored_offset=2)
    segments = api.management.node.views.stream_segments("/", "orders-0")
    assert segments is not None
    later = segments._replace(first_offset=10, next_offset=15, message_count=5)
    assert position_body("g", position, later)["lag"] == 5
    assert position_body("g", Position(next_offset=99), later)["lag"] == 0


def test_too_many_groups_are_counted(
    api: Api, peer: StreamPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        peer.send(CommandKey.STORE_OFFSET, string(f"g{number}"), string("orders-0"), U64.pack(0))
    peer.receive()
    monkeypatch.setattr(module, "GROUPS_MAX", 2)
    body = api.get(ONE).json
    assert (body["groups"], body["groups_left_out"]) == (["g0", "g1"], 1)
    assert [each["group"] for each in body["partitions"][0]["positions"]] == ["g0", "g1"]


def test_a_list_has_sums(api: Api, peer: StreamPeer) -> None:
    api.put("exchanges/%2F/other", {"type": "x-super-stream"})
    api.put("exchanges/%2F/plain", {"type": "direct"})
    api.put("vhosts/w")
    rows = {each["name"]: each for each in api.get("stream/super-streams").json}
    assert set(rows) == {"orders", "other"}
    assert (rows["orders"]["partitions_count"], rows["orders"]["messages"]) == (2, 3)
    assert (rows["other"]["partitions_count"], rows["other"]["rate_in"]) == (0, 0.0)
    assert [each["name"] for each in api.get("stream/super-streams/%2F").json] == [
        "orders",
        "other",
    ]
    assert api.get("stream/super-streams/w").json == []
    assert api.get("stream/super-streams/nope").status == 404
    assert api.get("stream/super-streams?page=1").json["total_count"] == 2
    api.add_user("eve", "management", vhosts=())
    assert api.get("stream/super-streams", user="eve").json == []
    assert api.get(ONE, user="eve").status == 401


def test_only_a_super_stream_has_partitions(api: Api) -> None:
    api.put("exchanges/%2F/plain", {"type": "direct"})
    reply = api.get("stream/super-streams/%2F/plain")
    assert (reply.status, reply.json["error"]) == (400, "bad_request")
    assert api.get(ONE).status == 404
    assert api.get("stream/super-streams/nope/orders").status == 404


def test_what_is_no_stream_or_is_gone_is_no_partition(api: Api, peer: StreamPeer) -> None:
    api.put("queues/%2F/jobs", {"durable": True})
    api.post("bindings/%2F/e/orders/q/jobs", {"routing_key": "jobs"})
    api.post("bindings/%2F/e/orders/e/amq.fanout", {"routing_key": "x"})
    api.delete("queues/%2F/orders-1")
    assert [each["name"] for each in api.get(ONE).json["partitions"]] == ["orders-0"]


def test_a_partition_may_have_several_keys(api: Api, peer: StreamPeer) -> None:
    for number in range(9):
        api.post("bindings/%2F/e/orders/q/orders-0", {"routing_key": f"k{number}"})
    (found, _) = sorted(api.get(ONE).json["partitions"], key=lambda each: str(each["name"]))
    assert (len(found["routing_keys"]), found["bindings_count"]) == (5, 10)
