"""The segments of a stream, and where its readers are."""

import pytest
from pamqp import commands

from tests.support.management_api import Api
from tests.support.stream_peer import StreamPeer, entry

SEGMENTS = "stream/%2F/s/segments"
READERS = "stream/%2F/s/readers"


@pytest.fixture
def peer(api: Api) -> StreamPeer:
    """Return a client of a stream whose segments have two chunks each."""
    arguments = {"x-queue-type": "stream", "x-stream-max-segment-size-bytes": 100}
    api.put("queues/%2F/s", {"durable": True, "arguments": arguments})
    peer = StreamPeer.open(api.node)
    peer.declare_publisher("s", 3, "sensor")
    return peer


def publish(api: Api, peer: StreamPeer, count: int) -> None:
    for number in range(1, count + 1):
        peer.publish(3, (number, entry(b"m" * 10)))
        api.node.now_ms += 10


def test_segments_have_their_offsets_sizes_and_times(api: Api, peer: StreamPeer) -> None:
    assert api.get(SEGMENTS).json == {
        "first_offset": 0,
        "next_offset": 0,
        "messages": 0,
        "size_bytes": 0,
        "segments_count": 0,
        "segments": [],
        "next": None,
    }
    began_ms = api.node.now_ms
    publish(api, peer, 5)
    found = api.get(SEGMENTS).json
    parts = found["segments"]
    assert [(each["first_offset"], each["next_offset"]) for each in parts] == [
        (0, 2),
        (2, 4),
        (4, 5),
    ]
    assert sum(each["size_bytes"] for each in parts) == found["size_bytes"] > 0
    times = [(each["first_timestamp"], each["last_timestamp"]) for each in parts]
    offset_ms = times[0][0] - began_ms
    assert [(first - offset_ms - began_ms, last - first) for first, last in times] == [
        (0, 10),
        (20, 10),
        (40, 0),
    ]
    assert {each["compacted"] for each in parts} == {False}
    assert (found["first_offset"], found["next_offset"], found["messages"]) == (0, 5, 5)
    assert (found["segments_count"], found["next"]) == (3, None)


def test_many_segments_come_in_parts(api: Api, peer: StreamPeer) -> None:
    publish(api, peer, 7)
    first = api.get(f"{SEGMENTS}?count=3").json
    assert (len(first["segments"]), first["segments_count"], first["next"]) == (3, 4, 6)
    rest = api.get(f"{SEGMENTS}?count=3&offset={first['next']}").json
    assert [each["first_offset"] for each in rest["segments"]] == [6]
    assert rest["next"] is None
    behind = api.get(f"{SEGMENTS}?offset=99").json
    assert [each["first_offset"] for each in behind["segments"]] == [6], "the last one"


@pytest.mark.parametrize("query", ["count=0", "count=501", "offset=-1", "offset=x", "count=²"])
def test_numbers_that_make_no_sense_are_refused(api: Api, peer: StreamPeer, query: str) -> None:
    assert api.get(f"{SEGMENTS}?{query}").status == 400


@pytest.mark.parametrize("what", ["segments", "readers"])
def test_only_a_stream_has_them(api: Api, what: str) -> None:
    api.put("queues/%2F/other", {"durable": True})
    reply = api.get(f"stream/%2F/other/{what}")
    assert (reply.status, reply.json["reason"]) == (400, "queue 'other' in vhost '/' is no stream")
    assert api.get(f"stream/%2F/nope/{what}").status == 404
    assert api.get(f"stream/nope/s/{what}").status == 404


def test_readers_have_their_place_lag_and_credit(api: Api, peer: StreamPeer) -> None:
    publish(api, peer, 5)
    peer.subscribe("s", 5, properties={"name": "reader"}, credit=7)
    peer.receive()
    client = api.node.open()
    client.send(commands.Basic.Qos, prefetch_count=4)
    arguments = {"x-stream-offset": "first"}
    client.send(commands.Basic.Consume, queue="s", consumer_tag="etl", arguments=arguments)
    client.receive()
    etl, reader = api.get(READERS).json
    ends = etl.pop("connection_details")
    assert (ends["user"], ends["peer_host"]) == ("guest", "127.0.0.1")
    assert etl == {
        "name": "etl",
        "protocol": "AMQP 0-9-1",
        "consumer_tag": "etl",
        "channel_number": 1,
        "offset": 4,
        "offset_lag": 1,
        "credit": 0,
        "active": True,
        "activity_status": "blocked",
    }
    assert reader.pop("connection_details")["user"] == "guest"
    assert reader == {
        "name": "reader",
        "protocol": "stream",
        "consumer_tag": "stream.subid-5",
        "channel_number": 0,
        "offset": 5,
        "offset_lag": 0,
        "credit": 2,
        "active": True,
        "activity_status": "up",
    }
    assert api.get(f"{READERS}?page=1&name=etl").json["filtered_count"] == 1


def test_one_who_waits_has_no_place(api: Api, peer: StreamPeer) -> None:
    group = {"single-active-consumer": "true", "name": "g"}
    peer.subscribe("s", 6, properties=group)
    peer.subscribe("s", 7, properties=group)
    peer.receive()
    waits = api.get(READERS).json[1]
    assert (waits["offset"], waits["offset_lag"], waits["activity_status"]) == (
        None,
        None,
        "waiting",
    )


def test_readers_of_another_stream_are_not_told(api: Api, peer: StreamPeer) -> None:
    peer.create("t")
    peer.subscribe("t", 5)
    peer.receive()
    assert api.get(READERS).json == []


def test_who_may_not_enter_the_vhost_sees_nothing(api: Api, peer: StreamPeer) -> None:
    api.add_user("eve", "management", vhosts=())
    for path in (SEGMENTS, READERS):
        assert api.get(path, user="eve").status == 401
