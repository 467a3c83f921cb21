"""Publish frames taken apart, by the twin and by what runs."""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqp_server.stream_protocol import publish_frame
from amqp_server.stream_protocol.errors import MalformedFrameError
from amqp_server.stream_protocol.fields import I32, U8, U16, U32, U64
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import CommandKey
from amqp_server.stream_protocol.publish_frame import (
    PIECE_BYTES_MAX,
    New,
    PublishFrames,
    new_of,
    read_run,
)
from tests.support.stream_peer import entry, publish_body
from tests.support.twins import twin_of

twin_module = twin_of("amqp_server.stream_protocol.publish_frame")
FRAME_MAX_BYTES = 4 << 20
HEAD_BYTES = 8


def sub_batch(kind: int, count: int, uncompressed_bytes: int, octets: bytes) -> bytes:
    head = U8.pack(0x80 | kind << 4) + U16.pack(count)
    return head + U32.pack(uncompressed_bytes) + U32.pack(len(octets)) + octets


ENTRIES = st.one_of(
    st.binary(max_size=20).map(entry),
    st.builds(
        sub_batch, st.integers(0, 7), st.integers(0, 9), st.integers(0, 40), st.binary(max_size=9)
    ),
)
VALUES = st.one_of(st.none(), st.binary(max_size=4), st.sampled_from([b"eu", b"us", b"ap"]))


def body_of(items: list[tuple[int, bytes | None, bytes]], version: int, count: int | None) -> bytes:
    octets = b""
    for publishing_id, value, each in items:
        octets += U64.pack(publishing_id)
        if version == 2:
            octets += b"\xff\xff" if value is None else U16.pack(len(value)) + value
        octets += each
    return U8.pack(3) + I32.pack(len(items) if count is None else count) + octets


def of_frames(*bodies: bytes, version: int = 1) -> bytes:
    return b"".join([frame(CommandKey.PUBLISH, body, version) for body in bodies])


def read_frame(body: bytes, version: int = 1) -> PublishFrames:
    """Return the run of one frame."""
    octets = of_frames(body, version=version)
    run, end = read_run(octets, 0, FRAME_MAX_BYTES)
    assert end == len(octets)
    return run


def outcomes(module: ModuleType, octets: bytes, frame_max_bytes: int) -> list[object]:
    """Return what each run came to, one after the other."""
    found: list[object] = []
    at = 0
    while len(octets) - at >= HEAD_BYTES:
        size_bytes = int.from_bytes(octets[at : at + 4], "big")
        if size_bytes > frame_max_bytes or at + 4 + size_bytes > len(octets):
            break
        run, end = module.read_run(memoryview(octets), at, frame_max_bytes)
        assert end > at, "a run has a frame at least"
        pieces = [tuple(piece) for piece in run.pieces]
        found.append((run.publisher_id, pieces, run.refused_ids, run.fault is None, end))
        at = end
    return found


IDS = st.integers(0, 5) | st.integers(0, 2**64 - 1)
ITEMS = st.lists(st.tuples(IDS, VALUES, ENTRIES), max_size=6)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Return a frame that is mostly right, and mostly fits the one before."""
    version = draw(st.sampled_from([1, 1, 1, 2]))
    count = draw(st.sampled_from([None, None, None, -2, 0, 1, 7]))
    body = body_of(draw(ITEMS), version, count)
    body = U8.pack(draw(st.sampled_from([3, 3, 3, 4]))) + body[1:]
    cut = draw(st.sampled_from([0, 0, 0, 0, 1, 3, 30]))
    return of_frames(body[: max(len(body) - cut, 0)], version=version)


@given(st.lists(frames(), min_size=1, max_size=6), st.integers(0, 40), st.integers(60, 400))
def test_what_runs_reads_as_the_twin(parts: list[bytes], cut: int, frame_max_bytes: int) -> None:
    whole = b"".join(parts)
    for octets in (whole, whole[: len(whole) - cut]):
        found = outcomes(publish_frame, octets, frame_max_bytes)
        assert found == outcomes(twin_module, octets, frame_max_bytes)


@given(st.lists(st.binary(max_size=64), min_size=1, max_size=3), st.sampled_from([1, 2]))
def test_garbage_is_read_alike(bodies: list[bytes], version: int) -> None:
    octets = of_frames(*bodies, version=version)
    found = outcomes(publish_frame, octets, FRAME_MAX_BYTES)
    assert found == outcomes(twin_module, octets, FRAME_MAX_BYTES)


def test_frames_of_one_publisher_are_one_run() -> None:
    bodies = [publish_body(9, (number, b"m%d" % number)) for number in (4, 5, 7)]
    octets = b"before" + of_frames(*bodies) + b"\0\0\0\x20"
    run, end = read_run(octets, 6, FRAME_MAX_BYTES)
    assert end == len(octets) - 4
    (piece,) = run.pieces
    assert (run.publisher_id, run.refused_ids, run.fault) == (9, b"", None)
    assert piece.entries == entry(b"m4") + entry(b"m5") + entry(b"m7")
    assert (piece.lowest_id, piece.highest_id, piece.is_ascending) == (4, 7, True)


@pytest.mark.parametrize(
    "following",
    [
        of_frames(publish_body(2, (3, b""))),
        of_frames(body_of([(3, b"v", entry(b""))], 2, None), version=2),
        frame(CommandKey.CREDIT, U8.pack(1) + b"\0\1"),
        frame(CommandKey.HEARTBEAT, b""),
        of_frames(publish_body(1, (3, bytes(100)))),
        of_frames(publish_body(1, (3, b"cut")))[:-1],
        of_frames(publish_body(1, (3, b"broken"))[:-1]),
        of_frames(b"\1\0\0"),
        of_frames(b"\1"),
        of_frames(b""),
    ],
    ids=[
        "publisher",
        "version",
        "credit",
        "heartbeat",
        "large",
        "cut",
        "broken",
        "short",
        "shorter",
        "empty",
    ],
)
def test_a_run_ends_before_what_is_another_thing(following: bytes) -> None:
    own = of_frames(publish_body(1, (1, b"a")), publish_body(1, (2, b"b")))
    run, end = read_run(own + following, 0, 60)
    assert end == len(own)
    assert [piece.entry_count for piece in run.pieces] == [2]


def test_a_frame_that_is_none_is_a_run_of_its_own() -> None:
    octets = of_frames(publish_body(1, (1, b"a"))[:-1], publish_body(1, (2, b"b")))
    run, end = read_run(octets, 0, FRAME_MAX_BYTES)
    assert isinstance(run.fault, MalformedFrameError)
    assert run.pieces == []
    run, end = read_run(octets, end, FRAME_MAX_BYTES)
    assert (run.fault, end) == (None, len(octets))


def test_a_run_ends_behind_ids_that_are_refused() -> None:
    broken = U64.pack(5) + sub_batch(7, 1, 4, b"") + U64.pack(6) + entry(b"x")
    octets = of_frames(
        publish_body(1, (4, b"a")),
        U8.pack(1) + I32.pack(2) + broken,
        publish_body(1, (7, b"b")),
    )
    run, end = read_run(octets, 0, FRAME_MAX_BYTES)
    assert [piece.ids for piece in run.pieces] == [U64.pack(4)]
    assert run.refused_ids == U64.pack(5) + U64.pack(6)
    run, end = read_run(octets, end, FRAME_MAX_BYTES)
    assert [piece.ids for piece in run.pieces] == [U64.pack(7)]


def test_a_run_ends_behind_a_full_piece() -> None:
    third = bytes(PIECE_BYTES_MAX // 3)
    octets = of_frames(*[publish_body(1, (number, third)) for number in range(5)])
    run, end = read_run(octets, 0, FRAME_MAX_BYTES)
    assert [piece.entry_count for piece in run.pieces] == [2, 1]
    run, end = read_run(octets, end, FRAME_MAX_BYTES)
    assert ([piece.entry_count for piece in run.pieces], end) == ([2], len(octets))


def test_entries_are_as_a_chunk_has_them() -> None:
    found = read_frame(publish_body(9, (1, b"one"), (5, b"two")))
    (piece,) = found.pieces
    assert found == PublishFrames(9, [piece], b"")
    assert piece.entries == entry(b"one") + entry(b"two")
    assert piece.ids == U64.pack(1) + U64.pack(5)
    assert (piece.entry_count, piece.record_count) == (2, 2)
    assert (piece.lowest_id, piece.highest_id, piece.is_ascending) == (1, 5, True)
    assert piece.filter_values == frozenset()


@given(
    st.lists(st.tuples(IDS, ENTRIES), max_size=8),
    st.integers(-1, 6) | st.integers(0, 2**64 - 1),
)
def test_what_runs_finds_the_new_ones_as_the_twin(
    items: list[tuple[int, bytes]], known: int
) -> None:
    body = body_of([(number, None, each) for number, each in items], 1, None)
    for piece in read_frame(body).pieces:
        assert tuple(new_of(piece, known)) == tuple(twin_module.new_of(piece, known))


def test_new_is_what_is_above_all_before() -> None:
    (piece,) = read_frame(publish_body(0, (2, b"a"), (4, b"b"), (3, b"c"), (5, b"d"))).pieces
    assert new_of(piece, 2) == New(entry(b"b") + entry(b"d"), 2, 2, 5)
    assert new_of(piece, 5) == New(b"", 0, 0, 5)
    (piece,) = read_frame(publish_body(0, (0, b"a"))).pieces
    assert new_of(piece, -1).highest_id == 0
    assert new_of(piece, 0).entry_count == 0


def test_equal_ids_do_not_ascend() -> None:
    (piece,) = read_frame(publish_body(0, (1, b""), (1, b""))).pieces
    assert not piece.is_ascending


def test_a_piece_is_at_most_a_chunk() -> None:
    size_bytes = PIECE_BYTES_MAX // 2 - 4
    found = read_frame(publish_body(0, *[(n, bytes(size_bytes)) for n in range(3)]))
    assert [piece.entry_count for piece in found.pieces] == [2, 1]
    large = read_frame(publish_body(0, (0, bytes(PIECE_BYTES_MAX)), (1, b"")))
    assert [piece.entry_count for piece in large.pieces] == [1, 1]


def test_filter_values_of_version_2() -> None:
    items = [(0, b"eu", entry(b"a")), (1, None, entry(b"b")), (2, b"eu", entry(b"c"))]
    (piece,) = read_frame(body_of(items, 2, None), 2).pieces
    assert piece.filter_values == {b"eu", b""}
    (piece,) = read_frame(body_of(items[1:2], 2, None), 2).pieces
    assert piece.filter_values == frozenset()


def test_a_count_that_the_frame_does_not_hold_is_malformed() -> None:
    body = publish_body(0, (1, b"a"))
    for count in (0, 2, 2**31 - 1):
        run = read_frame(body[:1] + I32.pack(count) + body[5:])
        assert isinstance(run.fault, MalformedFrameError)
    assert read_frame(U8.pack(4) + I32.pack(-1)) == PublishFrames(4, [])


@pytest.mark.parametrize("count", [1, 3, 8, 9, 30])
def test_filter_values_in_turn_are_all_found(count: int) -> None:
    values = [b"value %d" % number for number in range(count)]
    items = [(number, values[number % count], entry(b"")) for number in range(3 * count)]
    (piece,) = read_frame(body_of(items, 2, None), 2).pieces  # type: ignore[arg-type]
    assert piece.filter_values == set(values)
