"""Answers to publishes are counted exactly, however the reads cut them."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_generator import wire
from load_generator.confirms import ConfirmCounter
from load_generator.wire import BrokerRefusalError


@given(
    order=st.permutations(range(1, 25)),
    multiples=st.sets(st.integers(0, 23)),
    piece_bytes=st.integers(1, 100),
)
def test_confirms_count_each_publish_once(
    order: list[int], multiples: set[int], piece_bytes: int
) -> None:
    counter = ConfirmCounter()
    confirmed: set[int] = set()
    stream = b""
    for index, tag in enumerate(order):
        stream += wire.ack(tag, multiple=index in multiples)
        confirmed |= set(range(1, tag + 1)) if index in multiples else {tag}

    for start in range(0, len(stream), piece_bytes):
        counter.received(stream[start : start + piece_bytes])

    assert counter.confirmed_count == len(confirmed)


def nack(tag: int, *, multiple: bool = False) -> bytes:
    """Render basic.nack."""
    return wire.method(1, wire.BASIC_NACK, struct.pack(">QB", tag, multiple))


def returned(body: bytes = b"body") -> bytes:
    """Render basic.return with its message."""
    reply = struct.pack(">H", 312) + wire.shortstr("NO_ROUTE") + wire.shortstr("") * 2
    content = wire.publish("", "", wire.properties(), body)
    (publish, *_), _ = wire.split_frames(content, 0, len(content))
    publish_bytes = len(publish.payload) + wire.FRAME_OVERHEAD_BYTES
    return wire.method(1, wire.BASIC_RETURN, reply) + content[publish_bytes:]


@pytest.mark.parametrize("piece_bytes", [1, 20, 21, 22, 1_000])
def test_acks_nacks_and_returns_are_told_apart_wherever_reads_cut(piece_bytes: int) -> None:
    counter = ConfirmCounter()
    stream = wire.ack(1, multiple=False) + returned() + wire.ack(2, multiple=False)
    stream += nack(4, multiple=True) + returned(b"") + returned() + wire.ack(7, multiple=True)

    for start in range(0, len(stream), piece_bytes):
        counter.received(stream[start : start + piece_bytes])

    assert (counter.confirmed_count, counter.nacked_count, counter.returned_count) == (5, 2, 3)
    assert counter.answered_count == 7


def test_a_delivery_among_confirms_is_told() -> None:
    with pytest.raises(BrokerRefusalError, match="unexpected frame"):
        ConfirmCounter().received(wire.method(1, wire.BASIC_DELIVER, bytes(20)))


def test_what_is_no_frame_is_not_waited_for() -> None:
    with pytest.raises(BrokerRefusalError, match="bytes that are no frame"):
        ConfirmCounter().received(b"HTTP/1.1 400 Bad Request")


def test_a_close_among_confirms_is_told() -> None:
    arguments = struct.pack(">H", 320) + wire.shortstr("CONNECTION_FORCED") + bytes(4)
    with pytest.raises(BrokerRefusalError, match="320 CONNECTION_FORCED"):
        ConfirmCounter().received(wire.method(0, wire.CONNECTION_CLOSE, arguments))


@given(order=st.permutations(range(1, 9)))
def test_an_ack_at_a_time_in_any_order_is_counted_once(order: list[int]) -> None:
    counter = ConfirmCounter()
    for count, tag in enumerate(order, start=1):
        counter.received(wire.ack(tag, multiple=False))
        assert counter.confirmed_count == count
        assert counter.highest_tag == max(order[:count])


def test_the_next_ack_behind_half_a_frame_is_no_ack() -> None:
    counter = ConfirmCounter()
    counter.received(returned()[:-21])
    counter.received(returned()[-21:])
    counter.received(wire.ack(1, multiple=False))
    assert (counter.confirmed_count, counter.returned_count) == (1, 1)


@pytest.mark.parametrize("at", [0, 2, 6, 10, 20])
def test_what_only_resembles_an_ack_is_not_counted(at: int) -> None:
    octets = bytearray(wire.ack(1, multiple=False))
    octets[at] ^= 0x40
    counter = ConfirmCounter()
    with contextlib.suppress(BrokerRefusalError):
        counter.received(bytes(octets))
    assert counter.confirmed_count == 0


BLOCKED = wire.method(0, wire.CONNECTION_BLOCKED, wire.shortstr("low on memory"))
UNBLOCKED = wire.method(0, wire.CONNECTION_UNBLOCKED)


def test_an_alarm_is_noted_between_the_answers() -> None:
    counter = ConfirmCounter()
    counter.received(wire.ack(1, multiple=False) + BLOCKED + wire.ack(2, multiple=False))
    assert (counter.is_blocked, counter.confirmed_count, counter.returned_count) == (True, 2, 0)
    for octet in UNBLOCKED:
        assert counter.is_blocked
        counter.received(bytes((octet,)))
    assert not counter.is_blocked


def test_an_alarm_may_come_between_the_frames_of_a_return() -> None:
    counter = ConfirmCounter()
    returned = wire.method(1, wire.BASIC_RETURN, bytes(6))
    header = wire.frame(wire.FRAME_HEADER, 1, bytes(14))
    counter.received((returned + BLOCKED + header) * 2 + (returned + header) * 3)
    assert (counter.returned_count, counter.is_blocked) == (5, True)
