"""What a checkpoint holds: the same after a restart, and damage of a queue is that queue's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.checkpoint import (
    Snapshot,
    decode_checkpoint,
    encode_checkpoint,
)
from persistence.chunk_table import StoredChunk
from persistence.errors import DamagedError
from persistence.format import CHECKPOINT_HEADER
from persistence.queue_row import QueueSnapshot
from persistence.settled import PositionSet
from persistence.slices import Slice
from persistence.stored_log import Row
from tests.support.records import run_of

u32 = st.integers(0, (1 << 32) - 1)
u62 = st.integers(0, (1 << 62) - 1)
chunks = st.builds(
    StoredChunk, st.integers(0, 254), u62, u62, u32, u62, u32, u62, u32, st.booleans()
)


@st.composite
def queues(draw: st.DrawFn, queue_id: int) -> QueueSnapshot:
    settled = PositionSet(draw(st.integers(0, 100)))
    settled.add(range(200, 200 + draw(st.integers(0, 9)), 2))
    few = [
        Slice(run_of(*[b"x"] * count), range(first, first + count), expires)
        for first, count, expires in draw(
            st.lists(st.tuples(u32, st.integers(1, 3), st.integers(0, 9)), max_size=2)
        )
    ]
    requeued = draw(st.lists(st.tuples(u62, u32), max_size=3))
    return QueueSnapshot(
        queue_id, draw(u62), draw(u62), draw(u32), settled, draw(st.lists(chunks)), requeued, few
    )


def comparable(queue: Row) -> tuple[object, ...]:
    assert isinstance(queue, QueueSnapshot)
    few = [(list(each.records), each.positions, each.expires_at_ms) for each in queue.few]
    return (*queue[:4], queue.settled.encode(), list(queue.chunks), list(queue.requeued), few)


@settings(deadline=None)
@given(st.data(), st.sets(u62, max_size=3), u62, u62, u62)
def test_what_was_written_is_read(
    data: st.DataObject, queue_ids: set[int], lsn: int, wal_number: int, next_queue_id: int
) -> None:
    held: dict[int, Row] = {queue_id: data.draw(queues(queue_id)) for queue_id in queue_ids}
    written = Snapshot(lsn, wal_number, next_queue_id, held)
    read = decode_checkpoint(b"".join(encode_checkpoint(written)))
    assert (read.lsn, read.wal_number, read.next_queue_id) == (lsn, wal_number, next_queue_id)
    assert read.damages == []
    assert {queue_id: comparable(row) for queue_id, row in read.queues.items()} == {
        queue_id: comparable(queue) for queue_id, queue in held.items()
    }


def snapshot_of(*queue_ids: int) -> Snapshot:
    chunk = StoredChunk(0, 1, 2, 2, 3, 1, 32, 100)
    return Snapshot(
        5,
        6,
        7,
        {
            queue_id: QueueSnapshot(queue_id, 9, 8, 2, PositionSet(4), [chunk], [(3, 1)])
            for queue_id in queue_ids
        },
    )


def test_every_flipped_bit_is_seen_and_costs_one_queue_at_most() -> None:
    written = snapshot_of(1, 2, 3)
    octets = b"".join(encode_checkpoint(written))
    for at in range(len(octets)):
        damaged = bytearray(octets)
        damaged[at] ^= 1 << at % 8
        try:
            read = decode_checkpoint(bytes(damaged))
        except DamagedError:
            assert at < CHECKPOINT_HEADER.size, "only the header takes all with it"
            continue
        assert read.damages, f"octet {at}"
        assert all(
            comparable(queue) == comparable(written.queues[queue_id])
            for queue_id, queue in read.queues.items()
        )
        assert (read.lsn, read.wal_number) == (0, 0), "the whole log is replayed"


def test_a_damaged_row_leaves_the_others() -> None:
    octets = bytearray(b"".join(encode_checkpoint(snapshot_of(1, 2, 3))))
    octets[CHECKPOINT_HEADER.size + 16 + 24] ^= 1
    assert sorted(decode_checkpoint(bytes(octets)).queues) == [2, 3]


@pytest.mark.parametrize("cut", [0, 8, 40, 60, 200])
def test_a_checkpoint_that_is_cut_is_damaged(cut: int) -> None:
    octets = b"".join(encode_checkpoint(snapshot_of(1, 2)))
    try:
        damages = decode_checkpoint(octets[:cut]).damages
    except DamagedError as error:
        damages = [str(error)]
    assert len(damages) == 1
