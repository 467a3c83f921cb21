"""The witness: what it has seen is read again, and it never says more than there is."""

import errno

import pytest

from persistence.errors import StorageError
from persistence.witness import (
    NO_TAG,
    NO_WITNESS,
    WITNESS_PATH,
    Seen,
    StoredWitness,
    require_own,
    tag_of,
)
from tests.support.fault_fs import FaultFS, Kind

NODE_ID = "00c0ffee" * 4
OTHER_ID = "00deface" * 4


def opened(disk: FaultFS, node_id: str = NODE_ID) -> StoredWitness:
    return StoredWitness(disk, node_id)


def test_a_new_one_has_seen_nothing_and_says_so_without_a_complaint() -> None:
    witness = opened(FaultFS())
    assert (witness.seen, witness.damage) == (None, None)


def test_what_was_noted_is_seen_by_the_next_start() -> None:
    disk = FaultFS()
    witness = opened(disk)
    witness.note_definitions(7)
    witness.note_checkpoint(9)
    witness.note_wal(11)
    was_behind = witness.is_behind
    assert opened(disk.killed()).seen == Seen(7, 0, 9)
    witness.write()
    assert (was_behind, witness.is_behind) == (True, False)
    assert opened(disk.killed()).seen == Seen(7, 11, 9)


def test_a_power_cut_leaves_one_that_was_written() -> None:
    disk = FaultFS()
    witness = opened(disk)
    for lsn in range(1, 6):
        witness.note_definitions(lsn)
    for left in disk.crash_states(100, seed=1):
        found = opened(left)
        assert found.damage is None
        assert found.seen is not None
        assert found.seen.definitions_lsn in range(6)


@pytest.mark.parametrize("size_bytes", [0, 1, 40, 47])
def test_one_that_was_cut_off_has_seen_nothing(size_bytes: int) -> None:
    disk = FaultFS()
    opened(disk).note_definitions(7)
    disk.open(WITNESS_PATH).truncate(size_bytes)
    witness = opened(disk)
    assert witness.seen is None
    assert "cut off" in str(witness.damage)


def test_one_that_is_damaged_has_seen_nothing() -> None:
    disk = FaultFS()
    opened(disk).note_definitions(7)
    disk.flip_bit(WITNESS_PATH, 30)
    witness = opened(disk)
    assert witness.seen is None
    assert "checksum" in str(witness.damage)
    assert opened(disk).damage is None, "it is written anew"


def test_that_of_another_node_is_refused_and_left_alone() -> None:
    disk = FaultFS()
    opened(disk).note_definitions(7)
    with pytest.raises(StorageError, match="node 00deface00deface"):
        opened(disk, OTHER_ID)
    assert opened(disk).seen == Seen(7)


def test_a_disk_that_refuses_leaves_it_as_it_was() -> None:
    disk = FaultFS()
    witness = opened(disk)
    witness.note_definitions(7)
    disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC)
    witness.note_definitions(8)
    witness.note_definitions(9)
    assert opened(disk.killed()).seen == Seen(9)


def test_a_file_without_a_tag_is_anybodys() -> None:
    require_own("file", NO_TAG, tag_of(NODE_ID))
    require_own("file", tag_of(NODE_ID), NO_TAG)
    require_own("file", tag_of(NODE_ID), tag_of(NODE_ID))
    with pytest.raises(StorageError, match="file is a file of node"):
        require_own("file", tag_of(OTHER_ID), tag_of(NODE_ID))


def test_without_a_witness_nothing_is_noticed() -> None:
    NO_WITNESS.note_definitions(1)
    NO_WITNESS.note_wal(1)
    NO_WITNESS.note_checkpoint(1)
    NO_WITNESS.write()
    assert (NO_WITNESS.seen, NO_WITNESS.node_tag) == (None, NO_TAG)
