"""Connections, channels and consumers, with RabbitMQ's answers."""

from dataclasses import replace
from urllib.parse import quote

import pytest
from pamqp import commands

from tests.support.management_api import Api
from tests.support.peer import LOCAL, Client
from tests.support.stream_peer import StreamPeer


@pytest.fixture
def client(api: Api) -> Client:
    client = api.node.open()
    client.declare("jobs")
    client.consume("jobs")
    client.publish(b"1", routing_key="jobs")
    api.node.end_turns()
    return client


def _name(api: Api) -> str:
    return quote(str(api.get("connections").json[0]["name"]), safe="")


def test_a_connection_is_shown(api: Api, client: Client) -> None:
    assert client.connection is not None
    (found,) = api.get("connections").json
    assert " -> " in found["name"]
    assert (found["vhost"], found["user"], found["state"]) == ("/", "guest", "running")
    assert (found["type"], found["protocol"], found["channels"]) == ("network", "AMQP 0-9-1", 1)
    assert found["recv_oct"] > 0
    assert found["recv_oct_details"] == {"rate": 0.0}
    assert found["connected_at"] == api.node.now_ms
    assert api.get(f"connections/{_name(api)}").json["name"] == found["name"]
    bare = {key: found[key] for key in ("name", "vhost", "user", "node")}
    assert api.get("connections?disable_stats=true").json == [bare]
    assert api.get("connections/username/guest").json == [bare]
    assert len(api.get("vhosts/%2F/connections").json) == 1
    assert api.get("vhosts/nope/connections").status == 404
    assert api.get("connections/nope").status == 404


def test_a_channel_is_shown_with_its_consumers(api: Api, client: Client) -> None:
    assert client.connection is not None
    (found,) = api.get("channels").json
    assert found["name"].endswith(" (1)")
    assert (found["number"], found["consumer_count"]) == (1, 1)
    assert found["messages_unacknowledged"] == 1
    assert found["message_stats"]["publish"] == 1
    assert found["connection_details"]["name"] in found["name"]
    one = api.get(f"channels/{quote(found['name'], safe='')}").json
    assert one["consumer_details"] == api.get("consumers").json
    assert api.get(f"connections/{_name(api)}/channels").json[0]["name"] == found["name"]
    assert len(api.get("vhosts/%2F/channels").json) == 1
    assert api.get("channels/nope").status == 404
    page = api.get("channels?page=1&columns=number").json
    assert page["items"] == [{"number": 1}]


def test_a_consumer_is_shown(api: Api, client: Client) -> None:
    assert client.connection is not None
    (found,) = api.get("consumers/%2F").json
    assert found["queue"] == {"name": "jobs", "vhost": "/"}
    assert (found["consumer_tag"], found["ack_required"]) == ("me", True)
    assert (found["active"], found["activity_status"]) == (True, "up")
    assert found["channel_details"]["number"] == 1
    assert api.get("consumers/nope").status == 404
    for path in ("consumers", "channels"):
        assert api.get(f"{path}?disable_stats=true").status == 400


def test_a_queue_shows_its_consumers(api: Api, client: Client) -> None:
    assert client.connection is not None
    found = api.get("queues/%2F/jobs").json
    assert found["consumer_details"] == api.get("consumers").json
    assert (found["incoming"], found["deliveries"]) == ([], [])
    api.put("queues/%2F/other", {})
    assert api.get("queues/%2F/other").json["consumer_details"] == []


def test_only_its_owner_and_who_monitors_see_it(api: Api, client: Client) -> None:
    assert client.connection is not None
    api.add_user("eve", "management")
    api.add_user("mo", "monitoring")
    name = _name(api)
    for path in ("connections", "channels", "consumers"):
        assert api.get(path, user="eve").json == []
        assert len(api.get(path, user="mo").json) == 1
    for path in (f"connections/{name}", "connections/username/guest"):
        reply = api.get(path, user="eve")
        assert reply.json["reason"] == "User not authorised to access object"
        assert api.get(path, user="mo").status == 200
        assert api.delete(path, user="mo").status == 401


def test_a_connection_is_closed_with_a_reason(api: Api, client: Client) -> None:
    name = _name(api)
    assert api.delete(f"connections/{name}", headers={"x-reason": "go away"}).status == 204
    assert b"CONNECTION_FORCED - go away" in client.read_bytes()
    assert api.delete("connections/nope").status == 404


def test_all_connections_of_a_user_are_closed(api: Api, client: Client) -> None:
    assert api.delete("connections/username/nobody").status == 204
    assert api.delete("connections/username/guest").status == 204
    assert b"CONNECTION_FORCED - Closed via management plugin" in client.read_bytes()


def test_numbers_of_a_queue_and_an_exchange_have_rates(api: Api, client: Client) -> None:
    assert client.connection is not None
    stats = api.get("queues/%2F/jobs").json["message_stats"]
    assert (stats["publish"], stats["deliver"], stats["deliver_get"]) == (1, 1, 1)
    assert stats["publish_details"] == {"rate": 0.0}
    ranges = "msg_rates_age=10&msg_rates_incr=5&lengths_age=10&lengths_incr=5"
    found = api.get(f"queues/%2F/jobs?{ranges}").json
    assert len(found["messages_details"]["samples"]) == 3
    assert api.get("exchanges/%2F/amq.default").json["message_stats"]["publish_in"] == 1
    assert api.get("queues/%2F?lengths_age=6000&lengths_incr=1").status == 400


def test_a_consumer_is_cancelled_and_its_client_told(api: Api, client: Client) -> None:
    client.receive()
    path = f"consumers/%2F/{_name(api)}/1/me"
    assert api.delete(path).status == 204
    assert client.expect(commands.Basic.Cancel).consumer_tag == "me"
    assert api.get("consumers").json == []
    (channel,) = api.get("channels").json
    assert channel["messages_unacknowledged"] == 1, "what it holds stays with the channel"
    assert api.delete(path).status == 404
    client.send(commands.Basic.Ack, delivery_tag=1)
    assert client.works()


def test_only_its_owner_and_an_administrator_cancel_a_consumer(api: Api, client: Client) -> None:
    client.receive()
    api.add_user("eve", "management")
    api.add_user("mo", "monitoring")
    api.put("vhosts/w")
    name = _name(api)
    path = f"consumers/%2F/{name}/1/me"
    for user in ("eve", "mo"):
        reply = api.delete(path, user=user)
        assert (reply.status, reply.json["reason"]) == (
            401,
            "User not authorised to access object",
        )
    for wrong in (f"w/{name}/1", "%2F/nope/1", f"%2F/{name}/2", f"%2F/{name}/x", f"%2F/{name}/-1"):
        assert api.delete(f"consumers/{wrong}/me").status == 404
    assert len(api.get("consumers").json) == 1
    own = api.node.connect(replace(LOCAL, port=50_001))
    own.shake_hands("eve")
    own.open_channel(1)
    own.consume("jobs")
    own.receive()
    eves = next(each["name"] for each in api.get("connections").json if each["user"] == "eve")
    assert api.delete(f"consumers/%2F/{quote(eves, safe='')}/1/me", user="eve").status == 204


def test_a_subscription_of_the_stream_protocol_is_not_cancelled(api: Api) -> None:
    peer = StreamPeer.open(api.node)
    peer.create("s")
    peer.subscribe("s", 5)
    peer.receive()
    reply = api.delete(f"consumers/%2F/{_name(api)}/0/stream.subid-5")
    assert reply.status == 400
    assert reply.json["reason"].startswith("a subscription of the stream protocol cannot")


def test_no_connection_has_sessions(api: Api) -> None:
    api.node.open()
    (row,) = api.get("connections").json
    name = quote(row["name"])
    assert api.get(f"connections/{name}/sessions").json == []
    assert api.get("connections/none/sessions").status == 404
