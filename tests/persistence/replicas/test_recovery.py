"""What a restart makes of the changes of a replica."""

import errno

import pytest

from persistence.operations import Settle
from persistence.replica_operations import ReplicaPromise, ReplicaRecords, encode_epoch
from persistence.replicas.recovery import ReplicaRecovery
from persistence.stream_operations import encode_stream_chunks
from tests.persistence.replicas.test_log import new_log
from tests.persistence.replicas.test_stream_content import chunks, new_disk
from tests.support.fault_fs import Kind

FIRST = ReplicaRecords(7, 1, 0, ((1, 1),), 1, encode_epoch(1))


def recovery() -> tuple[ReplicaRecovery, list[str]]:
    damages: list[str] = []
    return ReplicaRecovery(new_log(), damages), damages


def test_changes_are_repeated_once() -> None:
    made, damages = recovery()
    for operation in (FIRST, FIRST, ReplicaPromise(7, 2, 3), FIRST):
        made.replay(operation)
    found = made.finish(was_clean=False)
    assert (found.log.end, found.log.promised, found.log.change) == (1, 3, 2)
    assert found.is_whole
    assert damages == []


def test_a_replica_with_a_missing_change_is_lost() -> None:
    made, damages = recovery()
    made.replay(FIRST)
    made.replay(ReplicaPromise(7, 3, 3))
    made.replay(ReplicaPromise(7, 4, 4))
    assert not made.finish(was_clean=False).is_whole
    assert damages == ["the replica of queue 7 is lost: change 2 is missing"]


def test_a_replica_without_its_row_is_lost() -> None:
    made, damages = recovery()
    made.restore_from_files()
    assert not made.finish(was_clean=False).is_whole
    assert len(damages) == 1


def test_an_operation_of_another_kind_of_queue_is_damage() -> None:
    made, damages = recovery()
    made.replay(Settle(7, range(2)))
    assert not made.finish(was_clean=False).is_whole
    assert damages == ["the replica of queue 7 is lost: an operation is for another kind of queue"]


def test_a_file_that_the_disk_cannot_read_costs_its_replica_alone() -> None:
    disk = new_disk()
    log = new_log(disk)
    octets = encode_stream_chunks(0, 0, 1, [bytes(chunks(0, b"a" * 400).octets)])
    log.append(0, ((1, 1),), 1, b"".join(octets))
    log.compact(1)
    while not log.store_some(1 << 60):
        pass
    row = log.note().row
    damages: list[str] = []
    made = ReplicaRecovery(new_log(disk), damages)
    disk.fail_at(lambda operation: operation.kind is Kind.OPEN, errno.EIO)
    made.restore(row)
    assert not made.finish(was_clean=False).is_whole
    assert len(damages) == 1


def test_a_restart_that_is_short_of_descriptors_is_tried_again() -> None:
    disk = new_disk()
    log = new_log(disk)
    octets = encode_stream_chunks(0, 0, 1, [bytes(chunks(0, b"a").octets)])
    log.append(0, ((1, 1),), 1, b"".join(octets))
    log.compact(1)
    while not log.store_some(1 << 60):
        pass
    row = log.note().row
    disk.fail_at(lambda operation: operation.kind is Kind.OPEN, errno.EMFILE)
    with pytest.raises(OSError, match="open"):
        ReplicaRecovery(new_log(disk), []).restore(row)
