"""A ring gives whole publishes in turn, and writes instants where bodies begin."""

import struct
from collections.abc import Sequence

import pytest

from load_generator import messages, wire
from load_generator.load import Load
from load_generator.messages import MessageRing, rings_of
from load_generator.wire import LoadError


def ring_of(keys: Sequence[str], **changes: object) -> MessageRing:
    load = Load(publisher_keys=[keys], properties=wire.properties(), body=b"b" * 12, **changes)  # type: ignore[arg-type]
    return rings_of(load, [0], wire.FRAME_MAX_BYTES)[0]


def keys_in(octets: memoryview) -> list[str]:
    """Return the routing keys of the publishes."""
    frames, stop = wire.split_frames(bytes(octets), 0, len(octets))
    assert stop == len(octets), "publishes are whole"
    methods = [frame.payload for frame in frames if frame.kind == wire.FRAME_METHOD]
    return [payload[8 : 8 + payload[7]].decode() for payload in methods]


def instants_in(octets: memoryview) -> list[int]:
    frames, _ = wire.split_frames(bytes(octets), 0, len(octets))
    bodies = [frame.payload for frame in frames if frame.kind == wire.FRAME_BODY]
    return [struct.unpack_from(">Q", body)[0] for body in bodies]


def test_keys_come_in_turn_for_ever() -> None:
    ring = ring_of(["a", "bb", "ccc"], publishes_per_write=2)
    taken = [ring.take(100) for _ in range(4)]
    assert [keys_in(octets) for octets, _ in taken] == [["a", "bb"], ["ccc"], ["a", "bb"], ["ccc"]]
    assert [count for _, count in taken] == [2, 1, 2, 1]


def test_no_more_is_taken_than_there_is_room_for() -> None:
    ring = ring_of(["a"], publishes_per_write=10)
    assert [ring.take(3)[1], ring.take(3)[1], ring.take(100)[1], ring.take(100)[1]] == [3, 3, 4, 10]


@pytest.mark.parametrize("keys", [["a", "b", "c"], ["a", "bb", "ccc"]])
def test_instants_are_written_into_what_was_taken_last(keys: list[str]) -> None:
    ring = ring_of(keys, publishes_per_write=2)
    first, count = ring.take(2)
    ring.stamp(count, 1_000, 0)
    assert instants_in(first) == [1_000, 1_000]
    second, count = ring.take(2)
    ring.stamp(count, 77, 0)
    assert instants_in(second) == [77]
    assert instants_in(first) == [1_000, 1_000]


def test_messages_of_a_rate_have_an_instant_each() -> None:
    ring = ring_of(["a"], publishes_per_write=4)
    octets, count = ring.take(4)
    ring.stamp(count, 1_000, 2.5)
    assert instants_in(octets) == [1_000, 1_002, 1_005, 1_008]


def test_an_instant_is_at_the_beginning_of_a_body_of_many_frames() -> None:
    load = Load(publisher_keys=[["a"]], properties=wire.properties(), body=bytes(9_000))
    (ring,) = rings_of(load, [0], 4_096)
    octets, count = ring.take(1)
    ring.stamp(count, 5, 0)
    assert instants_in(octets)[0] == 5
    assert bytes(octets).count(b"\x05") == 1


def test_publishers_of_the_same_keys_share_a_ring_unless_it_is_stamped() -> None:
    keys = ["a", "b"]
    load = Load(publisher_keys=[keys, keys], properties=wire.properties(), body=bytes(12))
    first, second = rings_of(load, [0, 1], 4_096)
    assert first is second
    stamped = Load(
        publisher_keys=[keys, keys],
        properties=wire.properties(),
        body=bytes(12),
        has_instants=True,
    )
    first, second = rings_of(stamped, [0, 1], 4_096)
    assert first is not second


@pytest.mark.parametrize("limit_bytes", [11, 200])
def test_more_than_the_limit_is_not_rendered(
    monkeypatch: pytest.MonkeyPatch, limit_bytes: int
) -> None:
    monkeypatch.setattr(messages, "RING_BYTES_MAX", limit_bytes)
    with pytest.raises(LoadError, match="fewer routing keys"):
        ring_of(["a", "b", "c"])
