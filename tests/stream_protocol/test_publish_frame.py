"""A Publish frame taken apart, by the twin and by what runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqp_server.stream_protocol import publish_frame
from amqp_server.stream_protocol.errors import MalformedFrameError
from amqp_server.stream_protocol.fields import I32, U8, U16, U32, U64
from amqp_server.stream_protocol.publish_frame import (
    PIECE_BYTES_MAX,
    New,
    PublishFrame,
    new_of,
    read_publish,
)
from tests.support.stream_peer import entry, publish_body
from tests.support.twins import twin_of

twin_module = twin_of("amqp_server.stream_protocol.publish_frame")
twin = twin_module.read_publish


def sub_batch(kind: int, count: int, uncompressed_bytes: int, octets: bytes) -> bytes:
    head = U8.pack(0x80 | kind << 4) + U16.pack(count)
    return head + U32.pack(uncompressed_bytes) + U32.pack(len(octets)) + octets


ENTRIES = st.one_of(
    st.binary(max_size=20).map(entry),
    st.builds(
        sub_batch, st.integers(0, 7), st.integers(0, 9), st.integers(0, 40), st.binary(max_size=9)
    ),
)
VALUES = st.one_of(st.none(), st.binary(max_size=4))


def body_of(items: list[tuple[int, bytes | None, bytes]], version: int, count: int | None) -> bytes:
    octets = b""
    for publishing_id, value, each in items:
        octets += U64.pack(publishing_id)
        if version == 2:
            octets += b"\xff\xff" if value is None else U16.pack(len(value)) + value
        octets += each
    return U8.pack(3) + I32.pack(len(items) if count is None else count) + octets


def outcome(read: object, body: bytes, version: int) -> object:
    try:
        found = read(body, version)  # type: ignore[operator]
    except Exception as error:  # noqa: BLE001 -- both must raise the same
        return type(error).__name__
    return found.publisher_id, [tuple(piece) for piece in found.pieces], found.refused_ids


@given(
    st.lists(st.tuples(st.integers(0, 2**64 - 1), VALUES, ENTRIES), max_size=8),
    st.sampled_from([1, 2]),
    st.one_of(st.none(), st.integers(-2, 12)),
    st.integers(0, 40),
)
def test_what_runs_reads_as_the_twin(
    items: list[tuple[int, bytes | None, bytes]], version: int, count: int | None, cut: int
) -> None:
    body = body_of(items, version, count)
    for octets in (body, body[: len(body) - cut]):
        found = outcome(read_publish, octets, version)
        assert found == outcome(twin, octets, version)


@given(st.binary(max_size=64), st.sampled_from([1, 2]))
def test_garbage_is_read_alike(octets: bytes, version: int) -> None:
    assert outcome(read_publish, octets, version) == outcome(twin, octets, version)


def test_entries_are_as_a_chunk_has_them() -> None:
    found = read_publish(publish_body(9, (1, b"one"), (5, b"two")), 1)
    (piece,) = found.pieces
    assert found == PublishFrame(9, [piece], b"")
    assert piece.entries == entry(b"one") + entry(b"two")
    assert piece.ids == U64.pack(1) + U64.pack(5)
    assert (piece.entry_count, piece.record_count) == (2, 2)
    assert (piece.lowest_id, piece.highest_id, piece.is_ascending) == (1, 5, True)
    assert piece.filter_values == frozenset()


@given(
    st.lists(st.tuples(st.integers(0, 5) | st.integers(0, 2**64 - 1), ENTRIES), max_size=8),
    st.integers(-1, 6) | st.integers(0, 2**64 - 1),
)
def test_what_runs_finds_the_new_ones_as_the_twin(
    items: list[tuple[int, bytes]], known: int
) -> None:
    body = body_of([(number, None, each) for number, each in items], 1, None)
    for piece in read_publish(body, 1).pieces:
        assert tuple(new_of(piece, known)) == tuple(twin_module.new_of(piece, known))


def test_new_is_what_is_above_all_before() -> None:
    (piece,) = read_publish(publish_body(0, (2, b"a"), (4, b"b"), (3, b"c"), (5, b"d")), 1).pieces
    assert new_of(piece, 2) == New(entry(b"b") + entry(b"d"), 2, 2, 5)
    assert new_of(piece, 5) == New(b"", 0, 0, 5)
    (piece,) = read_publish(publish_body(0, (0, b"a")), 1).pieces
    assert new_of(piece, -1).highest_id == 0
    assert new_of(piece, 0).entry_count == 0


def test_equal_ids_do_not_ascend() -> None:
    (piece,) = read_publish(publish_body(0, (1, b""), (1, b"")), 1).pieces
    assert not piece.is_ascending


def test_a_piece_is_at_most_a_chunk() -> None:
    size_bytes = PIECE_BYTES_MAX // 2 - 4
    found = read_publish(publish_body(0, *[(n, bytes(size_bytes)) for n in range(3)]), 1)
    assert [piece.entry_count for piece in found.pieces] == [2, 1]
    large = read_publish(publish_body(0, (0, bytes(PIECE_BYTES_MAX)), (1, b"")), 1)
    assert [piece.entry_count for piece in large.pieces] == [1, 1]


def test_filter_values_of_version_2() -> None:
    items = [(0, b"eu", entry(b"a")), (1, None, entry(b"b")), (2, b"eu", entry(b"c"))]
    (piece,) = read_publish(body_of(items, 2, None), 2).pieces
    assert piece.filter_values == {b"eu", b""}
    (piece,) = read_publish(body_of(items[1:2], 2, None), 2).pieces
    assert piece.filter_values == frozenset()


def test_a_count_that_the_frame_does_not_hold_is_malformed() -> None:
    body = publish_body(0, (1, b"a"))
    for count in (0, 2, 2**31 - 1):
        with pytest.raises(MalformedFrameError):
            read_publish(body[:1] + I32.pack(count) + body[5:], 1)
    assert publish_frame.read_publish(U8.pack(4) + I32.pack(-1), 1).pieces == []
