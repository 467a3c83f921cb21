"""Frames and content of another broker, which may send anything."""

import pytest
from pamqp import commands

from amqp_server.shovels.errors import RemoteError
from amqp_server.shovels.incoming import Delivery, Incoming, Received, Unroutable
from amqp_server.wire.methods import encode_method
from tests.support.frames import BODY, HEADER, content_header, frame

DELIVER = encode_method(1, commands.Basic.Deliver("tag", 7, False, "ex", "key"))
RETURN = encode_method(1, commands.Basic.Return(312, "NO_ROUTE", "ex", "key"))


def content(body: bytes) -> bytes:
    return frame(HEADER, 1, content_header(len(body), b"\0\0")) + frame(BODY, 1, body)


def test_it_is_the_same_wherever_it_is_cut() -> None:
    octets = (
        DELIVER
        + content(b"body")
        + encode_method(1, commands.Basic.Ack(3))
        + RETURN
        + content(b"x")
    )
    whole = list(Incoming().feed(octets))
    assert [type(event) for event in whole] == [Delivery, Received, Unroutable]
    incoming = Incoming()
    found = [event for octet in octets for event in incoming.feed(bytes([octet]))]
    assert found[0] == whole[0] == Delivery(7, "ex", "key", content_header(4, b"\0\0"), b"body")
    assert [type(event) for event in found] == [type(event) for event in whole]


def test_an_empty_body_has_no_frame() -> None:
    octets = DELIVER + frame(HEADER, 1, content_header(0, b"\0\0"))
    (delivery,) = Incoming().feed(octets)
    assert isinstance(delivery, Delivery)
    assert delivery.body == b""


def test_heartbeats_mean_nothing() -> None:
    assert list(Incoming().feed(frame(8, 0, b""))) == []


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"AMQP\x00\x01\x00\x00", "the other broker speaks another version of AMQP"),
        (b"\x01\x00\x01\x7f\xff\xff\xff", "the other broker sent a frame of 2147483647 octets"),
        (b"\x08\x00\x00\x00\x00\x00\x00\xcd", "the other broker sent a frame without its end"),
        (frame(BODY, 1, b"x"), "the other broker sent content that belongs to nothing"),
        (DELIVER + frame(BODY, 1, b"x"), "the other broker sent content that belongs to nothing"),
        (
            DELIVER + frame(HEADER, 1, content_header(1, b"\0\0")) + frame(BODY, 1, b"xx"),
            "the other broker sent more content than it said",
        ),
        (
            DELIVER + frame(HEADER, 1, content_header(1 << 40, b"\0\0")),
            "the other broker sends 1099511627776 octets at once",
        ),
        (
            DELIVER + frame(HEADER, 1, b"x"),
            "the other broker sent a content header that is cut short",
        ),
    ],
)
def test_what_no_broker_may_send(octets: bytes, text: str) -> None:
    with pytest.raises(RemoteError) as refused:
        list(Incoming().feed(octets))
    assert str(refused.value) == text
