"""Frames of deliveries as frames of publishes."""

import struct

import pytest

from amqp_server.migrating.passage import confirm_in, content_of, count_in, publish_of
from load_generator import wire
from load_generator.wire import Frame


def only_frame(octets: bytes) -> Frame:
    frames, stop = wire.split_frames(octets, 0, len(octets))
    assert stop == len(octets)
    (frame,) = frames
    return frame


@pytest.mark.parametrize("routing_key", ["", "orders.eu", "k" * 255])
@pytest.mark.parametrize("exchange", ["", "amq.topic"])
def test_a_publish_keeps_the_routing_key(routing_key: str, exchange: str) -> None:
    delivery = struct.pack(">HH", 60, 60) + wire.shortstr("tag") + struct.pack(">QB", 7, 1)
    delivery += wire.shortstr(exchange) + wire.shortstr(routing_key)
    frame = only_frame(publish_of(delivery, "x"))
    assert wire.method_of(frame) == wire.BASIC_PUBLISH
    expected = b"\x00\x00" + wire.shortstr("x") + wire.shortstr(routing_key) + b"\x01"
    assert frame.payload[4:] == expected


def test_a_header_goes_on_as_it_is() -> None:
    frame = Frame(wire.FRAME_HEADER, 1, b"h" * 5_000)
    assert only_frame(content_of(frame, 4_096)) == frame


@pytest.mark.parametrize("size", [1, 4_088, 4_089, 20_000])
def test_a_body_is_cut_where_the_target_has_smaller_frames(size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    octets = content_of(Frame(wire.FRAME_BODY, 1, body[:size]), 4_096)
    frames, _ = wire.split_frames(octets, 0, len(octets))
    assert b"".join(frame.payload for frame in frames) == body[:size]
    assert all(len(frame.payload) + wire.FRAME_OVERHEAD_BYTES <= 4_096 for frame in frames)


def test_numbers_are_read() -> None:
    declare_ok = struct.pack(">HH", 50, 11) + wire.shortstr("q") + struct.pack(">II", 12, 3)
    assert count_in(declare_ok) == 12
    assert confirm_in(struct.pack(">HHQB", 60, 80, 9, 1)) == (9, True)
    assert confirm_in(struct.pack(">HHQB", 60, 80, 9, 0)) == (9, False)
