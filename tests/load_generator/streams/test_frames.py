"""Frames come from the ring in turn, whole, within a limit of messages."""

from dataclasses import replace

from load_generator.load import PUBLISH_WRITE_BYTES, Load, Streaming
from load_generator.streams import commands
from load_generator.streams.frames import FrameRing
from load_generator.streams.partitions import partition_of

LOAD = Load(body=b"x" * 12, streaming=Streaming(batch_count=10))


def test_frames_of_streams_take_turns() -> None:
    ring = FrameRing(LOAD, ["a", "b"])
    assert ring.streams == ("a", "b")
    first, count = ring.take(10)
    second, _ = ring.take(19)
    assert (bytes(first), count) == (ring.rendered(0, 10), 10)
    assert bytes(second) == ring.rendered(1, 10)


def test_too_small_a_limit_takes_nothing() -> None:
    ring = FrameRing(LOAD, ["a"])
    octets, count = ring.take(9)
    assert (bytes(octets), count) == (b"", 0)
    assert ring.next_count() == 10


def test_a_write_has_a_size() -> None:
    octets, count = FrameRing(LOAD, ["a"]).take(1 << 30)
    assert PUBLISH_WRITE_BYTES // 2 < len(octets) <= PUBLISH_WRITE_BYTES
    assert count % 10 == 0


def test_the_ring_begins_again() -> None:
    ring = FrameRing(LOAD, ["a", "b"])
    seen = b"".join(bytes(ring.take(10)[0]) for _ in range(2_000))
    assert seen == (ring.rendered(0, 10) + ring.rendered(1, 10)) * 1_000


def test_the_rest_is_whole_sub_entries() -> None:
    load = replace(LOAD, streaming=Streaming(batch_count=10, sub_entry_count=5))
    octets, count = FrameRing(load, ["a"]).take_rest(7)
    assert count == 5
    assert bytes(octets) == commands.publish(0, LOAD.body, 5, Streaming(sub_entry_count=5), 0)


def test_keys_are_hashed_over_partitions() -> None:
    partitions = ("s-0", "s-1", "s-2")
    load = replace(LOAD, streaming=Streaming(batch_count=6, partitions=partitions))
    keys = [f"key.{number}" for number in range(6)]
    ring = FrameRing(load, keys)
    assert ring.streams == partitions
    numbers = [partition_of(key, 3) for key in keys]
    for number in sorted(set(numbers)):
        octets, count = ring.take(ring.next_count())
        assert count == numbers.count(number)
        assert bytes(octets) == ring.rendered(number, count)
