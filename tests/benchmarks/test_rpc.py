"""The server takes the reply address that the broker put in."""

import pytest

from amqp_server.perf import wire
from amqp_server.perf.wire import BrokerRefusalError
from benchmarks import rpc


def head_of(properties: bytes) -> bytes:
    octets = wire.publish("", "", properties, b"")
    frames, _ = wire.split_frames(octets, 0, len(octets))
    return frames[1].payload


def test_the_reply_address_is_read_from_the_content_header() -> None:
    address = "amq.rabbitmq.reply-to.g1h2.pid"
    assert rpc.reply_to(head_of(wire.properties(reply_to=address))) == address


def test_other_properties_than_were_sent_are_told() -> None:
    with pytest.raises(BrokerRefusalError, match="property flags"):
        rpc.reply_to(head_of(wire.properties({"added": "x"}, reply_to="a")))
