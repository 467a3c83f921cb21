"""AMQP 0-9-1 §4.2.6: content framing."""

import struct

from pamqp import commands

from tests.support.frames import BODY, HEADER, METHOD, content_header, frame, publish_payload
from tests.support.peer import Client

PUBLISH = frame(METHOD, 1, publish_payload())


def test_content_is_a_header_frame_and_any_number_of_body_frames(peer: Client) -> None:
    """A content always follows its method; a body may be split over any number of frames."""
    for bodies in ([], [b"abc"], [b"a", b"", b"bc"]):
        size = sum(map(len, bodies))
        frames = b"".join(frame(BODY, 1, body) for body in bodies)
        peer.send_bytes(PUBLISH + frame(HEADER, 1, content_header(size)) + frames)
        assert peer.get() == b"".join(bodies)


def test_frames_of_other_channels_may_come_between(peer: Client) -> None:
    """Content frames on a channel are in sequence; those of different channels may be mixed."""
    peer.open_channel(2)
    start = PUBLISH + frame(HEADER, 1, content_header(2)) + frame(BODY, 1, b"a")
    other = frame(METHOD, 2, b"\x00\x3c\x00\x0a" + bytes(7))
    peer.send_bytes(start + other + frame(BODY, 1, b"b"))
    assert [method.name for method in peer.methods()] == ["Basic.QosOk"]
    assert peer.get() == b"ab"


def test_the_weight_is_zero(peer: Client) -> None:
    """The weight field is unused and must be zero (4.2.6.1)."""
    peer.send_bytes(PUBLISH + frame(HEADER, 1, content_header(1, weight=1)))
    assert peer.closed().code == 505


def test_the_class_id_is_the_methods(peer: Client) -> None:
    """The class-id MUST match the method frame class id (4.2.6.1)."""
    peer.send_bytes(PUBLISH + frame(HEADER, 1, content_header(1, class_id=50)))
    assert peer.closed().code == 505


def test_what_is_not_content_while_content_is_due_is_a_connection_error(peer: Client) -> None:
    """A peer that receives an incomplete or badly formatted content raises 505."""
    qos = frame(METHOD, 1, b"\x00\x3c\x00\x0a" + bytes(7))
    peer.send_bytes(PUBLISH + frame(HEADER, 1, content_header(2)) + qos)
    close = peer.closed()
    assert (close.channel, close.code) == (0, 505)


def test_deliveries_are_framed_alike(peer: Client) -> None:
    peer.publish(b"abc")
    peer.consume()
    octets = peer.read_bytes()
    kinds = []
    while octets:
        kind, _, size = struct.unpack_from(">BHI", octets)
        kinds.append(kind)
        octets = octets[size + 8 :]
    assert kinds == [METHOD, METHOD, HEADER, BODY]


def test_a_message_passes_with_its_properties_as_they_were(peer: Client) -> None:
    header = content_header(1, b"\x90\x00\x04text\x02")
    peer.send_bytes(PUBLISH + frame(HEADER, 1, header) + frame(BODY, 1, b"x"))
    peer.send(commands.Basic.Get, queue="jobs")
    (got,) = peer.receive()
    assert got.header == header
