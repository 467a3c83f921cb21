"""Instants are found where they were written, in frames and in chunks."""

import pytest

from load_generator.load import Streaming
from load_generator.streams import commands
from load_generator.streams.instants import (
    NO_INSTANT,
    SAMPLES_PER_CHUNK_MAX,
    instant_places,
    record_chunk,
    stamp,
)

BODY = bytes(8) + b"rest"
LARGE = bytes(300)


def stamped(body: bytes, how: Streaming, instant_ns: int, count: int = 6) -> bytes:
    frame = bytearray(commands.publish(0, body, count, how, 0))
    places = instant_places(frame, has_values=bool(how.filter_values))
    assert len(places) == count
    stamp(frame, 0, places, instant_ns)
    return bytes(frame)


def entries_of(frame: bytes, entry_bytes: int) -> bytes:
    """Return the entries of a Publish whose items are alike, as a chunk has them."""
    at, data = commands.HEAD.size + 5, b""
    while at < len(frame):
        data += frame[at + 8 : at + 8 + entry_bytes]
        at += 8 + entry_bytes
    return data


def recorded(data: bytes, entry_count: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    record_chunk(
        data, entry_count, lambda due_ns, weight: found.extend((each, weight) for each in due_ns)
    )
    return found


@pytest.mark.parametrize(
    ("body", "how", "entry_bytes", "entry_count"),
    [
        (BODY, Streaming(), 4 + 5 + 12, 6),
        (LARGE, Streaming(), 4 + 8 + 300, 6),
        (BODY, Streaming(sub_entry_count=3), 11 + 3 * (4 + 5 + 12), 2),
    ],
)
def test_what_is_written_into_a_frame_is_found_in_its_chunk(
    body: bytes, how: Streaming, entry_bytes: int, entry_count: int
) -> None:
    data = entries_of(stamped(body, how, 77), entry_bytes)
    found = recorded(data, entry_count)
    assert {due_ns for due_ns, _ in found} == {77}
    assert sum(weight for _, weight in found) == 6


def test_filter_values_of_any_length_are_passed_over() -> None:
    how = Streaming(filter_values=("", "long value"))
    assert stamped(BODY, how, 77).count((77).to_bytes(8, "big")) == 6


@pytest.mark.parametrize("sizes", [[12], [12, 13], [13] * 3 + [12]])
def test_many_entries_are_sampled_and_count_as_many(sizes: list[int]) -> None:
    count = 4 * SAMPLES_PER_CHUNK_MAX + 1
    bodies = [(5).to_bytes(8, "big") + bytes(sizes[n % len(sizes)] - 8) for n in range(count)]
    found = recorded(b"".join(commands.entry(commands.message(each)) for each in bodies), count)
    assert len(found) <= SAMPLES_PER_CHUNK_MAX
    assert {due_ns for due_ns, _ in found} == {5}
    assert sum(weight for _, weight in found) == count


def test_what_has_no_instant_is_no_time_of_any_clock() -> None:
    compressed = b"\x90\x00\x02\x00\x00\x00\x20\x00\x00\x00\x03gz!"
    data = commands.entry(b"plain") + compressed + commands.entry(commands.message(b"short"))
    assert recorded(data, 3) == [(NO_INSTANT, 1), (NO_INSTANT, 2), (NO_INSTANT, 1)]
