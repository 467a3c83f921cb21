"""A connection is set up step by step, and says why it was refused."""

import struct

import pytest

from load_generator.streams import commands
from load_generator.streams.session import StreamSession
from load_generator.wire import BrokerRefusalError
from tests.support.scripted_broker import ScriptedBroker
from tests.support.scripted_stream_broker import answer, chunk, log_in


def metadata(code: int) -> bytes:
    broker = struct.pack(">IH", 1, 0) + commands.string("host") + struct.pack(">I", 5552)
    stream = struct.pack(">I", 1) + commands.string("s") + struct.pack(">HHI", code, 0, 0)
    return commands.frame(
        commands.METADATA | commands.RESPONSE, struct.pack(">I", 1) + broker + stream
    )


def test_it_logs_in_and_keeps_what_comes_behind(broker: ScriptedBroker) -> None:
    broker.say(log_in(), chunk(0, 1))
    with StreamSession(broker.endpoint) as session:
        assert session.frame_max_bytes == 1 << 20
        assert session.read_frame().key == commands.DELIVER
        assert session.take_rest() == b""
    assert b"\0guest\0guest" in broker.read()


def test_a_refused_login_says_its_code(broker: ScriptedBroker) -> None:
    broker.say(
        answer(commands.PEER_PROPERTIES, bytes(4)),
        answer(commands.SASL_HANDSHAKE, commands.strings(["PLAIN"])),
        answer(commands.SASL_AUTHENTICATE, code=8),
    )
    with pytest.raises(BrokerRefusalError, match="0x13: code 8"):
        StreamSession(broker.endpoint)


def test_another_protocol_is_told(broker: ScriptedBroker) -> None:
    broker.say(b"AMQP\x00\x00\x09\x01")
    with pytest.raises(BrokerRefusalError, match="no stream protocol"):
        StreamSession(broker.endpoint)


def test_a_stream_exists_or_does_not(broker: ScriptedBroker) -> None:
    broker.say(log_in(), metadata(commands.OK), metadata(commands.STREAM_MISSING))
    with StreamSession(broker.endpoint) as session:
        assert session.has_stream("s")
        assert not session.has_stream("s")
