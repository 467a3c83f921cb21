"""Deliveries and confirms are counted exactly, however the reads cut them."""

import struct
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amqp_server.perf import wire
from amqp_server.perf.counting import ConfirmCounter, DeliveryCounter
from amqp_server.perf.wire import BrokerRefusalError


def delivery(tag: int, body_size_bytes: int = 12) -> bytes:
    """Render what a broker sends for one message."""
    names = wire.shortstr("") + wire.shortstr("key")
    method = wire.shortstr("c") + struct.pack(">QB", tag, 0) + names
    content = wire.publish("", "", wire.properties(), b"x" * body_size_bytes)
    frames, _ = wire.split_frames(content, 0, len(content))
    return wire.method(1, wire.BASIC_DELIVER, method) + b"".join(
        wire.frame(part.kind, 1, part.payload) for part in frames[1:]
    )


def feed(counter: DeliveryCounter, octets: bytes) -> int:
    """Hand over bytes as reads would, and return how many deliveries became complete."""
    count = 0
    while octets:
        room = counter.room()
        piece = octets[: len(room)]
        room[: len(piece)] = piece
        count += counter.received(len(piece))
        octets = octets[len(piece) :]
    return count


@example(sizes_bytes=[0, 1], cuts=[51])
@given(
    sizes_bytes=st.lists(st.sampled_from([0, 1, 12, 12, 12, 300]), max_size=12),
    cuts=st.lists(st.integers(0, 4_000), max_size=5),
)
def test_every_delivery_is_counted_wherever_reads_cut(
    sizes_bytes: list[int], cuts: list[int]
) -> None:
    stream = b"".join(delivery(tag, size) for tag, size in enumerate(sizes_bytes, start=1))
    counter = DeliveryCounter(2_048)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})

    counted = sum(feed(counter, stream[start:stop]) for start, stop in pairwise(edges))

    assert counted == counter.delivery_count == len(sizes_bytes)


def test_a_body_of_several_frames_is_one_delivery() -> None:
    counter = DeliveryCounter(600_000)
    assert feed(counter, delivery(1, 200_000) + delivery(2, 200_000)) == 2


def test_a_delivery_that_is_missing_among_alike_ones_is_told() -> None:
    counter = DeliveryCounter(4_096)
    feed(counter, delivery(1) + delivery(2))
    with pytest.raises(BrokerRefusalError, match="delivery tag 4 follows 2"):
        feed(counter, delivery(4) + delivery(5))


def test_a_delivery_that_comes_twice_is_told() -> None:
    counter = DeliveryCounter(4_096)
    with pytest.raises(BrokerRefusalError, match="delivery tag 1 follows 1"):
        feed(counter, delivery(1) + delivery(1))


@pytest.mark.parametrize("deliveries", [0, 1, 5])
def test_a_close_shorter_than_a_delivery_is_told_at_once(deliveries: int) -> None:
    arguments = struct.pack(">H", 404) + wire.shortstr("gone") + bytes(4)
    close = wire.method(1, wire.CHANNEL_CLOSE, arguments)
    stream = b"".join(delivery(tag) for tag in range(1, deliveries + 1)) + close
    with pytest.raises(BrokerRefusalError, match="404 gone"):
        feed(DeliveryCounter(4_096), stream)


def test_a_frame_that_fills_the_buffer_is_refused() -> None:
    with pytest.raises(BrokerRefusalError, match="larger than 64 bytes"):
        feed(DeliveryCounter(64), delivery(1, 500))


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


def test_a_nack_ends_the_window() -> None:
    nack = wire.method(1, wire.MethodId(60, 120), struct.pack(">QB", 1, 0))
    with pytest.raises(BrokerRefusalError, match="unexpected frame"):
        ConfirmCounter().received(wire.ack(1, multiple=False) + nack)


def test_a_close_among_confirms_is_told() -> None:
    arguments = struct.pack(">H", 320) + wire.shortstr("CONNECTION_FORCED") + bytes(4)
    with pytest.raises(BrokerRefusalError, match="320 CONNECTION_FORCED"):
        ConfirmCounter().received(wire.method(0, wire.CONNECTION_CLOSE, arguments))
