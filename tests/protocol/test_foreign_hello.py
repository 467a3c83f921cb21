"""Who comes to the wrong port is told apart, in the log; what they are answered is RabbitMQ's."""

import logging

import pytest

from amqp_server.protocol.foreign_hello import described
from tests.support.frames import PROTOCOL_HEADER
from tests.support.peer import Node

HELLOS = [
    (b"\x16\x03\x01\x02\x00\x01\x00\x01", "a TLS hello on a port without TLS"),
    (b"GET / HT", "an HTTP GET on the AMQP port"),
    (b"OPTIONS ", "an HTTP OPTIONS on the AMQP port"),
    (b"PRI * HT", "an HTTP/2 request on the AMQP port"),
    (b"AMQP\x00\x01\x00\x00", "AMQP 1.0"),
    (b"AMQP\x03\x01\x00\x00", "AMQP 1.0"),
    (b"AMQP\x01\x01\x08\x00", "another version of AMQP"),
    (b"PROXY TC", "a PROXY header on a listener without proxy_protocol"),
    (b"\r\n\r\n\x00\r\nQ", "a PROXY header on a listener without proxy_protocol"),
    (b"\x10\x0c\x00\x04MQTT", "MQTT on the AMQP port"),
    (b"SSH-2.0-", "something that is not AMQP"),
    (b"GETAWAY!", "something that is not AMQP"),
    (bytes(8), "something that is not AMQP"),
]


@pytest.mark.parametrize(("header", "words"), HELLOS)
def test_a_hello_is_said_in_words(header: bytes, words: str) -> None:
    assert described(header).startswith(words)


@pytest.mark.parametrize(("header", "words"), HELLOS)
def test_the_log_has_the_words_and_the_peer_gets_the_header(
    header: bytes, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    peer = Node().connect()
    with caplog.at_level(logging.INFO):
        peer.send_bytes(header + b" more of it\r\n")
    assert peer.connection.data_to_send() == [PROTOCOL_HEADER]
    assert peer.is_closed()
    (line,) = caplog.messages
    assert line.startswith("not AMQP 0-9-1 peer=127.0.0.1:50000 -> 127.0.0.1:5672 ")
    assert words in line
    assert line.isprintable()
