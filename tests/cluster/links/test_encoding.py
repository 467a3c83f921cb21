"""Frames as octets and back."""

import pytest
from hypothesis import given, settings

from cluster.links.decoding import QueueNames, decode_leader_frame
from cluster.links.encoding import QueueNumbers, encode_leader_frame
from cluster.links.errors import LinkError
from cluster.links.layout import QUEUE, QUEUES_MAX, TABLE_ROWS_MAX
from cluster.replication.frames import (
    LeaderFrame,
    MirrorFrame,
    Snapshot,
)
from tests.support.link_frames import known, leader_frames, mirror_frames, opened, sealed


@given(leader_frames() | mirror_frames())
@settings(max_examples=300, deadline=None)
def test_a_frame_comes_back_as_it_was(frame: LeaderFrame | MirrorFrame) -> None:
    assert opened(b"".join(sealed(frame, QueueNumbers()))) == frame


def test_names_and_tables_have_bounds() -> None:
    numbers, names = QueueNumbers(), QueueNames()
    with pytest.raises(LinkError, match="1025 octets"):
        numbers.of("q" * 1_025)
    with pytest.raises(LinkError, match="1025 octets"):
        names.learn(memoryview(QUEUE.pack(1) + b"q" * 1_025))
    with pytest.raises(LinkError, match="queue 7 is told after 0 others"):
        QueueNames().learn(memoryview(QUEUE.pack(7) + b"q"))
    with pytest.raises(LinkError, match="queue 1 has no name"):
        QueueNames().of(1)
    with pytest.raises(LinkError, match="that is not UTF-8"):
        QueueNames().learn(memoryview(QUEUE.pack(1) + b"\xff"))
    table = tuple((each, each) for each in range(1, TABLE_ROWS_MAX + 2))
    with pytest.raises(LinkError, match="65537 rows"):
        encode_leader_frame(Snapshot("q", 1 << 40, 1 << 40, table, b""), 1, 0)
    kind, head = encode_leader_frame(Snapshot("q", 1 << 40, 1 << 40, table[:-1], b""), 1, 0)
    begun = decode_leader_frame(kind, 0, memoryview(head), known("q"))
    assert isinstance(begun.frame, Snapshot)
    assert begun.frame.table == table[:-1]
    assert QUEUES_MAX == 1_000_000
