"""Content out of order, of a wrong size, in any pieces, and never finished."""

import pytest

from amqp_server.protocol.settings import MIB, ProtocolSettings
from amqp_server.wire.framing import scan
from persistence.record import RESERVED_PER_OCTET
from tests.support.frames import (
    BODY,
    HEADER,
    METHOD,
    content_frames,
    content_header,
    frame,
    publish_payload,
)
from tests.support.peer import Client, Node

PUBLISH = frame(METHOD, 1, publish_payload())


def header(size_bytes: int, **given: int) -> bytes:
    return frame(HEADER, 1, content_header(size_bytes, **given))  # type: ignore[arg-type]


def body(octets: bytes) -> bytes:
    return frame(BODY, 1, octets)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (header(1), 505),
        (body(b"x"), 505),
        (PUBLISH + body(b"x"), 505),
        (PUBLISH + PUBLISH + header(0), 505),
        (PUBLISH + header(1) + header(1), 505),
        (PUBLISH + header(1) + PUBLISH + header(0), 505),
        (PUBLISH + header(1, class_id=50), 505),
        (PUBLISH + header(1, weight=1), 505),
    ],
    ids=[
        "header alone",
        "body alone",
        "body without header",
        "publish twice",
        "two headers",
        "publish instead of body",
        "class",
        "weight",
    ],
)
@pytest.mark.parametrize("size", [1, 10_000])
def test_content_out_of_order(peer: Client, data: bytes, code: int, size: int) -> None:
    for start in range(0, len(data), size):
        peer.send_bytes(data[start : start + size])
    close = peer.closed()
    assert (close.channel, close.code) == (0, code)
    assert peer.node.open().works()


@pytest.mark.parametrize(
    "bodies", [[b"ab"], [b"a", b"b"], [b"a" * 1_000_000]], ids=["at once", "later", "much"]
)
def test_the_first_octet_too_many(peer: Client, bodies: list[bytes]) -> None:
    peer.send_bytes(PUBLISH + header(1) + b"".join(map(body, [piece[:90_000] for piece in bodies])))
    close = peer.closed()
    assert close.channel == 0
    # After a complete message a body frame is content without a method.
    assert close.code == (505 if len(bodies) == 2 else 501)


@pytest.mark.parametrize("size_bytes", [512 * MIB + 1, 2**63, 2**64 - 1])
def test_a_body_no_broker_takes_is_refused_at_its_header(peer: Client, size_bytes: int) -> None:
    peer.send_bytes(PUBLISH + header(size_bytes))
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (0, 501, (60, 40))


def test_a_body_over_the_configured_limit_is_passed_by_and_refused() -> None:
    node = Node(ProtocolSettings(max_message_size_bytes=MIB, assembling_bytes_max=MIB))
    peer = node.open()
    peer.declare()
    peer.send_bytes(PUBLISH + header(MIB + 1))
    for _ in range(16):
        peer.send_bytes(body(bytes(65_536)))
        assert peer.closes() == []
    peer.send_bytes(body(b"x"))
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (1, 406, (60, 40))
    assert close.text.endswith(f"message size {MIB + 1} is larger than configured max size {MIB}")
    assert node.open().get() is None


def test_a_body_in_frames_of_one_octet(peer: Client) -> None:
    expected = bytes(range(250)) * 8
    data = PUBLISH + content_frames(1, expected, piece_bytes=1)
    assert len(scan(data, 4096).events) == 2 + len(expected)
    peer.send_bytes(data)
    assert peer.get() == expected


def test_messages_that_never_end_are_bounded_and_go_with_their_channels() -> None:
    node = Node(ProtocolSettings(max_message_size_bytes=MIB, assembling_bytes_max=MIB))
    peer = node.open()
    for number in range(2, 60):
        peer.open_channel(number)
    closes = []
    for number in range(1, 60):
        peer.send_bytes(
            frame(METHOD, number, publish_payload())
            + frame(HEADER, number, content_header(MIB))
            + frame(BODY, number, bytes(50_000))
        )
        closes += peer.closes()
        if closes:
            break
    assert [(close.channel, close.code) for close in closes] == [(0, 506)]
    assert number == MIB // (RESERVED_PER_OCTET * 50_000) + 1
    assert peer.connection._channels._publishing.assembling_bytes == 0
    assert node.open().works()


def test_a_message_cut_off_is_in_no_queue(node: Node, peer: Client) -> None:
    for queue in ("one", "two", "three"):
        peer.declare(queue)
    other = node.open()
    other.send_bytes(PUBLISH + header(4) + body(b"abc"))
    other.connection.receive_eof(node.now_ms)
    assert [peer.get(queue) for queue in ("jobs", "one", "two", "three")] == [None] * 4
