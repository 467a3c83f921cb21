"""Frames and methods that are wrong, too large, or where they should not be."""

import pytest
from pamqp import commands

from amqp_server.wire.methods import METHODS
from tests.support.frames import (
    BODY,
    HEADER,
    HEARTBEAT,
    METHOD,
    content_header,
    frame,
    method_frame,
    method_payload,
    publish_payload,
)
from tests.support.peer import Client, Node

FRAME_MAX = 4096


@pytest.fixture
def peer(node: Node) -> Client:
    client = node.connect()
    client.shake_hands(frame_max=FRAME_MAX)
    client.open_channel(1)
    client.declare()
    return client


def other_on(node: Node) -> Client:
    """Return another client like the first."""
    client = node.connect()
    client.shake_hands(frame_max=FRAME_MAX)
    client.open_channel(1)
    return client


def code_of(peer: Client, data: bytes) -> int:
    """Send bytes that close the connection; return the code, and see that others live on."""
    peer.send_bytes(data)
    close = peer.closed()
    assert close.channel == 0
    assert peer.node.open().works()
    return close.code


@pytest.mark.parametrize("kind", [0, 4, 5, 9, 255])
def test_a_frame_of_an_unknown_type(peer: Client, kind: int) -> None:
    assert code_of(peer, frame(kind, 1, b"")) == 501


@pytest.mark.parametrize("end", [b"\x00", b"\xcd", b"\xff"])
def test_a_frame_that_ends_wrong(peer: Client, end: bytes) -> None:
    payload = method_payload(commands.Basic.Qos)
    assert code_of(peer, frame(METHOD, 1, payload, end=end)) == 501


@pytest.mark.parametrize("above_bytes", [0, 1, 8])
def test_a_frame_may_be_eight_octets_too_large(peer: Client, above_bytes: int) -> None:
    size = FRAME_MAX - 8 + above_bytes
    start = frame(METHOD, 1, publish_payload()) + frame(HEADER, 1, content_header(size))
    peer.send_bytes(start + frame(BODY, 1, bytes(size)))
    assert peer.get() == bytes(size)


def test_a_frame_is_no_larger_than_that(peer: Client) -> None:
    size = FRAME_MAX - 8 + 9
    assert code_of(peer, b"\x03\x00\x01" + size.to_bytes(4, "big")) == 501


@pytest.mark.parametrize(
    ("data", "code"), [(frame(METHOD, 1, b""), 501), (frame(METHOD, 1, b"\x00\x3c\x00"), 501)]
)
def test_a_method_without_its_ids(peer: Client, data: bytes, code: int) -> None:
    assert code_of(peer, data) == code


def test_an_empty_content_header(peer: Client) -> None:
    start = frame(METHOD, 1, publish_payload())
    assert code_of(peer, start + frame(HEADER, 1, b"")) == 501
    short = frame(HEADER, 1, content_header(0)[:12])
    assert code_of(other_on(peer.node), start + short) == 502


def test_empty_body_frames_are_passed_over_and_not_kept(peer: Client) -> None:
    start = frame(METHOD, 1, publish_payload()) + frame(HEADER, 1, content_header(2))
    nothing = frame(BODY, 1, b"") * 300
    peer.send_bytes(start + nothing + frame(BODY, 1, b"a") + nothing + frame(BODY, 1, b"b"))
    assert peer.get() == b"ab"


@pytest.mark.parametrize(
    "payload",
    [
        method_payload(commands.Queue.Declare, queue="q")[:-3],
        method_payload(commands.Queue.Declare, queue="q")[:7],
        method_payload(commands.Basic.Qos)[:-1],
        method_payload(commands.Basic.Qos) + b"\0",
        method_payload(commands.Basic.Ack, delivery_tag=1) + b"\0",
    ],
    ids=["in a table", "in a name", "in an integer", "after", "after an ack"],
)
def test_arguments_cut_short_or_left_over(peer: Client, payload: bytes) -> None:
    """The row says 502; RabbitMQ 3.10 answers 501."""
    assert code_of(peer, frame(METHOD, 1, payload)) == 501


@pytest.mark.parametrize("ids", [b"\x00\x63\x00\x0a", b"\x00\x3c\x00\x63", b"\xff\xff\xff\xff"])
@pytest.mark.parametrize("channel", [0, 1])
def test_an_unknown_method(peer: Client, ids: bytes, channel: int) -> None:
    """The row says 540 or 503; RabbitMQ 3.10 drops the connection without a word."""
    assert code_of(peer, frame(METHOD, channel, ids)) == 503


@pytest.mark.parametrize(
    "kind",
    [
        commands.Queue.DeclareOk,
        commands.Basic.Deliver,
        commands.Basic.GetEmpty,
        commands.Channel.OpenOk,
        commands.Tx.SelectOk,
    ],
)
def test_a_method_for_the_server_to_send(peer: Client, kind: type[commands.Basic.GetEmpty]) -> None:
    assert code_of(peer, method_frame(1, kind)) == 503


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (method_frame(0, commands.Queue.Declare, queue="q"), 504),
        (frame(METHOD, 0, publish_payload()) + frame(HEADER, 0, content_header(0)), 504),
        (frame(METHOD, 0, method_payload(commands.Basic.Ack, delivery_tag=1)), 504),
        (frame(HEADER, 0, content_header(0)), 505),
        (frame(BODY, 0, b"x"), 505),
    ],
    ids=["declare", "publish", "ack", "header", "body"],
)
def test_what_belongs_on_a_channel_on_channel_0(peer: Client, data: bytes, code: int) -> None:
    """The row says 503; these are what RabbitMQ 3.10 answers."""
    assert code_of(peer, data) == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (method_frame(7, commands.Queue.Declare, queue="q"), 504),
        (frame(METHOD, 7, publish_payload()) + frame(HEADER, 7, content_header(0)), 504),
        (frame(METHOD, 7, publish_payload()) + frame(HEADER, 7, b"\0" * 14), 504),
        (method_frame(7, commands.Basic.Ack, delivery_tag=1), 504),
        (method_frame(7, commands.Channel.Close), 504),
        (frame(HEADER, 7, content_header(0)), 505),
        (frame(BODY, 7, b"x"), 505),
    ],
    ids=["declare", "publish", "bad publish", "ack", "close", "header", "body"],
)
def test_a_channel_that_was_never_opened(peer: Client, data: bytes, code: int) -> None:
    assert code_of(peer, data) == code


def test_what_follows_a_close_of_ours_is_discarded(peer: Client) -> None:
    peer.send(commands.Queue.Declare, queue="none", passive=True)
    assert peer.closed().code == 404
    for index in sorted(METHODS):
        kind = METHODS[index]
        if kind not in {commands.Channel.Close, commands.Channel.CloseOk}:
            peer.send_bytes(method_frame(1, kind))
    assert peer.receive() == []
    assert [queue.name for queue in peer.node.vhost.queues] == ["jobs"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(HEARTBEAT, 5, b""), 505),
        (frame(HEARTBEAT, 0, b"x"), 501),
        (frame(HEARTBEAT, 5, b"x"), 501),
    ],
)
def test_a_heartbeat_on_a_channel_or_with_a_payload(peer: Client, data: bytes, code: int) -> None:
    assert code_of(peer, data) == code


def test_a_channel_is_opened_once(peer: Client) -> None:
    assert code_of(peer, method_frame(1, commands.Channel.Open)) == 504
