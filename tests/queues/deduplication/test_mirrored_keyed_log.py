"""A new leader reads keys in steps, and publishes wait until it knows all of them."""

import pytest

from persistence.record import Record, make_route
from queues.commits import SAFE_NOW, point_at
from queues.deduplication import mirrored_keyed_log
from queues.deduplication.keyed_log import KNOWN_BYTES
from queues.deduplication.mirrored_keyed_log import ASK_DISK_AGAIN_MS, MirroredKeyedLog
from queues.ports import Job
from queues.tail import NodeMemory, QueueMemory
from tests.support.committed_log import FakeCommittedLog
from tests.support.frames import content_header, property_list
from tests.support.queue_log import FakeLog

KEY = "x-deduplication-header"
NOW_MS = 1_000


def message(key: object) -> Record:
    header = content_header(0, property_list(headers={KEY: key}))
    return Record(make_route("", "q"), header, b"")


class Rig:
    """A log with some messages, and what its steps do."""

    def __init__(self, count: int = 10, *stored: int) -> None:
        self.inner = FakeCommittedLog()
        self.jobs: list[Job] = []
        self.told: list[str] = []
        self.memory = QueueMemory(NodeMemory())
        self.inner.append(0, [message(number) for number in range(count)])
        self.inner.commit()
        self.inner.store(stored)
        self.log = self.another()

    def another(self) -> MirroredKeyedLog:
        self.inner.on_admitted = lambda: self.told.append("admitted")
        return MirroredKeyedLog(
            self.inner, KEY, self.memory, self.jobs.append, lambda: self.told.append("woken")
        )

    def run(self, steps_max: int = 1_000) -> int:
        """Let jobs do so many steps at most; return how many they did."""
        done = 0
        while self.jobs and done < steps_max:
            done += 1
            if self.jobs[0].step(NOW_MS):
                self.jobs.pop(0)
        return done

    def present(self) -> list[int]:
        keys = self.log.keys_of([message(number) for number in range(20)])
        return [
            at for at, key in enumerate(keys) if key is not None and self.log.is_present(key, 0)
        ]


def test_publishes_wait_until_all_keys_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrored_keyed_log, "NOTED_PER_STEP", 2)
    rig = Rig(10, *range(3, 10))
    assert rig.inner.keys_are_known is False
    rig.log.recover(rig.inner.found())
    assert rig.log.count == 0
    assert rig.run(1) == 1
    assert (rig.inner.keys_are_known, rig.told, rig.log.count) == (False, [], 2)
    rig.run()
    assert (rig.inner.keys_are_known, rig.told) == (True, ["admitted"])
    assert rig.present() == list(range(10))
    assert rig.log.memory_bytes == rig.memory.used_bytes > 10 * KNOWN_BYTES


def test_without_turns_all_are_read_at_once() -> None:
    rig = Rig(10, *range(5))
    rig.log = MirroredKeyedLog(rig.inner, KEY, rig.memory, None, lambda: None)
    rig.log.recover(rig.inner.found())
    assert rig.inner.keys_are_known
    assert rig.present() == list(range(10))


def test_what_leaves_meanwhile_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirrored_keyed_log, "NOTED_PER_STEP", 1)
    rig = Rig(10, *range(5, 10))
    rig.log.recover(rig.inner.found())
    rig.run(2)
    rig.log.settle(range(1, 10, 4))
    # These die: they are in the log until their copies are elsewhere.
    rig.log.free([0, 4, 6])
    rig.run()
    assert rig.present() == [2, 3, 7, 8]
    assert (rig.inner.keys_are_known, rig.log.count) == (True, 4)


def test_what_is_stored_meanwhile_is_noted_once() -> None:
    rig = Rig(6)
    rig.log.recover(rig.inner.found())
    rig.run(1)
    rig.inner.store(range(6))
    stored = rig.another()
    stored.recover(rig.inner.found()._replace(lanes=[]))
    # A lane of which one part was in memory, and went to the disk before its other part was read.
    rig.inner.append(6, [message(6)])
    rig.inner.store([6])
    found = FakeLog.found(rig.inner)
    rig.log = rig.another()
    (lane,) = found.lanes
    unstored = [FakeLog.slice_of([message(number) for number in range(6)], range(6))]
    rig.jobs.clear()
    rig.log.recover(found._replace(lanes=[lane._replace(unstored=unstored)]))
    rig.run()
    assert rig.present() == list(range(7))
    rig.log.settle(range(7))
    assert (rig.present(), rig.log.count) == ([], 0)


def test_a_disk_that_cannot_be_read_is_asked_again() -> None:
    rig = Rig(10, *range(5, 10))
    rig.inner.is_broken = True
    rig.log.recover(rig.inner.found())
    rig.run()
    assert (rig.inner.keys_are_known, rig.told) == (False, ["woken"])
    assert rig.log.ask_disk_at_ms == NOW_MS + ASK_DISK_AGAIN_MS
    rig.inner.is_broken = False
    rig.log.read_on()
    rig.run()
    assert rig.present() == list(range(10))
    assert rig.inner.keys_are_known


def test_the_end_of_the_leadership_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(10, *range(5, 10))
    rig.log.recover(rig.inner.found())
    rig.run(1)
    monkeypatch.setattr(FakeCommittedLog, "has_ended", True)
    used_bytes = rig.memory.used_bytes
    rig.log._freeing.append(range(10))
    rig.jobs.append(rig.log)
    rig.run()
    assert (rig.told, rig.inner.keys_are_known) == ([], False)
    assert rig.memory.used_bytes == used_bytes, "who made the account takes it off"


def test_what_a_deleted_queue_knew_is_freed() -> None:
    rig = Rig(10, *range(5, 10))
    rig.log.recover(rig.inner.found())
    rig.run(1)
    rig.log.drop()
    rig.run()
    assert (rig.log.count, rig.memory.used_bytes, rig.told) == (0, 0, [])


def test_a_duplicate_waits_for_all_that_was_appended() -> None:
    rig = Rig(2)
    rig.log.recover(rig.inner.found())
    assert rig.log.repeated_at is SAFE_NOW
    rig.log.append(2, [message("k")])
    assert rig.log.repeated_at == point_at(rig.inner.commit_group, rig.inner.lsn)


def test_it_is_the_log_of_a_mirrored_queue() -> None:
    rig = Rig(2)
    log = rig.log
    log.on_committed = lambda: rig.told.append("committed")
    rig.inner.let_deliver(is_on=False)
    assert (log.committed_below, log.may_deliver, log.lags(NOW_MS)) == (2, False, False)
    rig.inner.let_deliver(is_on=True)
    assert rig.told == ["committed"]
