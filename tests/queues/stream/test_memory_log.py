"""The log of a stream in memory: what is its own; the rest is ``test_stream_log``'s."""

from queues.commits import NOTHING_TO_COMMIT
from queues.stream.memory_log import MemoryStreamLog
from tests.support.stream_logs import all_messages, appended, chunk_sizes


def test_each_append_is_a_chunk_that_nobody_waits_for() -> None:
    log = MemoryStreamLog()
    assert log.append(appended(b"a", b"b"), 1) == 0
    assert log.append(appended(b"c"), 1) == 0
    assert log.commit_group is NOTHING_TO_COMMIT
    assert chunk_sizes(log.read(0, 1_000)) == [2, 1]
    assert all_messages(log) == [(0, b"a"), (1, b"b"), (2, b"c")]
