"""Frames that no event comes of, with RabbitMQ's words for what is wrong."""

import struct

import pytest

from amqp_server.wire.errors import BrokenFramingError, FrameError, UnexpectedFrameError
from amqp_server.wire.events import Scan
from amqp_server.wire.framing import scan
from tests.support.frames import BODY, HEARTBEAT, METHOD, frame

LIMIT = 4096


def test_a_heartbeat_on_a_channel_is_unexpected() -> None:
    error = scan(frame(HEARTBEAT, 5, b""), LIMIT).error
    assert isinstance(error, UnexpectedFrameError)


@pytest.mark.parametrize("kind", [0, 4, 5, 9, 255])
def test_an_unknown_type_is_refused_by_name(kind: int) -> None:
    error = scan(frame(kind, 0, b"\x01"), LIMIT).error
    assert type(error) is FrameError
    assert str(error) == f"type {kind}, all octets = <<1>>: unknown_frame"


def test_a_heartbeat_with_a_payload_is_refused() -> None:
    assert type(scan(frame(HEARTBEAT, 0, b"x"), LIMIT).error) is FrameError


@pytest.mark.parametrize("above", [0, 1, 2**32 - 1 - LIMIT])
def test_a_frame_is_refused_for_its_size_from_its_head_alone(above: int) -> None:
    found = scan(struct.pack(">BHI", BODY, 1, LIMIT + above), LIMIT)
    if above == 0:
        assert found == Scan([], 0, None)
        return
    assert isinstance(found.error, BrokenFramingError)
    size = LIMIT + above
    assert str(found.error) == (
        f"type 3, all octets = <<>>: {{frame_too_large,{size},{LIMIT - 8}}}"
    )


def test_a_payload_without_its_end_is_shown() -> None:
    error = scan(frame(METHOD, 1, b"\x01\x02", end=b"\x07"), LIMIT).error
    assert type(error) is BrokenFramingError
    assert str(error) == "type 1, all octets = <<1,2>>: {invalid_frame_end_marker,7}"
