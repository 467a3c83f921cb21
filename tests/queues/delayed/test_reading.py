from queues.delayed.few import Waiting
from queues.delayed.reading import reading, within
from tests.support.queue_log import FakeLog
from tests.support.records import run_of

COUNT = 12


def log_of(*stored: int) -> FakeLog:
    log = FakeLog()
    log.append(0, run_of(*[b"%d" % number for number in range(COUNT)]), 7)
    log.store(stored)
    return log


def test_they_come_by_position_from_memory_or_the_disk() -> None:
    log = log_of(0, 1, 2, 3, 8, 9)
    kept = {at: Waiting(70, at, log.kept[at]) for at in (4, 5, 9)}
    wanted = [(70, 1), (71, 3), (70, 4), (72, 8), (70, 9)]
    lost = set[int]()
    found = list(reading(log, kept, wanted, 9, lost))
    assert [(each.due_ms, each.position) for each in found] == wanted
    assert [each.record.body for each in found] == [b"1", b"3", b"4", b"8", b"9"]
    assert not lost


def test_a_step_reads_no_more_than_it_may() -> None:
    log = log_of(*range(COUNT))
    wanted = [(70, at) for at in range(COUNT)]
    assert len(list(reading(log, {}, wanted, 2, set()))) == 2 * log.chunk_count
    assert log.read_back_count == 2


def test_what_the_disk_has_lost_is_told() -> None:
    log = log_of(0, 1, 2, 3, 4, 5)
    log.lost = {1, 4, 5}
    lost = set[int]()
    found = list(reading(log, {}, [(70, at) for at in range(6)], 9, lost))
    assert [each.position for each in found] == [0, 2, 3]
    assert lost == {1, 4, 5}


def test_no_more_bodies_are_kept_than_may_be() -> None:
    messages = [Waiting(70, at, record) for at, record in enumerate(run_of(b"123", b"45", b"6"))]
    assert list(within(messages, 4)) == messages[:2]
    assert list(within(messages, 1)) == messages[:1]
    assert list(within(messages, 7)) == messages
