"""The log of a queue that knows keys: what it passes on, and what a restart reads."""

import pytest

from persistence.record import PERSISTENT, Record, make_route
from queues.commits import point_at
from queues.deduplication import keyed_log
from queues.deduplication.keyed_log import FREED_PER_STEP, KeyedLog
from queues.log_port import QueueReadBack
from queues.ports import Job
from queues.tail import NodeMemory, QueueMemory
from tests.support.frames import content_header, property_list
from tests.support.queue_log import FakeLog

KEY = "x-deduplication-header"


def message(key: object, *, persistent: bool = False) -> Record:
    header = content_header(0, property_list(headers={KEY: key}))
    return Record(make_route("", "q"), header, b"", PERSISTENT if persistent else 0)


def keyed(log: FakeLog | None = None, jobs: list[Job] | None = None) -> KeyedLog:
    later = None if jobs is None else jobs.append
    return KeyedLog(FakeLog() if log is None else log, KEY, QueueMemory(NodeMemory()), later)


def append(log: KeyedLog, *keys: object, first: int = 0) -> int:
    run = [message(key) for key in keys]
    log.keys_of(run)
    return log.append(first, run)


def present(log: KeyedLog, *keys: object) -> list[bool]:
    return [
        key is not None and log.is_present(key, 0) for key in log.keys_of(list(map(message, keys)))
    ]


def test_it_is_a_log() -> None:
    inner = FakeLog()
    log = keyed(inner)
    assert log.commit_group is inner.commit_group
    lsn = append(log, "a", None)
    assert log.repeated_at == point_at(inner.commit_group, lsn)
    assert append(log, None, first=2) > lsn
    assert log.repeated_at == point_at(inner.commit_group, lsn), (
        "of the last message that has a key"
    )
    assert log.read_back_count == inner.read_back_count
    assert log.committed_lsn == inner.committed_lsn
    log.set_fsynced(is_fsynced=False)
    assert log.requeued(range(1), 1)
    assert present(log, "a", "b", None) == [True, False, False]


def test_a_settlement_frees_keys_and_only_those() -> None:
    log = keyed()
    append(log, *range(10))
    log.settle(range(0, 10, 3))
    assert present(log, *range(10)) == [bool(each % 3) for each in range(10)]
    assert log.count == 6


def test_a_key_that_came_again_is_not_freed_by_the_message_before() -> None:
    log = keyed()
    append(log, "k")
    append(log, "k", first=1)
    log.settle(range(1))
    assert present(log, "k") == [True]
    log.settle(range(1, 2))
    assert (present(log, "k"), log.memory_bytes) == ([False], 0)


def test_many_are_freed_in_pieces_and_are_free_before() -> None:
    jobs: list[Job] = []
    log = keyed(jobs=jobs)
    count = 2 * FREED_PER_STEP + 1
    append(log, *range(count))
    log.settle(range(count))
    assert present(log, 0, count - 1) == [False, False]
    append(log, 0, first=count)
    assert present(log, 0) == [True]
    (job,) = jobs
    assert [job.step(0) for _ in range(3)] == [False, False, True]
    assert (log.count, present(log, 0)) == (1, [True])


def test_those_of_messages_that_the_disk_has_lost_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lost:
        messages = None
        lost_count = 2

    inner = FakeLog()
    log = keyed(inner)
    append(log, *range(6))

    def lose(_lane: int, _from: int, _stop: int) -> QueueReadBack:
        return Lost()

    monkeypatch.setattr(inner, "read_back", lose)
    log.read_back(0, 2, 5)
    assert present(log, *range(6)) == [True, True, False, False, False, True]


def test_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyed_log, "KEYS_MAX", 3)
    log = keyed()
    append(log, *range(5))
    assert present(log, *range(5)) == [True, True, True, False, False]
    log.settle(range(5))
    append(log, 9, first=5)
    assert present(log, 9) == [True]


def test_while_memory_is_short_a_queue_learns_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyed_log, "SHORT_BYTES_MAX", 1_000)
    memory = QueueMemory(NodeMemory(limit_bytes=2_000))
    log = KeyedLog(FakeLog(), KEY, memory, None)
    for number in range(100):
        append(log, number, first=number)
    assert 0 < log.count < 10


def test_a_drop_frees_all() -> None:
    log = keyed()
    append(log, "a", "b")
    log.drop()
    assert (log.count, log.memory_bytes) == (0, 0)
    log.drop()


def test_of_several_messages_with_a_key_each_is_enough() -> None:
    log = keyed()
    append(log, "k", "k", "k")
    for position in (2, 0):
        log.settle(range(position, position + 1))
        assert present(log, "k") == [True]
    log.settle(range(1, 2))
    assert (present(log, "k"), log.memory_bytes, log.count) == ([False], 0, 0)
