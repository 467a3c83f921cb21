"""AMQP 0-9-1 §4.2.3: the general frame format."""

import pytest
from pamqp import commands

from amqp_server.wire.errors import BrokenFramingError, FrameError
from amqp_server.wire.events import FrameEvent
from amqp_server.wire.framing import scan
from tests.support.frames import BODY, HEADER, METHOD, frame, method_payload
from tests.support.peer import Node

QOS = method_payload(commands.Basic.Qos, prefetch_count=1)
FRAME = frame(METHOD, 1, QOS)


@pytest.mark.parametrize("cut", range(len(FRAME)))
def test_a_frame_may_arrive_in_any_two_pieces(cut: int) -> None:
    assert scan(FRAME[:cut], 4096) == ([], 0, None)
    assert scan(FRAME, 4096) == ([FrameEvent(1, METHOD, QOS)], len(FRAME), None)


def test_the_head_is_type_channel_and_size() -> None:
    """All frames start with a 7-octet header: a type field, a channel field and a size field."""
    octets = b"\x01" + b"\x12\x34" + b"\x00\x00\x00\x0b" + QOS + b"\xce"
    assert scan(octets, 4096).events == [FrameEvent(0x1234, METHOD, QOS)]


@pytest.mark.parametrize("end", range(0, 256, 15))
def test_the_end_octet_is_always_the_same(end: int) -> None:
    """The rule reads: the frame-end octet MUST always be the hexadecimal value %xCE."""
    assert end != 0xCE
    assert isinstance(scan(FRAME[:-1] + bytes((end,)), 4096).error, BrokenFramingError)


@pytest.mark.parametrize("kind", sorted(set(range(256)) - {METHOD, HEADER, BODY, 8}, key=str)[::9])
def test_a_type_that_is_not_one_of_ours_is_an_error(kind: int) -> None:
    """A peer that gets a frame with a type it does not define MUST treat it as a fatal error."""
    assert isinstance(scan(frame(kind, 0, b""), 4096).error, FrameError)


def test_nothing_is_sent_after_a_fatal_error_but_the_close() -> None:
    """A peer that has failed stops: it closes the connection without sending any further data."""
    peer = Node().open()
    peer.send_bytes(frame(9, 0, b"") + frame(METHOD, 1, QOS))
    assert [method.name for method in peer.methods()] == ["Connection.Close"]
