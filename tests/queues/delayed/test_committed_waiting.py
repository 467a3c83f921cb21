"""Messages of a mirrored log wait in order, in memory or not."""

import pytest

from persistence.record import Record
from queues.delayed import committed_waiting
from queues.delayed.committed_waiting import CommittedWaiting
from queues.delayed.waiting import ASK_DISK_AGAIN_MS
from queues.tail import NodeMemory, QueueMemory
from tests.support.committed_log import FakeCommittedLog

NOW_MS = 1_000
DAY_MS = 86_400_000


def records(*bodies: bytes) -> list[Record]:
    return [Record(b"\x01x\x01k", b"", body) for body in bodies]


def numbered(count: int) -> list[Record]:
    return records(*[b"%d" % number for number in range(count)])


class Rig:
    def __init__(self, budget_bytes: int = 1 << 30) -> None:
        self.log = FakeCommittedLog()
        self.memory = QueueMemory(NodeMemory(), budget_bytes)
        self.waiting = CommittedWaiting(self.log, self.memory)

    def add(self, run: list[Record], *due_ms: int, commits: bool = True) -> None:
        self.waiting.add(run, due_ms)
        if commits:
            self.log.commit()
            self.waiting.enter()

    def taken(self, now_ms: int) -> list[bytes]:
        found: list[bytes] = []
        for _ in range(10_000):
            if not self.waiting.has_due(now_ms):
                return found
            due = self.waiting.step(now_ms)
            if due is not None:
                found += [each.body for each in due.records]
                self.waiting.settle(due)
        raise AssertionError("it comes to no end")

    def next_leader(self) -> "Rig":
        rig = Rig()
        rig.log = self.log
        rig.waiting = CommittedWaiting(self.log, rig.memory)
        rig.waiting.recover(self.log.found())
        return rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_messages_come_in_the_order_in_which_they_are_due(rig: Rig) -> None:
    rig.add(records(b"c", b"a", b"b"), 3_000, 1_010, 2_000)
    assert rig.taken(1_009) == []
    assert rig.taken(1_010) == [b"a"]
    assert rig.waiting.count == 2
    assert rig.taken(3_000) == [b"b", b"c"]
    assert not rig.log.kept
    assert rig.memory.used_bytes == 0
    assert rig.waiting.next_deadline_ms() is None


def test_what_is_not_committed_does_not_come(rig: Rig) -> None:
    rig.add(records(b"a"), 1_010, commits=False)
    rig.waiting.enter()
    assert rig.taken(9_000) == []
    rig.log.commit()
    rig.waiting.enter()
    assert rig.taken(9_000) == [b"a"]


def test_it_is_looked_before_the_first_is_due_and_it_comes_at_its_time(rig: Rig) -> None:
    rig.add(records(b"a"), 100_000)
    deadline_ms = rig.waiting.next_deadline_ms()
    assert deadline_ms is not None
    assert 90_000 < deadline_ms < 100_000
    assert rig.taken(deadline_ms) == []
    assert rig.waiting.next_deadline_ms() == 100_000
    assert rig.taken(100_000) == [b"a"]


def test_those_that_do_not_fit_into_memory_are_read_again() -> None:
    rig = Rig(budget_bytes=2_000)
    for record in numbered(400):
        rig.add([record], NOW_MS + DAY_MS - int(record.body))
    assert rig.memory.used_bytes <= 2_000
    assert len(rig.log.stored()) > 350
    assert rig.taken(NOW_MS + DAY_MS) == [b"%d" % number for number in reversed(range(400))]
    assert not rig.log.kept


def test_a_full_disk_keeps_them_in_memory() -> None:
    rig = Rig(budget_bytes=100)
    rig.log.is_full = True
    for record in numbered(100):
        rig.add([record], 5_000)
    assert not rig.log.stored()
    assert rig.taken(5_000) == [b"%d" % number for number in range(100)]


def test_the_next_leader_has_all_of_them_stored_or_not(rig: Rig) -> None:
    for record in numbered(30):
        rig.add([record], 2_000 + 10 * int(record.body))
    rig.log.store(range(5, 20))
    again = rig.next_leader()
    assert again.waiting.count == 30
    assert again.taken(1_999) == []
    assert again.taken(2_000) == [b"0"]
    assert again.taken(9_000) == [b"%d" % number for number in range(1, 30)]
    assert again.waiting.count == 0


def test_a_disk_that_does_not_answer_is_asked_again(rig: Rig) -> None:
    for record in numbered(9):
        rig.add([record], 2_000)
    rig.log.store(range(9))
    again = rig.next_leader()
    rig.log.is_broken = True
    assert again.waiting.step(3_000) is None
    assert not again.waiting.has_due(3_000)
    rig.log.is_broken = False
    assert len(again.taken(3_000 + ASK_DISK_AGAIN_MS)) == 9


def test_a_disk_that_breaks_later_holds_only_what_it_has() -> None:
    rig = Rig(budget_bytes=500)
    for record in numbered(40):
        rig.add([record], 200_000)
    rig.log.is_broken = True
    rig.add(records(b"here"), 200_000)
    assert rig.waiting.step(200_000) is None
    assert rig.waiting.ask_disk_at_ms == 200_000 + ASK_DISK_AGAIN_MS
    rig.log.is_broken = False
    assert len(rig.taken(202_000)) == 41


def test_what_the_disk_has_lost_waits_no_more() -> None:
    rig = Rig(budget_bytes=500)
    for record in numbered(40):
        rig.add([record], 200_000)
    lost = rig.log.stored()[3:5]
    rig.log.lost = set(lost)
    assert len(rig.taken(200_000)) == 38
    assert rig.waiting.count == 0


def test_few_are_near_however_many_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committed_waiting, "NEAR_MAX", 10)
    rig = Rig(budget_bytes=1)
    for record in numbered(600):
        rig.add([record], 5_000 + int(record.body) % 7)
    found = rig.taken(9_000)
    assert len(found) == 600
    assert rig.waiting.count == 0


def test_large_ones_are_near_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committed_waiting, "NEAR_BYTES_MAX", 1_000)
    rig = Rig(budget_bytes=1)
    rig.add(records(*[bytes([number]) * 900 for number in range(20)]), *range(5_000, 5_020))
    assert [body[0] for body in rig.taken(9_000)] == [*range(20)]


def test_large_ones_that_are_near_do_not_make_those_before_them_come_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(committed_waiting, "NEAR_BYTES_MAX", 1_000)
    rig = Rig()
    rig.add(records(b"x" * 1_000), 50_000)
    assert rig.waiting.step(49_500) is None
    rig.add(numbered(200), *[49_600] * 200)
    assert rig.waiting.step(49_600) is None
    due = rig.waiting.step(49_600)
    assert due is not None
    assert len(due.records) == 200
    assert rig.waiting.next_deadline_ms() == 50_000


def test_one_message_may_be_dropped_wherever_it_is(rig: Rig) -> None:
    rig.add(numbered(4), 2_000, 2_000, DAY_MS, DAY_MS)
    assert rig.waiting.step(1_900) is None
    assert [each.position for each in rig.waiting.opened()] == [0, 1]
    assert [each.position for each in rig.waiting.walk()] == [0, 1, 2, 3]
    (slot,) = rig.waiting.slots()
    assert [each.position for each in rig.waiting.part_of(slot, 3, 9)] == [3]
    rig.waiting.drop(1)
    rig.waiting.drop(2)
    rig.waiting.drop(2)
    assert rig.waiting.count == 2
    assert rig.taken(DAY_MS) == [b"0", b"3"]
    assert not rig.log.kept
    assert rig.memory.used_bytes == 0


def test_all_may_be_dropped_but_those_on_their_way(rig: Rig) -> None:
    rig.add(numbered(4), 1_500, 1_500, DAY_MS, DAY_MS)
    rig.add(records(b"coming"), DAY_MS, commits=False)
    assert rig.waiting.step(1_500) is None
    due = rig.waiting.step(1_500)
    assert due is not None
    rig.log.was_restarted = True
    assert rig.waiting.drop_all() == 3
    assert sorted(rig.log.kept) == [0, 1]
    rig.waiting.settle(due)
    rig.log.commit()
    rig.waiting.enter()
    assert rig.taken(DAY_MS) == []
    assert (rig.waiting.count, rig.memory.used_bytes) == (0, 0)


@pytest.mark.parametrize("budget_bytes", [1 << 30, 1])
def test_what_is_set_aside_waits_until_it_is_brought_back(budget_bytes: int) -> None:
    rig = Rig(budget_bytes)
    rig.add(numbered(4), *[NOW_MS] * 4)
    due = None
    while due is None:
        due = rig.waiting.step(NOW_MS)
    aside = set(due.positions[1:3])
    rig.waiting.settle(due, aside)
    assert rig.waiting.count == 2
    assert rig.taken(NOW_MS + DAY_MS) == []
    rig.waiting.bring_back([*due.positions, 99], NOW_MS)
    rig.waiting.bring_back(due.positions, NOW_MS)
    assert sorted(rig.taken(NOW_MS)) == [b"1", b"2"]
    assert rig.waiting.count == 0


def test_the_next_leader_has_what_was_set_aside(rig: Rig) -> None:
    rig.add(numbered(4), *[NOW_MS] * 4)
    due = None
    while due is None:
        due = rig.waiting.step(NOW_MS)
    rig.waiting.settle(due, set(due.positions[1:3]))
    assert sorted(rig.next_leader().taken(NOW_MS)) == [b"1", b"2"]


def test_what_is_set_aside_is_dropped_with_all(rig: Rig) -> None:
    rig.add(numbered(3), *[NOW_MS] * 3)
    due = None
    while due is None:
        due = rig.waiting.step(NOW_MS)
    rig.waiting.settle(due, set(due.positions))
    assert rig.waiting.drop_all() == 3
    rig.waiting.bring_back(due.positions, NOW_MS)
    assert rig.taken(NOW_MS) == []
    assert rig.waiting.count == 0
