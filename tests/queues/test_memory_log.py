"""The log that keeps nothing: all is committed at once."""

from queues.memory_log import MemoryLog
from queues.ports import QueueLog
from tests.support.records import run_of


def test_what_is_appended_or_settled_is_committed_at_once() -> None:
    log: QueueLog = MemoryLog()
    assert log.append(0, run_of(b"a")) <= log.committed_lsn
    assert log.settle(range(1)) <= log.committed_lsn
