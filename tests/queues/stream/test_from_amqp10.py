import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import fields
from conformance.fields import Typed
from persistence.record import NO_TTL, PERSISTENT, Record
from queues.stream.amqp10 import MalformedMessageError
from queues.stream.from_amqp10 import from_amqp10, read_messages
from queues.stream.to_amqp10 import append_messages, to_amqp10
from tests.support.memory_runs import in_memory
from tests.support.property_lists import HEADERS, PROPERTY_LISTS, in_order
from tests.support.stream_messages import (
    EVERYTHING,
    framed,
    known_answers,
    properties_of,
    read_one,
    record_of,
    sub_batch,
)

DATA = b"\x00\x53\x75\xa0\x02hi"
BYTES_OF_300 = Typed("x", b"b" * 300)
URN = "urn:uuid:00010203-0405-0607-0809-0a0b0c0d0e0f"

OF_3_13: dict[str, dict[str, Any]] = {
    "data twice": {"body": b"hihi"},
    "message-id ulong": {"message_id": "18446744073709551615"},
    "message-id ulong small": {"message_id": "7"},
    "message-id ulong 0": {"message_id": "0"},
    "message-id uuid": {"message_id": URN},
    "message-id binary": {"headers": {"x-message-id": Typed("x", b"\0\xff")}},
    "message-id binary of 300": {"headers": {"x-message-id": BYTES_OF_300}},
    "correlation-id ulong": {"correlation_id": "18446744073709551615"},
    "correlation-id ulong small": {"correlation_id": "7"},
    "correlation-id ulong 0": {"correlation_id": "0"},
    "correlation-id uuid": {"correlation_id": URN},
    "correlation-id binary": {"headers": {"x-correlation-id": Typed("x", b"\0\xff")}},
    "correlation-id binary of 300": {"headers": {"x-correlation-id": BYTES_OF_300}},
    "group-id": {"app_id": "group-id"},
    "user-id not UTF-8": {},
    "annotation x-cc": {"headers": {"CC": Typed("A", [Typed("S", "a")])}},
    "annotation x-stream-offset": {},
    "annotation of another name": {"headers": {"k": Typed("S", "v")}},
    "basic annotations": {
        "delivery_mode": 2,
        "priority": 5,
        "expiration": "500",
        "type": "tt",
    },
    "basic properties of 3.10": {
        "headers": {"x-basic-type": Typed("S", "tt"), "x-basic-app-id": Typed("S", "aa")}
    },
}
"""Where RabbitMQ since 3.13 differs from 3.10, as its source says; ours is 3.13's.

Where its revisions differ, ours is the one that loses least: several data sections are joined, a
binary id stays binary, and each annotation is a header, which 3.10 leaves out.
"""

NOT_OF_RABBITMQ: dict[str, dict[str, Any]] = {
    "value string": {"type": "amqp-1.0", "body": b"\x00\x53\x77\xa1\x01v"},
    "value binary": {"type": "amqp-1.0", "body": b"\x00\x53\x77\xa0\x01v"},
    "value null": {"type": "amqp-1.0", "body": b"\x00\x53\x77\x40"},
    "no octets": {"body": b""},
    "plain octets": {"body": b"hello"},
    "no body": {"message_id": "m", "type": "amqp-1.0", "body": b""},
    "octets behind data": {"body": DATA + b"zz"},
    "footer": {},
    "delivery annotations": {},
    "delivery annotations last": {},
    "header durable": {"delivery_mode": 2},
    "header not durable": {"delivery_mode": 1},
    "header every field": {"delivery_mode": 2, "priority": 5, "expiration": "60000"},
    "header empty": {},
    "header without durable": {"priority": 5},
    "reply-to of 300": {},
    "property ulong": {"headers": {"k": Typed("l", -1)}},
    "property ulong small": {"headers": {"k": Typed("l", 5)}},
    "property ulong 0": {"headers": {"k": Typed("l", 0)}},
    "property decimal32": {},
    "property decimal64": {},
    "property decimal128": {},
    "property char": {"headers": {"k": Typed("S", "A")}},
    "property uuid": {"headers": {"k": Typed("S", URN)}},
    "property symbol": {"headers": {"k": Typed("S", "v")}},
    "property list empty": {"headers": {"k": Typed("A", [])}},
    "property list": {"headers": {"k": Typed("A", [Typed("S", "a"), Typed("I", 5)])}},
    "property map": {"headers": {"k": Typed("F", {"a": Typed("I", 5)})}},
    "property array": {"headers": {"k": Typed("A", [Typed("b", 1), Typed("b", 2)])}},
    "property described": {"headers": {"k": Typed("S", "v")}},
    "property key of 300": {},
    "annotation described": {"headers": {"x-k": Typed("S", "v")}},
    "annotation key ulong": {},
    "annotation key string": {"headers": {"x-k": Typed("S", "v")}},
}
"""What we give where RabbitMQ 3.10 closed the connection: 3.13's, or the nearest that there is."""

OPAQUE = {
    "data and value",
    "value and data",
    "value twice",
    "data string",
    "section of no kind",
    "fourteen properties",
    "property without value",
}
"""What is no message, so that the body is the octets as they stand."""


def all_of(record: Record) -> dict[str, Any]:
    """Return properties and body of a record; the offset is none of its headers here."""
    told = properties_of(record)
    headers = told["headers"]
    del headers["x-stream-offset"]
    if not headers:
        del told["headers"]
    return {**told, "body": record.body}


@pytest.mark.parametrize("answer", known_answers("stored"), ids=lambda answer: str(answer["name"]))
def test_an_amqp_client_reads_what_rabbitmq_gives_it(answer: dict[str, Any]) -> None:
    message = bytes.fromhex(answer["message"])
    name = answer["name"]
    found = all_of(read_one(message))
    if name in OPAQUE:
        assert found == {"body": message}
        return
    if name in OF_3_13 or name in NOT_OF_RABBITMQ or "closed" in answer:
        expected = {"body": b"hi", **{**OF_3_13, **NOT_OF_RABBITMQ}.get(name, {})}
        if name.startswith("sequence"):
            expected = {"type": "amqp-1.0", "body": message}
        elif name == "property double not a number":
            assert str(found.pop("headers")["k"].value) == "nan"
        assert found == expected
        return
    expected = fields.read_properties(bytes.fromhex(answer["properties"]))
    del expected["headers"]["x-stream-offset"]
    if name.startswith("annotation "):
        same = f"property {name.removeprefix('annotation ')}"
        found["headers"] = {"k": found["headers"].pop("x-k")} if "headers" in found else {}
        assert str(found["headers"]) == str(all_of(read_one(property_of(same))).get("headers", {}))
        return
    if not expected["headers"]:
        del expected["headers"]
    assert found == {**expected, "body": bytes.fromhex(answer["body"])}


def property_of(name: str) -> bytes:
    (answer,) = [answer for answer in known_answers("stored") if answer["name"] == name]
    return bytes.fromhex(answer["message"])


@pytest.mark.parametrize(
    "answer", known_answers("published"), ids=lambda answer: str(answer["name"])
)
def test_what_an_amqp_client_publishes_comes_back(answer: dict[str, Any]) -> None:
    properties, body = bytes.fromhex(answer["properties"]), bytes.fromhex(answer["body"])
    told = from_amqp10(to_amqp10(b"ex", b"key", properties, body))
    assert told == (b"ex", b"key", in_order(properties), body)


@given(st.binary(max_size=255), st.binary(max_size=255), PROPERTY_LISTS, st.binary(max_size=300))
def test_every_message_comes_back(
    exchange: bytes, routing_key: bytes, properties: bytes, body: bytes
) -> None:
    told = from_amqp10(to_amqp10(exchange, routing_key, properties, body))
    assert told == (exchange, routing_key, in_order(properties), body)


@given(HEADERS)
def test_every_header_comes_back_beside_the_offset(table: bytes) -> None:
    data = bytearray()
    append_messages(data, [record_of(fields.properties(headers=table), b"x")])
    (record,) = read_messages(bytes(data), 0, 77, b"q", EVERYTHING).run
    offset = fields.elements({"x-stream-offset": Typed("l", 77)})
    expected = in_order(fields.properties(headers=table))[6:]
    assert record.header[18:] == offset + expected


def test_a_message_without_a_route_is_of_the_queue() -> None:
    assert read_one(DATA).route == b"\x00\x09the.queue"
    assert from_amqp10(DATA)[:2] == (None, None)


@pytest.mark.parametrize(
    ("properties", "flags", "priority"),
    [
        (fields.properties(), 0, 0),
        (fields.properties(delivery_mode=2), PERSISTENT, 0),
        (fields.properties(delivery_mode=1), 0, 0),
        (fields.properties(priority=5), 0, 5),
        (fields.properties(content_type="a/b", delivery_mode=2, priority=9), PERSISTENT, 9),
        (fields.properties(content_encoding="gzip", priority=9, expiration="5"), 0, 9),
    ],
)
def test_what_a_queue_needs_of_a_record_is_told(
    properties: bytes, flags: int, priority: int
) -> None:
    record = read_one(to_amqp10(b"", b"q", properties, b"x"), offset=5)
    assert record.flags & PERSISTENT == flags
    assert record.flags & 0xFFFC == int.from_bytes(properties[:2]) | 1 << 13
    assert record.priority == priority
    assert record.ttl_ms == NO_TTL, "a stream keeps what has expired"
    assert properties_of(record)["headers"] == {"x-stream-offset": Typed("l", 5)}


@pytest.mark.parametrize(
    ("messages", "offsets"),
    [
        ([], []),
        ([framed(DATA), framed(b"plain"), framed(b"")], [10, 11, 12]),
        ([sub_batch([DATA, DATA]), framed(DATA)], [10, 11, 12]),
        ([sub_batch([DATA, DATA], compression=1), framed(DATA)], [12]),
        ([framed(DATA), sub_batch([b"zip"] * 3, compression=4), framed(DATA)], [10, 14]),
        ([sub_batch([DATA], count=5), framed(DATA)], [10, 15]),
        ([sub_batch([DATA, DATA, DATA], count=1), framed(DATA)], [10, 11]),
        ([sub_batch([sub_batch([DATA])]), framed(DATA)], [10, 11]),
    ],
)
def test_data_sections_have_their_offsets(messages: list[bytes], offsets: list[int]) -> None:
    data = b"".join(messages)
    read = read_messages(data, 0, 10, b"q", EVERYTHING)
    assert list(read.offsets) == offsets
    told = [properties_of(record)["headers"]["x-stream-offset"].value for record in read.run]
    assert told == offsets
    assert read.position == len(data)


def test_a_reader_goes_on_where_it_stopped() -> None:
    data = b"".join([framed(DATA), sub_batch([DATA] * 3), framed(DATA), framed(b"plain")])
    position, offset = 0, 100
    seen: list[int] = []
    while position < len(data):
        read = read_messages(data, position, offset, b"q", EVERYTHING._replace(count_max=1))
        assert len(read.run) in {1, 3}
        seen += read.offsets
        position, offset = read.position, read.next_offset
    assert seen == list(range(100, 106))
    assert offset == 106
    few = EVERYTHING._replace(bytes_max=1)
    assert len(read_messages(data, 0, 100, b"q", few).run) == 1
    assert len(read_messages(data, 0, 100, b"q", EVERYTHING._replace(count_max=0)).run) == 0


def test_a_reader_begins_within_a_chunk() -> None:
    data = b"".join([framed(DATA), sub_batch([DATA] * 3), framed(DATA)])
    read = read_messages(data, 0, 100, b"q", EVERYTHING._replace(from_offset=102))
    assert list(read.offsets) == [102, 103, 104]
    assert [properties_of(record)["headers"]["x-stream-offset"].value for record in read.run] == [
        102,
        103,
        104,
    ]


def test_a_reader_has_what_it_filters_for() -> None:
    values = ["eu", "us", None, "eu"]
    data = bytearray()
    for value in values:
        headers = {} if value is None else {"x-stream-filter-value": value}
        append_messages(data, [record_of(fields.properties(headers=headers), b"x")])
    data += framed(b"plain")

    def offsets(*wanted: bytes) -> list[int]:
        filtered = EVERYTHING._replace(filter_values=frozenset(wanted))
        return list(read_messages(bytes(data), 0, 0, b"q", filtered).offsets)

    assert offsets(b"eu") == [0, 3]
    assert offsets(b"eu", b"us") == [0, 1, 3]
    assert offsets(b"") == [2, 4]
    assert offsets() == []


@pytest.mark.parametrize(
    "data",
    [
        framed(DATA)[:-1],
        b"\x00\x00",
        b"\x7f\xff\xff\xff",
        sub_batch([DATA])[:-1],
        b"\x80\x00\x01\x00\x00\x00\x00\x00\x00\x00",
        b"\x80\x00\x01\x00\x00\x00\x00\xff\xff\xff\xff",
    ],
)
def test_data_sections_that_are_cut_short_are_said_to_be(data: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        read_messages(framed(DATA) + data, 0, 0, b"q", EVERYTHING)


def nested(depth: int) -> bytes:
    """Return lists of one item inside each other."""
    heads = [
        b"\xd0" + (4 + 9 * inside + 1).to_bytes(4) + b"\x00\x00\x00\x01"
        for inside in reversed(range(depth))
    ]
    return b"".join(heads) + b"\x40"


def with_property(value: bytes) -> bytes:
    pair = b"\xa1\x01k" + value
    size = (len(pair) + 4).to_bytes(4)
    return b"\x00\x53\x74\xd1" + size + b"\x00\x00\x00\x02" + pair + DATA


@pytest.mark.parametrize("depth", [65, 5_000, 100_000])
def test_values_that_are_nested_too_deep_are_octets(depth: int) -> None:
    message = with_property(nested(depth))
    assert read_one(message).body == message
    assert read_one(with_property(nested(64))).body == b"hi"


@pytest.mark.parametrize("constructor", [0x40, 0x41, 0x43, 0x44, 0x45])
def test_an_array_whose_items_take_no_octets_is_left_out(constructor: int) -> None:
    array = b"\xf0\x00\x00\x00\x05\xff\xff\xff\xff" + bytes((constructor,))
    assert all_of(read_one(with_property(array))) == {"body": b"hi"}


@pytest.mark.parametrize(
    "value",
    [
        b"\xf0\x00\x00\x00\x06\xff\xff\xff\xff\x51\x01",
        b"\xd0\x00\x00\x00\x05\xff\xff\xff\xff\x40",
        b"\xd1\x00\x00\x00\x06\xff\xff\xff\xff\x40\x40",
        b"\xc0\x00",
        b"\xd0\x00\x00\x00\x00",
        b"\xe0\x01\x00",
        b"\xc0\x02\x00\x40",
        b"\xa1\xff",
        b"\x00" * 50,
        b"\x00" * 50_000 + b"\x40" * 49_000,
        b"\x3f",
    ],
)
def test_sizes_and_counts_of_values_are_not_believed(value: bytes) -> None:
    message = with_property(value)
    assert read_one(message).body == message


def test_descriptors_of_descriptors_are_walked() -> None:
    value = b"\x00" * 50_000 + b"\x40" * 50_000 + b"\xa1\x01v"
    assert all_of(read_one(with_property(value)))["headers"] == {"k": Typed("S", "v")}


@pytest.mark.parametrize("item", [b"\x44", b"\x45", b"\x53\x01", b"\x40", b"\xa1\x00"])
def test_a_header_grows_to_a_small_multiple_of_its_message(item: bytes) -> None:
    count = 20_000
    items = item * count
    value = b"\xd0" + (len(items) + 4).to_bytes(4) + count.to_bytes(4) + items
    message = with_property(value)
    assert len(read_one(message).header) <= 9 * len(message) + 100


def test_kept_headers_that_are_no_fields_are_not_believed() -> None:
    for kept in (
        b"\x01",
        b"\x01k",
        b"\x01k?",
        b"\x01kS\x00\x00\x00\x09a",
        b"\x01kF\x00\x00\x00\x01\x09",
    ):
        annotation = b"\xa3\x14x-amqp-0.9.1-headers\xa0" + bytes((len(kept),)) + kept
        size = bytes((len(annotation) + 1, 2))
        message = b"\x00\x53\x72\xc1" + size + annotation + DATA
        assert all_of(read_one(message)) == {"body": b"hi"}


@given(st.lists(st.tuples(PROPERTY_LISTS, st.binary(max_size=20)), max_size=8), st.integers(0, 7))
def test_a_run_comes_back_as_each_of_its_messages_does(
    given_: list[tuple[bytes, bytes]], repeated: int
) -> None:
    records = [record_of(*one) for one in given_]
    records += records[:1] * repeated
    data = bytearray()
    append_messages(data, in_memory(records) if records else records)
    read = read_messages(bytes(data), 0, 3, b"q", EVERYTHING)
    assert list(read.offsets) == list(range(3, 3 + len(records)))
    for record, offset, original in zip(read.run, itertools.count(3), records, strict=False):
        message = to_amqp10(b"ex", b"key", original.header[12:], original.body)
        assert record == read_one(message, offset)
        assert record.body == original.body
