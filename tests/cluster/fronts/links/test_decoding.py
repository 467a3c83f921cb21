"""Hostile frames: each count and length is held against its bound first."""

from contextlib import suppress
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.fronts.links.decoding import NUMBER_MAX, Begun, decode, frames_of
from cluster.fronts.links.encoding import Frame, encode
from cluster.fronts.links.layout import (
    ASK,
    BATCH,
    CONSUME,
    CONSUMER,
    DELIVER,
    FRAME,
    FRAMES_MAX,
    PUBLISH,
    QUEUE_AND_1,
    QUEUE_AND_2,
    RANGE,
    RANGES_MAX,
    SETTLE,
    FrameKind,
)
from cluster.links.decoding import QueueNames
from cluster.links.errors import LinkError
from persistence.codec import decode_run, encode_run
from tests.support.front_frames import plain, to_front, to_leader
from tests.support.records import run_of

BIG = (1 << 64) - 1
RECORD = encode_run(run_of(b"x"))


def names(*queues: str) -> QueueNames:
    known = QueueNames()
    for number, queue in enumerate(queues or ("q",), 1):
        known.learn(memoryview(pack("<I", number) + queue.encode()))
    return known


def batch(
    count: int, size: int, *, flags: int = 0, first: int = 1, consumers: int = 1, told: int = 1
) -> bytes:
    head = DELIVER.pack(1, consumers) + CONSUMER.pack(2) * told
    return head + BATCH.pack(flags, 0, first, count, size)


@given(st.one_of(to_leader(), to_front()))
@settings(max_examples=300, deadline=None)
def test_what_was_encoded_is_decoded(frame: Frame) -> None:
    encoded = encode(frame, 1)
    records = b"" if encoded.run is None else encode_run(encoded.run)
    found = decode(encoded.kind, memoryview(encoded.head + records), names(frame.queue))
    if isinstance(found, Begun):
        assert found.octets == records
        found = found.make(decode_run(found.octets, found.message_count))
    assert plain(found) == plain(frame)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FrameKind.PUBLISH, PUBLISH.pack(1, 1, 0, 0, 0, 0)),
        (FrameKind.PUBLISH, PUBLISH.pack(1, 0, 0, 0, 1, len(RECORD)) + RECORD),
        (FrameKind.PUBLISH, PUBLISH.pack(1, 5, 5, 0, 1, len(RECORD)) + RECORD),
        (FrameKind.PUBLISH, PUBLISH.pack(2, 1, 0, 0, 1, len(RECORD)) + RECORD),
        (FrameKind.PUBLISH, PUBLISH.pack(1, 1, 0, 0, (1 << 32) - 1, 400) + RECORD),
        (FrameKind.PUBLISH, PUBLISH.pack(1, 1, 0, 0, 2, BIG) + RECORD),
        (FrameKind.PUBLISH, PUBLISH.pack(1, 1, 0, 0, 1, len(RECORD) - 8) + RECORD),
        (FrameKind.DELIVER, batch(0, 0)),
        (FrameKind.DELIVER, batch(1, len(RECORD), consumers=0, told=0) + RECORD),
        (FrameKind.DELIVER, batch(1, len(RECORD), consumers=2, told=2) + RECORD),
        (FrameKind.DELIVER, batch(1, len(RECORD), consumers=(1 << 32) - 1) + RECORD),
        (FrameKind.DELIVER, batch(1, len(RECORD), first=NUMBER_MAX) + RECORD),
        (FrameKind.DELIVER, batch(1, len(RECORD), flags=2) + RECORD),
        (FrameKind.DELIVER, batch((1 << 32) - 1, BIG, first=BIG)),
        (FrameKind.GOT, QUEUE_AND_2.pack(1, 2, 3) + b"x"),
        (
            FrameKind.GOT,
            QUEUE_AND_2.pack(1, 2, 3) + BATCH.pack(0, 0, 1, 2, 2 * len(RECORD)) + RECORD * 2,
        ),
        (FrameKind.SETTLE, SETTLE.pack(1, 1)),
        (FrameKind.SETTLE, SETTLE.pack(1, 9) + RANGE.pack(1, 1, 1)),
        (FrameKind.SETTLE, SETTLE.pack(1, 1) + RANGE.pack(1, 0, 1)),
        (FrameKind.SETTLE, SETTLE.pack(1, 1) + RANGE.pack(1, 1, 0)),
        (FrameKind.SETTLE, SETTLE.pack(1, 1) + RANGE.pack(BIG, BIG, BIG)),
        (FrameKind.SETTLE, SETTLE.pack(1, 1) + RANGE.pack(1, 1, 1)[:-1]),
        (FrameKind.SETTLE, SETTLE.pack(1, 1) + RANGE.pack(1, 1, 1) * (RANGES_MAX + 1)),
        (FrameKind.ASK, ASK.pack(1, 1, 0)),
        (FrameKind.CONSUME, CONSUME.pack(1, 1, 1, 1, 1, 0, 4, 0) + b"\0\0"),
        (FrameKind.CONSUME, CONSUME.pack(1, 1, 1, 1, 1, 0, 0, 9) + b"\0\0"),
        (FrameKind.CONSUME, CONSUME.pack(1, 1, 1, 1, 1, 0, 0, 0)),
        (FrameKind.REFUSED, QUEUE_AND_2.pack(1, 5, 4)),
        (FrameKind.REFUSED, QUEUE_AND_2.pack(1, 0, 4)),
        (FrameKind.OPEN, QUEUE_AND_1.pack(0, 4)),
        (FrameKind.OPEN, QUEUE_AND_1.pack(1, 4) + b"x"),
        (0, b""),
    ],
)
def test_hostile_frames_are_refused(kind: int, body: bytes) -> None:
    with pytest.raises(LinkError):
        decode(kind, memoryview(body), names())


@given(st.sampled_from(FrameKind), st.binary(max_size=120))
@settings(max_examples=500, deadline=None)
def test_whatever_the_octets_are_there_is_a_frame_or_a_link_error(
    kind: FrameKind, body: bytes
) -> None:
    with suppress(LinkError):
        decode(kind, memoryview(body), names())


@pytest.mark.parametrize(
    "body",
    [b"", b"\1", FRAME.pack(1, 1), FRAME.pack(1, 1 << 31), FRAME.pack(1, 0) * (FRAMES_MAX + 1)],
)
def test_an_envelope_that_is_not_its_frames_is_refused(body: bytes) -> None:
    with pytest.raises(LinkError):
        list(frames_of(memoryview(body)))


def test_frames_lie_one_behind_the_other() -> None:
    body = FRAME.pack(1, 2) + b"ab" + FRAME.pack(2, 0) + FRAME.pack(3, 1) + b"c"
    found = [(kind, bytes(octets)) for kind, octets in frames_of(memoryview(body))]
    assert found == [(1, b"ab"), (2, b""), (3, b"c")]
