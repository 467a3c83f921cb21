"""The row of a replica in a checkpoint."""

import struct
from unittest.mock import patch

import pytest

from persistence.errors import DamagedError
from persistence.front_numbers import FrontNumber, Published
from persistence.log_form import LogForm
from persistence.operations import encode_settle
from persistence.queue_row import QueueSnapshot
from persistence.replicas import row
from persistence.replicas.records import Piece
from persistence.replicas.row import ReplicaSnapshot, decode_replica_row
from persistence.settled import PositionSet

RECORD = encode_settle(0, range(3))
MESSAGES = QueueSnapshot(7, 3, 0, 1, PositionSet(3), [])
ROW = ReplicaSnapshot(
    12,
    4,
    8,
    ((1, 1), (4, 9)),
    [Piece(8, 1, RECORD), Piece(9, 2, RECORD + RECORD)],
    MESSAGES,
    [Published(0, FrontNumber("a", 7, 12), 5)],
)


def test_a_row_comes_back() -> None:
    found = decode_replica_row(7, memoryview(ROW.encode()))
    assert found[:5] == ROW[:5]
    assert found.messages.next_position == 3
    assert found.published == ROW.published
    assert (found.form, found.queue_id, found.holds_messages) == (LogForm.MIRRORED, 7, True)


def test_a_replica_without_records_and_messages_holds_none() -> None:
    assert not ROW._replace(pieces=()).holds_messages


@pytest.mark.parametrize("size_bytes", [0, 39, 60, 150, len(ROW.encode()) - 8])
def test_a_row_that_is_too_short_is_damage(size_bytes: int) -> None:
    with pytest.raises((DamagedError, struct.error)):
        decode_replica_row(7, memoryview(ROW.encode())[:size_bytes])


def test_a_row_with_something_else_for_a_front_end_is_damage() -> None:
    with patch.object(row, "encode_published", lambda _: RECORD):
        octets = ROW.encode()
    with pytest.raises(DamagedError, match="how far"):
        decode_replica_row(7, memoryview(octets))
