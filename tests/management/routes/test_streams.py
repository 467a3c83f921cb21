"""The routes of the stream protocol, with RabbitMQ's answers."""

from urllib.parse import quote

import pytest

from amqp_server.stream_protocol.fields import U64, string
from amqp_server.stream_protocol.keys import Code, CommandKey
from tests.support.management_api import Api
from tests.support.stream_peer import StreamPeer, entry, publish_errors

GUEST_ENDS = {"name": "127.0.0.1:50000 -> 127.0.0.1:5552", "user": "guest"}


@pytest.fixture
def peer(api: Api) -> StreamPeer:
    peer = StreamPeer.open(api.node)
    peer.create("s")
    peer.declare_publisher("s", 3, "sensor")
    peer.publish(3, (1, entry(b"a")), (2, entry(b"b")))
    peer.subscribe("s", 5, properties={"name": "reader"}, credit=7)
    peer.receive()
    return peer


def name_of(peer: StreamPeer) -> str:
    return quote(peer.connection.session.connection_name, safe="")


def test_a_connection_of_streams_is_one_of_all_connections(api: Api, peer: StreamPeer) -> None:
    amqp = api.node.open()
    assert amqp.connection is not None
    found = next(each for each in api.get("connections").json if each["protocol"] == "stream")
    assert (found["state"], found["channels"], found["type"]) == ("running", 0, "network")
    assert (found["user_provided_name"], found["auth_mechanism"]) == ("test", "PLAIN")
    for path in ("stream/connections", "stream/connections/%2F"):
        assert [each["name"] for each in api.get(path).json] == [found["name"]]
    assert api.get("stream/connections?page=1").json["total_count"] == 1
    one = f"stream/connections/%2F/{name_of(peer)}"
    assert api.get(one).json["name"] == found["name"]
    assert api.get(f"connections/{name_of(peer)}/channels").json == []
    assert api.get("stream/connections/nope").status == 404
    assert api.get("stream/connections/%2F/nope").status == 404
    other = quote(amqp.connection.session.connection_name, safe="")
    assert api.get(f"stream/connections/%2F/{other}").status == 404
    api.put("vhosts/w")
    assert api.get(f"stream/connections/w/{name_of(peer)}").status == 404
    assert api.get("stream/connections/w").json == []


def test_publishers_are_shown_with_their_counts(api: Api, peer: StreamPeer) -> None:
    (found,) = api.get("stream/publishers").json
    ends = found.pop("connection_details")
    assert GUEST_ENDS.items() <= ends.items()
    assert found == {
        "publisher_id": 3,
        "reference": "sensor",
        "published": 2,
        "confirmed": 2,
        "errored": 0,
        "queue": {"name": "s", "vhost": "/"},
    }
    for path in ("%2F", "%2F/s"):
        assert len(api.get(f"stream/publishers/{path}").json) == 1
    assert len(api.get(f"stream/connections/%2F/{name_of(peer)}/publishers").json) == 1
    api.put("queues/%2F/other", {"durable": True})
    assert api.get("stream/publishers/%2F/other").json == []
    assert api.get("stream/publishers/%2F/nope").status == 404
    assert api.get("stream/publishers/nope").status == 404


def test_what_is_refused_counts_as_errored(api: Api, peer: StreamPeer) -> None:
    api.broker.users.set_permissions("guest", "/", ".*", "", ".*")
    peer.publish(3, (3, entry(b"c")))
    assert peer.receive() == [publish_errors(3, Code.ACCESS_REFUSED, 3)]
    (found,) = api.get("stream/publishers").json
    assert (found["published"], found["confirmed"], found["errored"]) == (3, 2, 1)


def test_subscriptions_are_shown_with_their_place(api: Api, peer: StreamPeer) -> None:
    (found,) = api.get("stream/consumers").json
    ends = found.pop("connection_details")
    assert GUEST_ENDS.items() <= ends.items()
    assert found == {
        "subscription_id": 5,
        "credits": 6,
        "consumed": 2,
        "offset": 1,
        "offset_lag": 0,
        "active": True,
        "activity_status": "up",
        "properties": {"name": "reader"},
        "queue": {"name": "s", "vhost": "/"},
    }
    assert len(api.get("stream/consumers/%2F").json) == 1
    assert len(api.get(f"stream/connections/%2F/{name_of(peer)}/consumers").json) == 1
    assert api.get("stream/consumers/nope").status == 404


def test_a_subscription_is_one_of_all_consumers(api: Api, peer: StreamPeer) -> None:
    (found,) = api.get("consumers").json
    details = found["channel_details"]
    assert (details["name"], details["number"], details["user"]) == ("", 0, "guest")
    assert details["connection_name"] == peer.connection.session.connection_name
    assert (found["consumer_tag"], found["ack_required"]) == ("stream.subid-5", False)
    assert (found["arguments"], found["active"]) == ({"name": "reader"}, True)
    assert api.get("consumers/%2F").json == [found]
    queue = api.get("queues/%2F/s").json
    assert (queue["consumers"], queue["consumer_details"]) == (1, [found])
    peer.connection.lose(api.node.now_ms)
    assert api.get("queues/%2F/s").json["consumers"] == 0
    assert api.get("consumers").json == []


def test_one_of_a_group_waits(api: Api, peer: StreamPeer) -> None:
    group = {"single-active-consumer": "true", "name": "g"}
    peer.subscribe("s", 6, properties=group)
    peer.subscribe("s", 7, properties=group)
    peer.receive()
    found = {each["subscription_id"]: each for each in api.get("stream/consumers").json}
    # The first one has not answered yet where it begins.
    assert [found[number]["activity_status"] for number in (5, 6, 7)] == [
        "up",
        "waiting",
        "waiting",
    ]
    assert [found[number]["offset_lag"] for number in (6, 7)] == [0, 0]


def test_only_its_owner_and_who_monitors_see_it(api: Api, peer: StreamPeer) -> None:
    api.add_user("eve", "management")
    api.add_user("mo", "monitoring")
    one = f"stream/connections/%2F/{name_of(peer)}"
    for path in ("connections", "publishers", "consumers"):
        assert api.get(f"stream/{path}", user="eve").json == []
        assert len(api.get(f"stream/{path}", user="mo").json) == 1
    for path in (one, f"{one}/publishers", f"{one}/consumers"):
        reply = api.get(path, user="eve")
        assert reply.json["reason"] == "User not authorised to access object"
    assert api.delete(one, user="mo").status == 401


@pytest.mark.parametrize("path", ["stream/connections/%2F/", "connections/"])
def test_a_connection_is_closed_without_a_word(api: Api, peer: StreamPeer, path: str) -> None:
    whole = path + name_of(peer)
    assert api.delete(whole, headers={"x-reason": "go away"}).status == 204
    assert (peer.receive(), peer.connection.life.is_closed) == ([], True)
    assert api.delete(whole).status == 404


def test_tracking_shows_offsets_and_publishing_ids(api: Api, peer: StreamPeer) -> None:
    peer.send(CommandKey.STORE_OFFSET, string("reader"), string("s"), U64.pack(1))
    path = "stream/%2F/s/tracking"
    assert api.get(path).json == {"offsets": {"reader": 1}, "writers": {"sensor": 2}}
    assert api.get(f"{path}?type=offset").json == {"offsets": {"reader": 1}}
    assert api.get(f"{path}?type=writer").json == {"writers": {"sensor": 2}}
    api.put("queues/%2F/other", {"durable": True})
    assert api.get("stream/%2F/other/tracking").status == 503
    assert api.get("stream/%2F/nope/tracking").status == 404
    assert api.get("stream/nope/s/tracking").status == 404
