"""Deliveries are counted exactly, however the reads cut them."""

import struct
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from load_generator import counting, histogram, wire
from load_generator.counting import DeliveryCounter
from load_generator.histogram import Histogram
from load_generator.wire import BrokerRefusalError
from tests.support import deliveries


def delivery(tag: int, body_size_bytes: int = 12) -> bytes:
    """Render what a broker sends for one message."""
    return deliveries.delivery(tag, b"x" * body_size_bytes)


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


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_close_shorter_than_a_delivery_is_told_at_once(count: int) -> None:
    arguments = struct.pack(">H", 404) + wire.shortstr("gone") + bytes(4)
    close = wire.method(1, wire.CHANNEL_CLOSE, arguments)
    stream = b"".join(delivery(tag) for tag in range(1, count + 1)) + close
    with pytest.raises(BrokerRefusalError, match="404 gone"):
        feed(DeliveryCounter(4_096), stream)


def test_a_delivery_larger_than_the_buffer_makes_it_grow() -> None:
    counter = DeliveryCounter(64)
    assert feed(counter, delivery(1, 500) + delivery(2, 500) + delivery(3)) == 3


def test_a_delivery_of_no_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "DELIVERY_BYTES_MAX", 256)
    with pytest.raises(BrokerRefusalError, match="larger than 256 bytes"):
        feed(DeliveryCounter(64), delivery(1, 500))


# ── latencies ──


def latencies_of(*instants_ns: int, now_ns: int, capacity_bytes: int = 4_096) -> list[int]:
    """Return the latencies that deliveries with these instants give, one bucket each."""
    cells = memoryview(bytearray(8 * histogram.CELL_COUNT)).cast("Q")
    counter = DeliveryCounter(capacity_bytes, Histogram(cells))
    octets = b"".join(
        delivery(tag)[: -1 - 12] + instant.to_bytes(8, "big") + bytes(4) + b"\xce"
        for tag, instant in enumerate(instants_ns, start=1)
    )
    while octets:
        room = counter.room()
        piece = octets[: len(room)]
        room[: len(piece)] = piece
        counter.received(len(piece), now_ns)
        octets = octets[len(piece) :]
    return [index for index, count in enumerate(cells) for _ in range(count)]


@pytest.mark.parametrize("capacity_bytes", [64, 100, 4_096])
def test_each_instant_is_compared_with_the_clock(capacity_bytes: int) -> None:
    found = latencies_of(990, 980, 999, 1_000, now_ns=1_000, capacity_bytes=capacity_bytes)
    assert found == [0, 1, 10, 20]


def test_some_messages_stand_for_the_others_of_a_long_read() -> None:
    first, *others = latencies_of(*[900] * 1_000, now_ns=1_000, capacity_bytes=1 << 17)
    assert first == 100
    assert set(others) == {100}
    assert 1_000 <= 1 + len(others) < 1_064


def test_bodies_too_short_for_an_instant_are_left_alone() -> None:
    cells = memoryview(bytearray(8 * histogram.CELL_COUNT)).cast("Q")
    assert feed(DeliveryCounter(4_096, Histogram(cells)), delivery(1, 7) + delivery(2, 7)) == 2
    assert not any(cells)


def test_tags_that_do_not_count_are_not_looked_at() -> None:
    counter = DeliveryCounter(4_096, has_counted_tags=False)
    assert feed(counter, delivery(1)) == 1
    assert feed(counter, delivery(1)) == 1
    assert feed(counter, delivery(1) * 3) == 3
    assert counter.delivery_count == 5


def test_the_header_of_the_delivery_that_came_last_is_at_hand() -> None:
    counter = DeliveryCounter(4_096)
    for tag, size_bytes in enumerate((12, 12, 30), start=1):
        octets = delivery(tag, size_bytes)
        feed(counter, octets)
        frames, _ = wire.split_frames(octets, 0, len(octets))
        assert counter.header() == frames[1].payload


@pytest.mark.parametrize("further", [delivery(2), delivery(2)[:10]])
def test_a_header_that_was_written_over_is_not_shown(further: bytes) -> None:
    counter = DeliveryCounter(4_096)
    feed(counter, delivery(1) + further)
    with pytest.raises(BrokerRefusalError, match="more than one"):
        counter.header()


@pytest.mark.parametrize("at", [0, 8, 10, -1])
def test_a_single_delivery_that_is_framed_otherwise_is_no_delivery(at: int) -> None:
    counter = DeliveryCounter(4_096)
    feed(counter, delivery(1))
    octets = bytearray(delivery(2))
    octets[at] ^= 0x10
    with pytest.raises(BrokerRefusalError):
        feed(counter, bytes(octets))
