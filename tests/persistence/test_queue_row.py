"""A queue's row in a checkpoint: what is not one is refused; the rest is ``test_checkpoint``'s."""

import struct

import pytest

from persistence.chunk_table import StoredChunk
from persistence.errors import DamagedError
from persistence.log_form import LogForm
from persistence.queue_row import QueueSnapshot, decode_queue_row
from persistence.settled import PositionSet
from persistence.slices import Slice
from tests.support.records import run_of

CHUNK = StoredChunk(0, 1, 2, 2, 3, 1, 32, 100)
FEW = Slice(run_of(b"a"), range(5, 6), 0)


def test_a_row_is_read_as_it_was_written() -> None:
    row = QueueSnapshot(7, 9, 8, 2, PositionSet(4), [CHUNK], [(3, 1)], [FEW])
    octets = row.encode()
    assert len(octets) % 8 == 0
    found = decode_queue_row(7, octets)
    assert found[:4] == row[:4]
    assert (found.settled.encode(), found.chunks) == (row.settled.encode(), [CHUNK])
    assert (found.requeued, list(found.few[0].positions)) == ([(3, 1)], [5])
    assert found.form is LogForm.QUEUE


def test_it_says_whether_there_are_messages() -> None:
    empty = QueueSnapshot(7, 9, 8, 2, PositionSet(9), [])
    assert not empty.holds_messages
    assert empty._replace(chunks=[CHUNK]).holds_messages
    assert empty._replace(few=[FEW]).holds_messages


def test_a_row_that_ends_too_early_is_refused() -> None:
    octets = QueueSnapshot(7, 9, 8, 2, PositionSet(4), [CHUNK], [(3, 1)]).encode()
    for size_bytes in range(len(octets) - 8):
        with pytest.raises((DamagedError, struct.error)):
            decode_queue_row(7, octets[:size_bytes])


def test_another_operation_than_messages_is_refused() -> None:
    octets = bytearray(QueueSnapshot(7, 9, 8, 2, PositionSet(4), [], [], [FEW]).encode())
    octets[40] = 4  # A DROP of that length.
    with pytest.raises(DamagedError):
        decode_queue_row(7, octets)
