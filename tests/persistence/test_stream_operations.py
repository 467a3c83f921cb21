"""Records of mirrored streams as octets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.errors import DamagedError
from persistence.front_numbers import FrontNumber
from persistence.operations import decode_operations
from persistence.stream_operations import (
    STREAM_MARK,
    StreamKept,
    StreamState,
    StreamSubmitted,
    decode_stream_operation,
    encode_stream_chunks,
    encode_stream_kept,
    encode_stream_state,
    encode_stream_submitted,
    stream_snapshot,
)

SIZES = st.integers(0, 2**62)


@given(SIZES, st.binary(min_size=1, max_size=40), st.text("abcä", min_size=1, max_size=9), SIZES)
def test_a_run_that_was_submitted_comes_back(
    offset: int, chunk: bytes, node: str, number: int
) -> None:
    last = FrontNumber(node, 3, number)
    octets = b"".join(encode_stream_submitted(offset, 1, [chunk], last))
    assert len(octets) % 8 == 0
    (found,) = decode_operations(memoryview(octets))
    assert isinstance(found, StreamSubmitted)
    assert (found.chunks.first_offset, bytes(found.chunks.octets)) == (offset, chunk)
    assert (found.last, found.queue_id) == (last, 0)


def test_what_is_kept_comes_back() -> None:
    (found,) = decode_operations(memoryview(encode_stream_kept(70, 5_000)))
    assert found == StreamKept(0, 70, 5_000)


def test_a_record_may_end_a_segment() -> None:
    (found,) = decode_operations(memoryview(encode_stream_kept(70, 500, ends_segment=True)))
    assert found == StreamKept(0, 70, 500, ends_segment=True)


@pytest.mark.parametrize("after", [None, 0, 12])
def test_a_snapshot_says_what_it_is_behind(after: int | None) -> None:
    octets = encode_stream_state(StreamState(StreamKept(0, 7, 900), after, bytes(24)))
    chunks = b"".join(encode_stream_chunks(0, 7, 1, [b"chunk"]))
    found = stream_snapshot(STREAM_MARK + octets + chunks)
    assert found is not None
    assert (found.kept, found.after, bytes(found.references)) == (
        StreamKept(0, 7, 900),
        after,
        bytes(24),
    )
    assert found.queue_id == 0


def test_the_snapshot_of_another_queue_is_none() -> None:
    assert stream_snapshot(bytes(24)) is None
    assert stream_snapshot(b"") is None


@pytest.mark.parametrize("octets", [b"", encode_stream_kept(1, 2)])
def test_a_snapshot_of_a_stream_begins_with_its_state(octets: bytes) -> None:
    with pytest.raises(DamagedError, match="snapshot of a stream"):
        stream_snapshot(STREAM_MARK + octets)


def test_what_is_too_short_is_damage() -> None:
    octets = bytearray(encode_stream_kept(1, 2))
    with pytest.raises(DamagedError, match="about a stream"):
        decode_stream_operation(memoryview(octets)[:32])
