"""The log that keeps nothing: all is committed at once."""

from queues.log_port import QueueLog
from queues.memory_log import MemoryLog
from tests.support.records import run_of


def test_what_is_appended_or_settled_is_committed_at_once() -> None:
    log: QueueLog = MemoryLog()
    log.set_fsynced(is_fsynced=True)
    assert log.append(0, run_of(b"a")) <= log.committed_lsn
    assert log.settle(range(1)) <= log.committed_lsn
    assert log.requeued(range(1), 2) <= log.committed_lsn
    assert log.drop() <= log.committed_lsn


def test_there_is_no_disk_to_spill_to() -> None:
    log: QueueLog = MemoryLog()
    assert not log.spill(0, ())
    assert (log.read_back(0, 0, 9).messages, log.read_back(0, 0, 9).lost_count) == (None, 0)
