"""What rstream makes of the octets, without a broker between: the codec of its AMQP messages."""

import uuid
from typing import Any

from rstream import AMQPMessage, amqp_decoder
from rstream._pyamqp.message import (  # type: ignore[attr-defined]
    Header,
    Properties,
)

from conformance import fields
from conformance.fields import Typed
from queues.stream.from_amqp10 import from_amqp10
from queues.stream.to_amqp10 import to_amqp10


def told(message: AMQPMessage) -> dict[str, Any]:
    """Return what an AMQP client gets of a message."""
    _, _, properties, body = from_amqp10(bytes(message))
    return {**fields.read_properties(properties), "body": body}


def test_rstream_reads_what_an_amqp_client_published() -> None:
    properties = fields.properties(
        content_type="application/json",
        delivery_mode=2,
        priority=4,
        correlation_id="c",
        message_id="urn:uuid:01234567-89ab-cdef-0123-456789abcdef",
        timestamp=1_700_000_000,
        type="reading",
        app_id="sensors",
        headers={"device": "d1", "x-site": ["a", 1], "table": {"lost": "never"}},
    )
    message = amqp_decoder(to_amqp10(b"readings", b"eu.d1", properties, b"21.5"))
    assert message.body == b"21.5"
    assert message.header.durable is True
    assert message.header.priority == 4
    assert message.properties.content_type == b"application/json"
    assert message.properties.correlation_id == b"c"
    assert message.properties.message_id == uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")
    assert message.properties.creation_time == 1_700_000_000_000
    assert message.properties.group_id == b"sensors"
    assert message.application_properties == {b"device": b"d1"}
    annotations = message.message_annotations
    assert annotations[b"x-exchange"] == b"readings"
    assert annotations[b"x-routing-key"] == b"eu.d1"
    assert annotations[b"x-basic-type"] == b"reading"
    assert annotations[b"x-site"] == [b"a", 1]
    assert b"lost" in annotations[b"x-amqp-0.9.1-headers"]


def test_an_amqp_client_reads_what_rstream_published() -> None:
    message = AMQPMessage(
        body=b"21.5",
        header=Header(durable=True, priority=7, ttl=60_000),
        properties=Properties(
            message_id="m",
            user_id=b"guest",
            correlation_id=uuid.UUID(int=1),
            content_type="text/plain",
            creation_time=1_700_000_000_123,
            group_id="sensors",
        ),
        application_properties={"device": "d1", "room": 7, "ok": True, "big": 2**40},
        message_annotations={b"x-site": b"a"},
    )
    assert told(message) == {
        "content_type": "text/plain",
        "headers": {
            "x-site": Typed("x", b"a"),
            "device": Typed("S", "d1"),
            "room": Typed("I", 7),
            "ok": Typed("t", True),
            "big": Typed("l", 2**40),
        },
        "delivery_mode": 2,
        "priority": 7,
        "correlation_id": "urn:uuid:00000000-0000-0000-0000-000000000001",
        "expiration": "60000",
        "message_id": "m",
        "timestamp": 1_700_000_000,
        "user_id": "guest",
        "app_id": "sensors",
        "body": b"21.5",
    }


def test_bodies_of_rstream_that_are_no_data_keep_their_octets() -> None:
    value = told(AMQPMessage(value="v"))
    assert value["type"] == "amqp-1.0"
    assert value["body"] == b"\x00\x53\x77\xa1\x01v"
    sequence = told(AMQPMessage(sequence=[[1, 2], [3]]))
    assert sequence["type"] == "amqp-1.0"
    assert sequence["body"].count(b"\x00\x53\x76") == 2
    assert amqp_decoder(sequence["body"]).sequence == [[1, 2], [3]]
    assert (
        amqp_decoder(to_amqp10(b"", b"", fields.properties(type="amqp-1.0"), value["body"])).value
        == b"v"
    )
