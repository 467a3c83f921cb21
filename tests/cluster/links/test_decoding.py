"""What is made up, or contradicts itself, is refused, and raises nothing else."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.links.decoding import Begun, QueueNames, decode_leader_frame, decode_mirror_frame
from cluster.links.encoding import encode_leader_frame, encode_mirror_frame
from cluster.links.errors import LinkError
from cluster.links.hello import decode_hello
from cluster.links.kinds import Kind
from cluster.links.layout import QUEUE
from cluster.links.payload import size_of
from cluster.replication.frames import (
    Ack,
    Append,
    Ends,
    LeaderFrame,
    MirrorFrame,
    Snapshot,
    Tail,
)
from cluster.replication.state import ReplicaId
from tests.support.link_frames import known, leader_frames, mirror_frames

KINDS = st.sampled_from([*Kind, 0, 77, 255])


@given(KINDS, st.integers(0, 3), st.binary(max_size=120))
@settings(max_examples=1_500, deadline=None)
def test_garbage_in_a_good_envelope_is_refused_and_raises_nothing_else(
    kind: int, flags: int, body: bytes
) -> None:
    names = QueueNames()
    names.learn(memoryview(QUEUE.pack(1) + b"q"))
    view = memoryview(body)
    for decode in (
        lambda: decode_leader_frame(kind, flags, view, names),
        lambda: decode_mirror_frame(kind, view, names),
        lambda: decode_hello(view),
        lambda: QueueNames().learn(view),
    ):
        with suppress(LinkError):
            decode()


@given(leader_frames() | mirror_frames(), st.data())
@settings(max_examples=400, deadline=None)
def test_fields_that_were_changed_are_refused_or_are_a_frame(
    frame: LeaderFrame | MirrorFrame, data: st.DataObject
) -> None:
    # The checksum is right: a peer with a fault of its own, not a damaged line.
    names = QueueNames()
    names.learn(memoryview(QUEUE.pack(1) + b"q"))
    number = 1 if not isinstance(frame, Ack) else 0
    if isinstance(frame, LeaderFrame):
        payload = getattr(frame, "payload", b"")
        kind, head = encode_leader_frame(frame, number, size_of(payload))
        body = bytearray(head + (payload if isinstance(payload, bytes) else b""))
    else:
        kind, head = encode_mirror_frame(frame, number)
        body = bytearray(head)
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] = data.draw(st.integers(0, 255))
    view = memoryview(bytes(body))
    with suppress(LinkError):
        if isinstance(frame, LeaderFrame):
            assert isinstance(decode_leader_frame(kind, 0, view, names), Begun)
        else:
            decode_mirror_frame(kind, view, names)


STRANGE: list[tuple[LeaderFrame | MirrorFrame, int, str]] = [
    (Append("q", 1, 0, 0, 0, b"", 1, 0), 0, "a run without records"),
    (Append("q", 1, 0, 0, 9, b"ab", 1, 0), 2, "9 records in 2 octets"),
    (Tail("q", 1, 0, 0, (), 2, b"ab", 0), 2, "not those of the records"),
    (Tail("q", 1, 0, 0, ((1, 1),), 0, b"", 0), 0, "an epoch begins at 1, the log ends at 0"),
    (Tail("q", 1, 5, 0, ((1, 7),), 2, b"ab", 0), 2, "not those of the records"),
    (Tail("q", 1, 5, 0, ((2, 6),), 2, b"ab", 0), 2, "epoch 2 in a frame of epoch 1"),
    (Snapshot("q", 9, 9, ((2, 1), (2, 2)), b""), 0, "does not grow"),
    (Snapshot("q", 9, 9, ((2, 4), (3, 4)), b""), 0, "does not grow"),
    (Snapshot("q", 9, 9, ((2, 10),), b""), 0, "an epoch begins at 10, the log ends at 9"),
    (Ends("q", 1, ReplicaId("n", "d"), ((1, 5),), 4, 0), 0, "an epoch begins at 5"),
    (Ends("q", 1, ReplicaId("n", "d"), (), 4, 5), 0, "a log from 5 to 4"),
]


@pytest.mark.parametrize(("frame", "size", "reason"), STRANGE)
def test_what_contradicts_itself_is_refused(
    frame: LeaderFrame | MirrorFrame, size: int, reason: str
) -> None:
    with pytest.raises(LinkError, match=reason):
        decoded(frame, size)


def decoded(frame: LeaderFrame | MirrorFrame, size: int) -> None:
    if isinstance(frame, LeaderFrame):
        kind, head = encode_leader_frame(frame, 1, size)
        octets = getattr(frame, "payload", b"")
        decode_leader_frame(kind, 0, memoryview(head + octets), known("q"))
    else:
        kind, head = encode_mirror_frame(frame, 1)
        decode_mirror_frame(kind, memoryview(head), known("q"))
