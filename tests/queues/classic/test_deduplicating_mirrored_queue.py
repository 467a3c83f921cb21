"""A mirrored queue that deduplicates against a naive model, over many leaders."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.record import Record
from queues.batch import Batch
from queues.classic.deduplicating_mirrored_queue import DeduplicatingMirroredQueue
from queues.commits import SAFE_NOW
from queues.deduplication.mirrored_keyed_log import ASK_DISK_AGAIN_MS
from queues.log_port import KeepingLog
from queues.options import Overflow, QueueOptions
from queues.ports import EngineParts
from queues.tail import NodeMemory, QueueMemory
from tests.queues.classic.test_deduplicating_queue import KEY, NOW_MS, OPTIONS, message
from tests.support.committed_log import FakeCommittedLog

LIMITED = QueueOptions(deduplication_header=KEY, max_length=2, overflow=Overflow.REJECT_PUBLISH)


def queue_of(
    log: FakeCommittedLog, options: QueueOptions = OPTIONS, budget_bytes: int = 1 << 20
) -> DeduplicatingMirroredQueue:
    memory = QueueMemory(NodeMemory(), budget_bytes, budget_bytes)
    parts = EngineParts[KeepingLog](
        "q", options, log, lambda _effect: None, lambda: None, NOW_MS, memory=memory
    )
    queue = DeduplicatingMirroredQueue(parts)
    queue.recover(log.found(), NOW_MS)
    return queue


def submit(queue: DeduplicatingMirroredQueue, *run: Record) -> list[bool]:
    """Publish a run as ``cluster.mirrored.submitting`` does; return which were taken."""
    if queue.only_appends(list(run), NOW_MS):
        assert not queue.publish(list(run), NOW_MS).rejected
        return [True] * len(run)
    taken: list[bool] = []
    for each in run:
        is_refused = queue.refuses([each])
        taken.append(not queue.publish([each], NOW_MS).rejected)
        assert is_refused is not taken[-1], "it says before what it does"
    return taken


def keys_are_known(log: FakeCommittedLog) -> bool | None:
    return log.keys_are_known


def bodies(queue: DeduplicatingMirroredQueue) -> list[bytes]:
    taken: list[bytes] = []
    while (got := queue.get(NOW_MS, no_ack=True)) is not None:
        taken += [bytes(record.body) for record in got[0].records]
    return taken


def test_a_key_is_present_before_its_message_is_committed() -> None:
    log = FakeCommittedLog()
    queue = queue_of(log)
    queue.publish([message("k", b"1")], NOW_MS)
    outcome = queue.publish([message("k", b"2")], NOW_MS)
    assert outcome.safe_at == (log.commit_group, log.lsn, ()), "it is safe with what it repeats"
    log.commit()
    assert queue.publish([message("k", b"3")], NOW_MS).safe_at is SAFE_NOW
    assert bodies(queue) == [b"1"]
    assert queue.counts().duplicates == 2


def test_a_run_that_repeats_nothing_is_one_record() -> None:
    log = FakeCommittedLog()
    queue = queue_of(log)
    assert queue.only_appends([message("a"), message(None), message("b"), message(None)], NOW_MS)
    assert not queue.only_appends([message("a"), message("a")], NOW_MS), "within itself"
    submit(queue, message("a"), message("b"), message(None))
    assert log.lsn == 1
    assert not queue.only_appends([message("c"), message("b")], NOW_MS)
    assert queue.only_appends([message("c")], NOW_MS)


def test_a_duplicate_is_dropped_and_not_refused_by_a_full_queue() -> None:
    queue = queue_of(FakeCommittedLog(), LIMITED)
    run = [message("a"), message("b"), message("c"), message("a"), message(None)]
    assert submit(queue, *run) == [True, True, False, True, False]


def test_a_new_leader_knows_the_keys_of_what_it_has() -> None:
    log = FakeCommittedLog()
    submit(queue_of(log), message("a", b"1"), message("b", b"2"))
    log.commit()
    log.store([1])
    queue = queue_of(log)
    submit(queue, message("a"), message("b"), message("c", b"3"))
    log.commit()
    assert bodies(queue) == [b"1", b"2", b"3"]


def test_the_disk_is_asked_again_when_it_could_not_be_read() -> None:
    log = FakeCommittedLog()
    submit(queue_of(log), message("a"))
    log.commit()
    log.store([0])
    log.is_broken = True
    queue = queue_of(log)
    assert keys_are_known(log) is False
    assert queue.next_deadline_ms() == ASK_DISK_AGAIN_MS, "the first step has the instant 0"
    log.is_broken = False
    queue.expire(NOW_MS)
    assert keys_are_known(log)
    assert queue.next_deadline_ms() is None


def test_keys_take_nothing_of_the_budget_and_are_no_messages() -> None:
    log = FakeCommittedLog()
    queue = queue_of(log, budget_bytes=1_000)
    submit(queue, *[message(number) for number in range(10)])
    log.commit()
    queue.drain(NOW_MS, 100)
    memory = queue._backlog.ready.memory
    assert queue.state().keys_bytes > 1_000
    assert queue.counts().memory_bytes == memory.used_bytes - queue.state().keys_bytes
    queue.delete()
    assert memory.used_bytes == 0


class Kept(NamedTuple):
    """A message of the model."""

    number: int
    key: int
    persistent: bool


class Model:
    """A list of what is in the queue, from leader to leader.

    ``ready`` and ``unacked`` are committed, ``coming`` are runs that are not.
    """

    def __init__(self) -> None:
        self.log = FakeCommittedLog()
        self.queue = queue_of(self.log)
        self.ready: list[Kept] = []
        self.unacked: list[tuple[Kept, Batch]] = []
        self.coming: list[list[Kept]] = []
        self.number = 0

    def publish(self, given: Sequence[tuple[int, bool]]) -> None:
        run = []
        for key, persistent in given:
            self.number += 1
            run.append(Kept(self.number, key, persistent))
        before = self.log.next_position
        assert all(submit(self.queue, *[as_message(each) for each in run]))
        taken: list[Kept] = []
        there = [*self.ready, *[each for each, _ in self.unacked]]
        there += [each for each_run in self.coming for each in each_run]
        for each in run:
            alike = [kept.persistent for kept in sorted([*there, *taken]) if kept.key == each.key]
            if not alike or alike[-1] < each.persistent:
                taken.append(each)
        assert self.log.next_position - before == len(taken)
        if len(taken) == len(run) and len({each.key for each in run}) == len(run):
            self.coming.append(taken)
        else:
            self.coming += [[each] for each in taken]

    def commit(self, count: int) -> None:
        self.log.commit(count)
        for run in self.coming[:count]:
            self.ready += run
        del self.coming[:count]

    def get(self) -> None:
        got = self.queue.get(NOW_MS)
        assert (got is None) is (not self.ready)
        if got is not None:
            assert bytes(got[0].records[0].body) == b"%d" % self.ready[0].number
            self.unacked.append((self.ready.pop(0), got[0]))

    def settle(self, how: str) -> None:
        if not self.unacked:
            return
        kept, batch = self.unacked.pop()
        if how == "ack":
            self.queue.settle(batch.positions, batch.body_bytes)
        elif how == "reject":
            self.queue.reject([batch], NOW_MS)
        else:
            self.queue.requeue([batch], NOW_MS)
            self.ready = sorted([*self.ready, kept])

    def purge(self) -> None:
        assert self.queue.purge().purged_count == len(self.ready)
        self.ready.clear()

    def take_over(self, kept_count: int, stored_part: int) -> None:
        """Another node leads, with so many of the runs that were not committed."""
        lost = [each for run in self.coming[kept_count:] for each in run]
        log = self.log
        for position in sorted(log.kept)[len(log.kept) - len(lost) :]:
            del log.kept[position]
        log.next_position -= len(lost)
        log.uncommitted.clear()
        log.committed_below = log.next_position
        log.store([at for at in log.kept if at % 3 < stored_part])
        self.ready += [each for run in self.coming[:kept_count] for each in run]
        self.ready = sorted([*self.ready, *[each for each, _ in self.unacked]])
        self.unacked, self.coming = [], []
        self.queue = queue_of(log)


def as_message(kept: Kept) -> Record:
    return message(kept.key, b"%d" % kept.number, persistent=kept.persistent)


STEPS = st.one_of(
    st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=5),
    st.sampled_from(["get", "get", "ack", "reject", "requeue", "purge"]),
    st.integers(1, 4),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
)


@given(st.lists(STEPS, max_size=40))
@settings(deadline=None, max_examples=300)
def test_it_is_as_a_naive_model(steps: list[object]) -> None:
    model = Model()
    for step in steps:
        match step:
            case list():
                model.publish(step)
            case "get":
                model.get()
            case "purge":
                model.purge()
            case str():
                model.settle(step)
            case int():
                model.commit(step)
            case (int(kept_count), int(stored_part)):
                model.take_over(kept_count, stored_part)
            case _:
                raise AssertionError(step)
        model.queue.drain(NOW_MS, 100)
        model.queue.check_invariants()
        in_queue = len(model.ready) + len(model.unacked) + sum(map(len, model.coming))
        assert model.queue.state().keys_count == in_queue
    model.commit(100)
    assert bodies(model.queue) == [b"%d" % each.number for each in model.ready]
