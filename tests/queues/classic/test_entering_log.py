"""What the ready messages of a mirrored queue write to its log."""

import pytest

from queues.classic.entering_log import EnteringLog
from tests.support.committed_log import FakeCommittedLog
from tests.support.records import run_of


def entering() -> tuple[EnteringLog, FakeCommittedLog]:
    log = FakeCommittedLog()
    log.append(0, run_of(b"a", b"b", b"c"))
    log.append(3, run_of(b"d"))
    log.commit(1)
    return EnteringLog(log), log


def test_what_becomes_ready_is_not_written_again() -> None:
    made, log = entering()
    assert made.append(0, run_of(b"a", b"b")) == 0
    assert made.append(2, run_of(b"c")) == 0
    assert (made.next_position, log.lsn) == (3, 2)


def test_what_is_not_committed_does_not_become_ready() -> None:
    made, _ = entering()
    made.append(0, run_of(b"a", b"b", b"c"))
    with pytest.raises(AssertionError, match="committed"):
        made.append(3, run_of(b"d"))


def test_messages_become_ready_in_their_order() -> None:
    made, _ = entering()
    with pytest.raises(AssertionError, match="order"):
        made.append(1, run_of(b"b"))


def test_all_else_goes_to_the_log() -> None:
    made, log = entering()
    assert made.settle(range(1), is_promised=True) == log.lsn
    assert made.requeued(range(1, 2), 3) == log.lsn
    assert log.returned_counts == {1: 3}
    made.set_fsynced(is_fsynced=True)
    assert log.is_fsynced is True
    assert (made.commit_group, made.committed_lsn) == (log.commit_group, 0)
    log.drop()
    assert log.kept == {}
