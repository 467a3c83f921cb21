"""Entries of the write-ahead log: what is encoded is decoded, and nothing else is."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.errors import DamagedError
from persistence.format import OPERATION_HEAD
from persistence.front_numbers import FrontNumber
from persistence.operations import (
    POSITION_MAX,
    Drop,
    Enqueue,
    Expires,
    Operation,
    Requeued,
    Settle,
    Submitted,
    decode_operations,
    encode_drop,
    encode_enqueue,
    encode_requeued,
    encode_settle,
    encode_submitted,
)
from persistence.record import Record
from persistence.stream_operations import (
    StreamChunks,
    StreamOffset,
    encode_stream_chunks,
    encode_stream_offset,
)
from tests.support.records import run_of


def only(octets: bytes) -> Operation:
    """Return the one entry that is there."""
    (entry,) = decode_operations(memoryview(octets))
    return entry


@pytest.mark.parametrize("expires_at_ms", [None, 0, 1_900_000_000_000, (5, 6, -7)])
def test_an_enqueue_comes_back(expires_at_ms: Expires) -> None:
    run = run_of(b"a", b"bc", b"")
    octets = b"".join(encode_enqueue(9, 2**40, run, expires_at_ms))
    assert len(octets) % 8 == 0
    entry = only(octets)
    assert isinstance(entry, Enqueue)
    assert entry[:4] == (9, 2**40, 3, expires_at_ms)
    assert list(entry.run()) == run


@pytest.mark.parametrize("expires_at_ms", [None, 0, 1_900_000_000_000, (5, 6, -7)])
def test_what_a_front_end_submitted_comes_back(expires_at_ms: Expires) -> None:
    run = run_of(b"a", b"bc", b"")
    last = FrontNumber("rabbit@one", 7, 12)
    octets = b"".join(encode_submitted(2**40, run, expires_at_ms, last))
    assert len(octets) % 8 == 0
    entry = only(octets)
    assert isinstance(entry, Submitted)
    assert (entry.queue_id, entry.last) == (0, last)
    assert entry.enqueue[:4] == (0, 2**40, 3, expires_at_ms)
    assert list(entry.enqueue.run()) == run


@pytest.mark.parametrize("positions", [range(1), range(5, 9), range(2**40, 2**40 + 30, 3)])
def test_positions_come_back(positions: range) -> None:
    assert only(encode_settle(7, positions)) == Settle(7, positions)
    assert only(encode_requeued(7, positions, 4)) == Requeued(7, positions, 4)


def test_a_drop_comes_back() -> None:
    assert only(encode_drop(2**64 - 1)) == Drop(2**64 - 1)


def test_entries_come_back_in_order() -> None:
    run: list[Record] = run_of(b"x")
    octets = b"".join(
        [encode_settle(1, range(2)), *encode_enqueue(1, 2, run), encode_drop(3), encode_drop(4)]
    )
    kinds = [type(entry) for entry in decode_operations(memoryview(octets))]
    assert kinds == [Settle, Enqueue, Drop, Drop]
    assert list(decode_operations(memoryview(b""))) == []


SETTLE = encode_settle(1, range(4))


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (SETTLE[:-1], "got 31 octets"),
        (SETTLE + bytes(8), "expected an operation at byte 32, got 8"),
        (bytes(32), "got one of 0"),
        (SETTLE[:4] + struct.pack("<I", 40) + SETTLE[8:], "got one of 40"),
        (SETTLE[:4] + struct.pack("<I", 36) + SETTLE[8:] + bytes(8), "got one of 36"),
        (b"\x09" + SETTLE[1:], "got 9 of 32"),
        (b"\x03" + SETTLE[1:], "got 3 of 32"),
        (SETTLE[:24] + bytes(4) + SETTLE[28:], "got 4 from 0 by 0"),
        (SETTLE[:28] + bytes(4), "got 0 from 0 by 1"),
        (OPERATION_HEAD.pack(2, 0, 0, 32, 1, POSITION_MAX, 1, 1), "expected positions"),
        (OPERATION_HEAD.pack(1, 0, 0, 32, 1, 0, 0, 0), "expected positions"),
        (OPERATION_HEAD.pack(1, 3, 0, 32, 1, 0, 0, 1), "expiry of 0 to 2, got 3"),
        (OPERATION_HEAD.pack(1, 2, 0, 40, 1, 0, 0, 2) + bytes(8), "2 instants, got 8"),
    ],
)
def test_what_is_no_entry_is_damage(octets: bytes, text: str) -> None:
    with pytest.raises(DamagedError, match=text):
        list(decode_operations(memoryview(octets)))


def test_an_enqueue_of_other_octets_is_damage_when_it_is_looked_at() -> None:
    entry = only(OPERATION_HEAD.pack(1, 0, 0, 32, 1, 0, 0, 1))
    assert isinstance(entry, Enqueue)
    with pytest.raises(DamagedError, match="a record"):
        entry.run()


@given(st.binary(max_size=200))
def test_noise_is_damage_or_entries_and_nothing_else(noise: bytes) -> None:
    try:
        entries = list(decode_operations(memoryview(noise)))
    except DamagedError:
        return
    assert len(entries) <= len(noise) // OPERATION_HEAD.size


@given(
    st.integers(0, (1 << 62) - 1),
    st.integers(0, (1 << 64) - 1),
    st.integers(1, 9),
    st.lists(st.binary(min_size=1)),
)
def test_chunks_of_a_stream_and_stored_offsets(
    queue_id: int, offset: int, count: int, parts: list[bytes]
) -> None:
    octets = b"".join(encode_stream_chunks(queue_id, offset, count, parts))
    reference = b"".join(parts)[:255]
    stored = b"".join(encode_stream_offset(queue_id, reference, offset))
    assert not len(octets) % 8
    assert not len(stored) % 8
    chunks, found = decode_operations(memoryview(octets + stored))
    assert isinstance(chunks, StreamChunks)
    assert (chunks.queue_id, chunks.first_offset) == (queue_id, offset)
    assert bytes(chunks.octets) == b"".join(parts)
    assert found == StreamOffset(queue_id, reference, offset)


def test_a_stored_offset_with_a_longer_reference_than_it_has_is_refused() -> None:
    octets = bytearray(b"".join(encode_stream_offset(1, b"c", 2)))
    octets[28] = 200
    with pytest.raises(DamagedError):
        list(decode_operations(memoryview(octets)))
