"""Which key a message has, and whether it is a tombstone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rstream import AMQPMessage
from rstream._pyamqp.message import Properties  # type: ignore[attr-defined]

from conformance import fields
from persistence.streams.compaction import KEY_BYTES_MAX, Keyed
from queues.stream.from_amqp10 import read_messages
from queues.stream.message_keys import find_keys, finder_of
from queues.stream.to_amqp10 import to_amqp10
from tests.support.stream_messages import EVERYTHING, framed, sub_batch


def published(
    headers: dict[str, object] | None = None, body: bytes = b"21.5", routing_key: bytes = b"d1"
) -> bytes:
    properties = fields.properties(headers=headers) if headers else fields.properties()
    return to_amqp10(b"readings", routing_key, properties, body)


def keyed(name: str, *messages: bytes) -> Keyed:
    return finder_of(name)(b"".join(map(framed, messages)), 0, 1_000)


def keys(name: str, *messages: bytes) -> list[bytes | None]:
    return list(keyed(name, *messages).keys)


def test_the_routing_key_of_a_publish_is_its_key() -> None:
    found = keyed("routing-key", published(), published(routing_key=b"d2"), published(body=b""))
    assert found.keys == [b"sd1", b"sd2", b"sd1"]
    assert found.tombstones == [False, False, True]
    assert found.counts == [1, 1, 1]


@pytest.mark.parametrize("name", ["device", "x-device"])
def test_a_header_is_a_key_whether_it_is_a_property_or_an_annotation(name: str) -> None:
    messages = [published({"other": 1, name: "d1"}), published({"other": "d1"}), published()]
    assert keys(name, *messages) == [b"sd1", None, None]


def test_a_stream_client_names_an_application_property() -> None:
    message = AMQPMessage(
        body=b"21.5",
        properties=Properties(message_id="d9"),
        application_properties={"device": "d1", "number": 5},
    )
    assert keys("device", bytes(message)) == keys("device", published({"device": "d1"}))
    assert keys("number", bytes(message)) == keys("number", published({"number": 5})) == [b"i5"]
    assert keys("message-id", bytes(message)) == [None]
    assert keys("routing-key", bytes(message)) == [None]


def test_a_number_is_the_same_key_in_each_type() -> None:
    messages = [published({"n": fields.Typed(kind, 5)}) for kind in "bBsuIil"]
    assert set(keys("n", *messages)) == {b"i5"}
    assert keys("n", published({"n": -5})) == [b"i-5"]
    assert keys("n", published({"n": "5"})) == [b"s5"]
    assert keys("n", published({"n": None})) == [None]
    assert keys("n", published({"n": True})) != keys("n", published({"n": False}))


def test_a_long_key_is_told_by_a_hash() -> None:
    longest = "k" * (KEY_BYTES_MAX - 2)
    assert keys("k", published({"k": longest})) == [b"s" + longest.encode()]
    one, other = keys("k", published({"k": "a" * 65_536}), published({"k": "a" * 65_535 + "b"}))
    assert one is not None
    assert other is not None
    assert one != other
    assert len(one) == len(other) == KEY_BYTES_MAX


def test_a_message_without_a_body_is_a_tombstone() -> None:
    bodies = {
        b"": True,
        b"\0\x53\x75\xa0\x00": True,
        b"\0\x53\x75\xa0\x00\0\x53\x75\xa0\x01a": False,
        b"\0\x53\x77\x40": True,
        b"\0\x53\x77\xa1\x00": False,
        b"\0\x53\x76\x45": False,
    }
    head = b"\0\x53\x74\xc1\x07\x02\xa1\x01k\xa1\x01v"
    found = keyed("k", *[head + body for body in bodies])
    assert found.keys == [b"sv"] * len(bodies)
    assert found.tombstones == list(bodies.values())


def test_filter_values_are_found() -> None:
    message = published({"x-stream-filter-value": "eu", "k": 1})
    assert keyed("k", message, published()).filter_values == [b"eu", b""]


def test_messages_of_a_sub_batch_have_keys_unless_it_is_compressed() -> None:
    batch = [published({"k": 1}), published({"k": 2}, body=b"")]
    data = sub_batch(batch) + sub_batch(batch, compression=1) + sub_batch(batch, count=3)
    found = find_keys(b"k", data, 0, 10)
    assert found.counts == [2, 2, 3]
    assert found.keys == [b"i1", b"i2", None, None, b"i1", b"i2", None]
    assert found.tombstones == [False, True, False, False, False, True, False]
    assert found.stops[-1] == len(data)


def test_entries_are_found_piece_by_piece() -> None:
    data = b"".join(framed(published({"k": number})) for number in range(10))
    whole = find_keys(b"k", data, 0, 100)
    found: list[bytes | None] = []
    position = 0
    while position < len(data):
        piece = find_keys(b"k", data, position, 3)
        found += piece.keys
        position = piece.stops[-1]
    assert found == whole.keys


@given(st.lists(st.binary(max_size=40)))
def test_what_is_no_message_has_no_key(messages: list[bytes]) -> None:
    data = b"".join(map(framed, messages))
    found = find_keys(b"k", data, 0, 1_000)
    assert len(found.stops) == len(found.keys) == len(messages)


@given(st.binary(max_size=80), st.data())
def test_no_octets_raise_an_error(octets: bytes, data: st.DataObject) -> None:
    message = bytearray(published({"k": "v", "x-stream-filter-value": "eu"}))
    at = data.draw(st.integers(0, len(message)))
    message[at : at + len(octets)] = octets
    for entries in (octets, framed(bytes(message)), sub_batch([bytes(message)])):
        position = 0
        while position < len(entries):
            found = find_keys(b"k", entries, position, 2)
            assert len(found.keys) == len(found.tombstones) == len(found.filter_values)
            assert sum(found.counts) == len(found.keys)
            assert found.stops[-1] > position
            position = found.stops[-1]
    assert read_messages(framed(bytes(message)), 0, 0, b"q", EVERYTHING).next_offset == 1
