"""The sizes of messages, as the scanner counts them."""

import pytest

from amqp_server.wire.framing import (
    METHODS_PER_BURST_MAX,
    SIZE_BOUNDS_BYTES,
    STRETCH_ALONE_COUNT,
    MessageSizes,
    Scanner,
)
from tests.support.frames import METHOD, content_frames, frame, property_list, publish_payload

LIMIT = 131_072


def publish(size_bytes: int, key: str = "jobs", **properties: object) -> bytes:
    method = frame(METHOD, 1, publish_payload("", key))
    return method + content_frames(1, b"x" * size_bytes, property_list(**properties))


def sizes_of(data: bytes, limit: int = LIMIT) -> MessageSizes:
    sizes = MessageSizes()
    Scanner(sizes).scan(data, limit)
    return sizes


@pytest.mark.parametrize("place", range(len(SIZE_BOUNDS_BYTES)))
def test_a_bound_is_the_largest_size_of_its_class(place: int) -> None:
    sizes, bound = MessageSizes(), SIZE_BOUNDS_BYTES[place]
    sizes.note(bound)
    sizes.note(bound + 1)
    assert [index for index, count in enumerate(sizes.counts) if count] == [place, place + 1]
    assert sizes.total_bytes == 2 * bound + 1


def test_an_empty_message_is_of_the_smallest_class() -> None:
    assert sizes_of(publish(0)).counts == (1, *[0] * len(SIZE_BOUNDS_BYTES))


@pytest.mark.parametrize("count", [1, 3, STRETCH_ALONE_COUNT, 500])
def test_each_message_of_a_run_counts(count: int) -> None:
    sizes = sizes_of(publish(101) * count + publish(7))
    assert (sizes.counts[:3], sizes.total_bytes) == ((1, count, 0), 101 * count + 7)


def test_sizes_that_change_from_message_to_message_count_each() -> None:
    data = b"".join(publish(size) for size in (1, 200, 1, 1, 200, 2_000, 1))
    assert sizes_of(data * 40).counts[:3] == (160, 80, 40)
    assert sizes_of(data * 40).total_bytes == 2_404 * 40


def test_a_header_of_another_kind_with_the_same_size_counts_as_well() -> None:
    data = publish(5) + publish(5, priority=3) + publish(5, expiration="9") + publish(5)
    assert sizes_of(data).counts[0] == 4


@pytest.mark.parametrize("keys", [2, METHODS_PER_BURST_MAX, METHODS_PER_BURST_MAX + 9])
def test_each_message_of_a_burst_counts(keys: int) -> None:
    data = b"".join(publish(150 + number % 2, f"k{number}") for number in range(keys))
    sizes = sizes_of(data + publish(3))
    assert sizes.counts[:2] == (1, keys)
    assert sizes.total_bytes == 150 * keys + keys // 2 + 3


def test_a_message_that_is_cut_counts_when_all_of_it_came() -> None:
    data, sizes = publish(10) + publish(20), MessageSizes()
    found = Scanner(sizes).scan(data[:-1], LIMIT)
    assert sizes.total_bytes == 10
    Scanner(sizes).scan(data[found.consumed_bytes :], LIMIT)
    assert (sizes.counts[0], sizes.total_bytes) == (2, 30)


def test_what_comes_before_an_error_counts_and_what_is_assembled_does_not() -> None:
    assert sizes_of(publish(10) + b"\x09\x00\x00\x00\x00\x00\x00\x00").counts[0] == 1
    assert sizes_of(publish(10) + publish(5_000), 4_096).counts[:3] == (1, 0, 0)
