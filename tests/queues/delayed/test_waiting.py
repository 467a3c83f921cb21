from collections.abc import Callable, Sequence
from random import Random

import pytest

from queues.delayed import waiting as module
from queues.delayed.waiting import WaitingMessages
from queues.delayed.wheel import SLOT_COUNT
from queues.tail import NodeMemory, QueueMemory
from tests.support.queue_log import FakeLog
from tests.support.records import run_of

NOW_MS = 1_000_000
LONGEST_MS = (1 << 32) - 1


class Rig:
    """Waiting messages with a log that knows what a restart would find, and a clock."""

    def __init__(self, budget_bytes: int = 1 << 40) -> None:
        self.now_ms = NOW_MS
        self.log = FakeLog(SLOT_COUNT - 1)
        self.log.chunk_count = 64
        self.log.was_restarted = True
        self._budget_bytes = budget_bytes
        self.waiting = self._made()
        self.came: list[tuple[int, bytes]] = []

    def _made(self) -> WaitingMessages:
        return WaitingMessages(self.log, QueueMemory(NodeMemory(), self._budget_bytes))

    def add(self, delays_ms: Sequence[int], bodies: Sequence[bytes] = ()) -> None:
        bodies = bodies or [str(self.now_ms + delay).encode() for delay in delays_ms]
        self.waiting.add(run_of(*bodies), [self.now_ms + delay for delay in delays_ms], self.now_ms)

    def restart(self) -> None:
        found = self.log.found()
        self.waiting = self._made()
        self.waiting.recover(found, self.now_ms)

    def work(self) -> int:
        """Do all that is due, and settle it; return in how many steps."""
        count = 0
        while self.waiting.has_due(self.now_ms):
            count += 1
            due = self.waiting.step(self.now_ms)
            if due is not None:
                self.came += [(self.now_ms, record.body) for record in due.records]
                self.waiting.settle(due)
        return count

    def pass_time(self, span_ms: int) -> None:
        """Let time pass, and wake at each deadline on the way."""
        until_ms = self.now_ms + span_ms
        while (due_ms := self.waiting.next_deadline_ms()) is not None and due_ms <= until_ms:
            self.now_ms = max(self.now_ms, due_ms)
            self.work()
        self.now_ms = until_ms

    def waiting_bodies(self) -> list[bytes]:
        return sorted(record.body for record in self.log.kept.values())


@pytest.fixture(params=[1 << 40, 2_000], ids=["in memory", "spilled"])
def rig(request: pytest.FixtureRequest) -> Rig:
    return Rig(request.param)


@pytest.fixture(params=[2_048, 0], ids=["few in order", "all divided"], autouse=True)
def _few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queues.delayed.few.FEW_COUNT_MAX", request.param)


def test_a_message_comes_when_it_is_due_and_not_before(rig: Rig) -> None:
    delays = [1, 7, 31, 100, 5_000, 60_000, 3_600_000, LONGEST_MS]
    for delay in reversed(delays):
        rig.add([delay])
    rig.pass_time(LONGEST_MS)
    assert [at - NOW_MS for at, _ in rig.came] == delays
    assert rig.waiting.count == 0
    assert rig.log.kept == {}
    assert rig.waiting.next_deadline_ms() is None


def delays_of(random: Random, count: int) -> list[int]:
    return [1 + int(LONGEST_MS ** random.random()) for _ in range(count)]


@pytest.mark.parametrize("seed", range(4))
def test_all_come_at_their_time_whenever_they_are_added(rig: Rig, seed: int) -> None:
    random = Random(seed)
    count = 0
    for _ in range(60):
        delays = delays_of(random, random.randrange(1, 30))
        rig.add(delays)
        count += len(delays)
        rig.pass_time(int(1_000_000 ** random.random()))
    rig.pass_time(LONGEST_MS)
    assert len(rig.came) == count
    assert all(at == int(body) for at, body in rig.came)


@pytest.mark.parametrize("seed", range(4))
def test_a_restart_loses_none_and_brings_none_early(rig: Rig, seed: int) -> None:
    random = Random(seed)
    count = 0
    for _ in range(30):
        delays = delays_of(random, random.randrange(1, 30))
        rig.add(delays)
        count += len(delays)
        rig.pass_time(int(1_000_000 ** random.random()))
        if random.random() < 0.3:
            rig.now_ms += int(1_000_000 ** random.random())  # the node is down
            rig.restart()
            rig.work()
    rig.pass_time(2 * LONGEST_MS)
    assert len(rig.came) == count
    assert all(at >= int(body) for at, body in rig.came)


def test_what_is_overdue_comes_in_order(rig: Rig) -> None:
    random = Random(1)
    rig.add(delays_of(random, 300))
    rig.add(delays_of(random, 300))
    rig.now_ms += LONGEST_MS
    rig.work()
    due = [int(body) for _, body in rig.came]
    assert len(due) == 600
    assert due == sorted(due)


def test_messages_of_one_instant_keep_their_order(rig: Rig) -> None:
    for number in range(100):
        rig.add([5_000], [b"%03d" % number])
    rig.pass_time(10_000)
    assert [body for _, body in rig.came] == [b"%03d" % number for number in range(100)]


def test_a_flood_of_one_instant_comes_in_steps(rig: Rig) -> None:
    rig.add([20] * 2_000)
    rig.now_ms += 20
    first = next(filter(None, (rig.waiting.step(rig.now_ms) for _ in range(10))))
    assert len(first.records) <= module.PIECE_MAX
    rig.waiting.settle(first)
    rig.work()
    assert len(rig.came) + len(first.records) == 2_000


def test_a_crash_before_a_settlement_brings_the_message_again(rig: Rig) -> None:
    rig.add([10, 10])
    rig.now_ms += 10
    while rig.waiting.step(rig.now_ms) is None:
        pass
    rig.restart()
    rig.work()
    assert len(rig.came) == 2
    assert rig.waiting.count == 0


def test_a_clock_that_was_set_back_moves_the_time_and_loses_none(rig: Rig) -> None:
    rig.add([1_000, 50_000, 4_000_000])
    rig.now_ms -= 600_000
    rig.restart()
    rig.add([1_000])
    rig.pass_time(5_000_000)
    assert [at for at, _ in rig.came] == [int(body) for _, body in rig.came]
    assert len(rig.came) == 4


def test_the_memory_is_that_of_the_budget_however_many_wait() -> None:
    rig = Rig(budget_bytes=20_000)
    random = Random(1)
    for _ in range(40):
        rig.add([random.randrange(60_000, 3_600_000) for _ in range(100)])
    assert rig.waiting.count == 4_000
    assert rig.waiting.memory.used_bytes < 25_000
    rig.pass_time(3_600_000)
    assert [at for at, _ in rig.came] == [int(body) for _, body in rig.came]
    assert len(rig.came) == 4_000


def test_a_walk_shows_all_and_changes_nothing(rig: Rig) -> None:
    random = Random(1)
    rig.add(delays_of(random, 500))
    rig.pass_time(10_000)
    shown = [*rig.waiting.walk()]
    assert len(shown) == rig.waiting.count
    assert sorted(each.record.body for each in shown) == rig.waiting_bodies()
    assert all(str(each.due_ms).encode() == each.record.body for each in shown)
    assert len([*rig.waiting.walk()]) == len(shown)


def test_what_was_dropped_never_comes(rig: Rig) -> None:
    random = Random(1)
    rig.add(delays_of(random, 500))
    rig.pass_time(1_000)
    came_count = len(rig.came)
    dropped = [each for each in rig.waiting.walk() if each.position % 3 == 0]
    for each in dropped:
        rig.waiting.drop(each.position)
    assert rig.waiting.count == 500 - came_count - len(dropped) == len([*rig.waiting.walk()])
    rig.pass_time(LONGEST_MS)
    assert len(rig.came) == 500 - len(dropped)
    assert {each.record.body for each in dropped}.isdisjoint(
        body for _, body in rig.came[came_count:]
    )
    assert rig.waiting.count == 0


def test_many_that_were_dropped_are_not_remembered(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DROPPED_MAX", 50)
    rig.add([3_600_000] * 200)
    for _ in range(150):
        rig.waiting.drop(next(rig.waiting.walk()).position)
        rig.work()
    assert len(rig.waiting._dropped) <= 51
    rig.pass_time(3_600_000)
    assert len(rig.came) == 50


def test_all_may_be_dropped_at_once(rig: Rig) -> None:
    random = Random(1)
    rig.add(delays_of(random, 500))
    assert rig.waiting.drop_all() == 500
    assert (rig.waiting.count, rig.log.kept, rig.waiting.next_deadline_ms()) == (0, {}, None)
    rig.add([5])
    rig.pass_time(LONGEST_MS)
    assert len(rig.came) == 1


def test_what_was_taken_is_not_dropped_with_the_others(rig: Rig) -> None:
    rig.add([5, 5, 9_000])
    rig.now_ms += 5
    due = next(filter(None, (rig.waiting.step(rig.now_ms) for _ in range(10))))
    assert rig.waiting.drop_all() == 3 - len(due.records)
    assert [*rig.log.kept] == [*due.positions]
    rig.waiting.settle(due)
    assert (rig.waiting.count, rig.log.kept) == (0, {})


def test_old_messages_get_new_positions_so_that_the_log_can_forget(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPAN_MAX", 1_000)
    rig.add([100_000_000] * 10)
    for _ in range(40):
        rig.add([5] * 100)
        rig.pass_time(10)
        assert rig.waiting.next_position - min(rig.log.kept) < 2_500
    rig.pass_time(100_000_000)
    assert len(rig.came) == 4_010


def test_a_disk_that_cannot_be_read_is_asked_again() -> None:
    rig = Rig(budget_bytes=2_000)
    rig.add([50_000] * 500)
    rig.log.is_broken = True
    rig.now_ms += 50_000
    rig.work()
    assert rig.waiting.count > 0
    assert rig.waiting.next_deadline_ms() == rig.now_ms + module.ASK_DISK_AGAIN_MS
    rig.log.is_broken = False
    rig.pass_time(5_000)
    assert len(rig.came) == 500


def test_a_disk_that_is_full_leaves_the_messages_in_memory() -> None:
    rig = Rig(budget_bytes=2_000)
    rig.log.is_full = True
    rig.add([50_000] * 500)
    rig.pass_time(50_000)
    assert len(rig.came) == 500


@pytest.mark.parametrize("act", [lambda rig: None, Rig.restart], ids=["running", "restarted"])
def test_a_message_that_has_moved_waits_for_no_disk(act: Callable[[Rig], None]) -> None:
    rig = Rig()
    assert rig.log.is_fsynced is True
    rig.add([50_000] * 3_000)
    rig.pass_time(49_000)
    act(rig)
    assert rig.log.is_fsynced is True
