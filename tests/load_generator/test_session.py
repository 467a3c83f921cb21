"""URIs name an endpoint; sessions log in there and tell what refuses them."""

import socket
import struct

import pytest

from load_generator import session as session_module
from load_generator import wire
from load_generator.session import Endpoint, Session, wait_in_kernel
from load_generator.tls import TlsOptions
from load_generator.wire import BrokerRefusalError, LoadError
from tests.support.scripted_broker import ScriptedBroker


def test_what_is_left_out_is_rabbitmqs_default() -> None:
    assert Endpoint.parse("amqp://localhost") == Endpoint("localhost", 5672, "guest", "guest", "/")


def test_user_password_and_vhost_are_unquoted() -> None:
    endpoint = Endpoint.parse("amqp://a%40b:p%2Fw@127.0.0.1:5680/%2Ftest")
    assert endpoint == Endpoint("127.0.0.1", 5680, "a@b", "p/w", "/test")


@pytest.mark.parametrize("uri", ["http://localhost", "localhost:5672", "amqp://localhost:port"])
def test_what_is_no_amqp_uri_is_refused(uri: str) -> None:
    with pytest.raises(LoadError, match="localhost"):
        Endpoint.parse(uri)


def test_streams_have_schemes_and_ports_of_their_own() -> None:
    plain = Endpoint.parse("rabbitmq-stream://localhost")
    assert (plain.port, plain.tls, plain.speaks_streams) == (5552, None, True)
    over_tls = Endpoint.parse("rabbitmq-stream+tls://localhost")
    assert (over_tls.port, over_tls.tls, over_tls.speaks_streams) == (5551, TlsOptions(), True)


def test_amqps_is_with_tls_on_a_port_of_its_own() -> None:
    ours = Endpoint("localhost", 5671, "guest", "guest", "/", TlsOptions())
    assert Endpoint.parse("amqps://localhost") == ours
    insecure = TlsOptions(verifies=False)
    assert Endpoint.parse("amqps://localhost:1", insecure).tls == insecure
    with pytest.raises(LoadError, match="go with an amqps:// URI"):
        Endpoint.parse("amqp://localhost", insecure)


def test_an_alarm_is_heard_between_the_replies(broker: ScriptedBroker) -> None:
    blocked = wire.method(0, wire.CONNECTION_BLOCKED, wire.shortstr("low on memory"))
    broker.log_in(blocked, wire.method(1, wire.CONFIRM_SELECT_OK))
    with Session(broker.endpoint, hears_of_alarms=True) as session:
        session.call(wire.method(1, wire.CONFIRM_SELECT, b"\x00"), wire.CONFIRM_SELECT_OK)
        assert session.is_blocked


def close(channel: int, code: int, text: str) -> bytes:
    method = wire.CHANNEL_CLOSE if channel else wire.CONNECTION_CLOSE
    return wire.method(channel, method, struct.pack(">H", code) + wire.shortstr(text) + bytes(4))


def test_a_session_logs_in_and_opens_a_channel(broker: ScriptedBroker) -> None:
    broker.log_in()
    with Session(broker.endpoint):
        assert broker.methods_heard() == [
            wire.CONNECTION_START_OK,
            wire.CONNECTION_TUNE_OK,
            wire.CONNECTION_OPEN,
            wire.CHANNEL_OPEN,
        ]
    assert broker.methods_heard() == [wire.CONNECTION_CLOSE]


@pytest.mark.parametrize(("offered", "taken"), [(0, 131_072), (4_096, 4_096), (1 << 20, 131_072)])
def test_frames_are_as_large_as_both_sides_allow(
    broker: ScriptedBroker, offered: int, taken: int
) -> None:
    broker.frame_max_bytes = offered
    broker.log_in()
    with Session(broker.endpoint) as session:
        assert session.frame_max_bytes == taken
        tune_ok = broker.heard()[1]
    assert struct.unpack_from(">HI", tune_ok.payload, 4) == (2_047, taken)


def test_a_refused_login_is_told_in_the_brokers_words(broker: ScriptedBroker) -> None:
    start = wire.method(0, wire.CONNECTION_START, bytes(20))
    broker.say(start, close(0, 403, "ACCESS_REFUSED - no"))
    with pytest.raises(BrokerRefusalError, match="403 ACCESS_REFUSED - no"):
        Session(broker.endpoint)


def test_a_queue_that_is_missing_closes_a_channel_that_is_opened_again(
    broker: ScriptedBroker,
) -> None:
    declare_ok = wire.method(1, wire.QUEUE_DECLARE_OK, wire.shortstr("q") + bytes(8))
    reopened = wire.method(1, wire.CHANNEL_OPEN_OK, bytes(4))
    broker.log_in(close(1, 404, "NOT_FOUND"), reopened, declare_ok)
    with Session(broker.endpoint) as session:
        assert not session.has_queue("gone")
        assert session.has_queue("q")
        assert broker.methods_heard()[4:] == [
            wire.QUEUE_DECLARE,
            wire.CHANNEL_CLOSE_OK,
            wire.CHANNEL_OPEN,
            wire.QUEUE_DECLARE,
        ]


def test_a_queue_that_may_not_be_seen_is_told_of(broker: ScriptedBroker) -> None:
    broker.log_in(close(1, 405, "RESOURCE_LOCKED"))
    with Session(broker.endpoint) as session, pytest.raises(BrokerRefusalError, match="405"):
        session.has_queue("theirs")


def test_what_comes_behind_a_reply_is_handed_over(broker: ScriptedBroker) -> None:
    consume_ok = wire.method(1, wire.BASIC_CONSUME_OK, wire.shortstr("c"))
    broker.log_in(consume_ok, b"and more")
    with Session(broker.endpoint) as session:
        session.call(wire.consume(1, "q", "c", no_ack=True), wire.BASIC_CONSUME_OK)
        assert session.take_rest() == b"and more"
        assert session.take_rest() == b""


def test_silence_is_not_waited_for_for_ever(
    broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "TIMEOUT_S", 0.001)
    broker.say(wire.method(0, wire.CONNECTION_START, bytes(20)))
    with pytest.raises(TimeoutError, match="sent nothing"):
        Session(broker.endpoint)


def test_a_reply_larger_than_a_frame_may_be_is_not_read(broker: ScriptedBroker) -> None:
    broker.say(b"HTTP/1.1 400 Bad Request")
    with pytest.raises(BrokerRefusalError, match="no AMQP"):
        Session(broker.endpoint)


def test_a_broker_that_ends_a_login_is_told_of(broker: ScriptedBroker) -> None:
    broker.say(b"AMQP")
    broker.ends_after_script = True
    with pytest.raises(BrokerRefusalError, match="ended the connection"):
        Session(broker.endpoint)


def test_a_socket_that_waits_in_the_kernel_says_when_nothing_came() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wait_in_kernel(ours, 0.001, 0.001)
        with pytest.raises(BlockingIOError):
            ours.recv(1)
        with pytest.raises(BlockingIOError):
            ours.sendall(bytes(1 << 24))
