"""The rendered bytes are AMQP as an independent codec reads it."""

import struct
from typing import Any

import pytest
from pamqp import frame

from load_generator import wire
from load_generator.wire import BrokerRefusalError, FieldValue, LoadError


def decode(octets: bytes) -> list[Any]:
    """Decode every frame with pamqp."""
    decoded: list[Any] = []
    while octets:
        byte_count, _channel, value = frame.unmarshal(octets)
        decoded.append(value)
        octets = octets[byte_count:]
    return decoded


def test_a_publish_is_read_back_by_another_codec() -> None:
    properties = wire.properties({"kind": "test"}, reply_to="here")

    method, head, body = decode(wire.publish("orders", "new", properties, b"body"))

    assert method.name == "Basic.Publish"
    assert (method.exchange, method.routing_key) == ("orders", "new")
    assert head.body_size == 4
    assert head.properties.headers == {"kind": "test"}
    assert head.properties.delivery_mode == 1
    assert head.properties.reply_to == "here"
    assert bytes(body.value) == b"body"


def test_persistent_and_mandatory_are_read_back_by_another_codec() -> None:
    properties = wire.properties(persistent=True, reply_to="here", priority=7)
    method, head, _body = decode(wire.publish("", "q", properties, b"body", mandatory=True))
    assert (method.mandatory, head.properties.delivery_mode) == (True, 2)
    assert (head.properties.priority, head.properties.reply_to) == (7, "here")


def test_fields_keep_their_types() -> None:
    arguments: dict[str, FieldValue] = {
        "x-max-length": -1,
        "x-single-active-consumer": True,
        "x-queue-type": "quorum",
    }
    (method,) = decode(wire.queue_declare(1, "q", arguments, durable=True))
    assert method.arguments == arguments
    assert method.arguments["x-single-active-consumer"] is True
    assert (method.durable, method.passive, method.auto_delete) == (True, False, False)


def test_flags_are_read_back_by_another_codec() -> None:
    (passive,) = decode(wire.queue_declare(1, "q", passive=True))
    assert (passive.durable, passive.passive) == (False, True)
    (exchange,) = decode(wire.exchange_declare(1, "e", "topic", durable=True))
    assert (exchange.durable, exchange.auto_delete, exchange.passive) == (True, False, False)


def test_a_key_longer_than_a_shortstr_is_refused() -> None:
    with pytest.raises(LoadError, match="256 bytes"):
        wire.publish("", "é" * 128, wire.properties(), b"")


def test_a_body_is_cut_where_the_broker_asked_for_it() -> None:
    octets = wire.publish("", "q", wire.properties(), b"x" * 9_000, frame_max_bytes=4_096)
    frames, _ = wire.split_frames(octets, 0, len(octets))
    assert [len(part.payload) for part in frames[2:]] == [4_088, 4_088, 824]


def test_a_long_body_is_cut_at_frame_max() -> None:
    octets = wire.publish("", "q", wire.properties(), b"x" * 200_000)

    frames, stop = wire.split_frames(octets, 0, len(octets))

    assert stop == len(octets)
    largest = max(len(received.payload) + wire.FRAME_OVERHEAD_BYTES for received in frames)
    assert largest == wire.FRAME_MAX_BYTES
    assert sum(len(part.payload) for part in frames if part.kind == wire.FRAME_BODY) == 200_000


def test_the_login_is_read_back_by_another_codec() -> None:
    (method,) = decode(wire.start_ok("guest", "secret"))

    assert method.name == "Connection.StartOk"
    assert method.response == "\0guest\0secret"
    assert method.client_properties["capabilities"]["publisher_confirms"] is True


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (wire.exchange_declare(1, "e", "topic"), "Exchange.Declare"),
        (wire.exchange_delete(1, "e"), "Exchange.Delete"),
        (wire.queue_declare(1, "q"), "Queue.Declare"),
        (wire.queue_bind(1, "q", "e", "k"), "Queue.Bind"),
        (wire.queue_delete(1, "q"), "Queue.Delete"),
        (wire.qos(1, 10), "Basic.Qos"),
        (wire.consume(1, "q", "c", no_ack=True), "Basic.Consume"),
        (wire.ack(7, multiple=True), "Basic.Ack"),
        (wire.tune_ok(2047, 131_072), "Connection.TuneOk"),
    ],
)
def test_every_method_is_read_back_by_another_codec(octets: bytes, name: str) -> None:
    (method,) = decode(octets)
    assert method.name == name


def test_frames_are_split_wherever_the_read_ended() -> None:
    octets = wire.ack(1, multiple=False) + wire.ack(2, multiple=True)

    for cut in range(len(octets)):
        frames, stop = wire.split_frames(octets, 0, cut)
        assert len(frames) == cut // wire.ACK_FRAME_BYTES
        assert stop == len(frames) * wire.ACK_FRAME_BYTES


def test_a_wrong_frame_end_is_told() -> None:
    with pytest.raises(BrokerRefusalError, match="0x00"):
        wire.split_frames(wire.ack(1, multiple=False)[:-1] + b"\x00", 0, 21)


def test_a_refusal_gives_the_brokers_own_words() -> None:
    arguments = struct.pack(">H", 404) + wire.shortstr("NOT_FOUND - no queue") + bytes(4)
    octets = wire.method(1, wire.CHANNEL_CLOSE, arguments)

    (received,), _ = wire.split_frames(octets, 0, len(octets))

    assert "404 NOT_FOUND - no queue" in str(wire.refusal(received))


def test_alarms_are_heard_of_only_where_that_was_asked_for() -> None:
    assert b"connection.blocked" not in wire.start_ok("guest", "secret")
    assert b"connection.blocked" in wire.start_ok("guest", "secret", hears_of_alarms=True)
