"""Deadlines on a clock and a loop that the test turns by hand."""

import logging
import weakref

import pytest

from amqp_server.net import timers
from amqp_server.net.timers import DEADLINES_PER_ROUND_MAX, SPACING_MS, STALE_WATCHES_MAX, Deadlines
from tests.support.fake_loop import FakeLoop


class Sleeper:
    """Something with a deadline; notes when it was woken, then has the next deadline given."""

    def __init__(self, loop: FakeLoop, *deadlines_ms: int | None) -> None:
        self._loop = loop
        self.deadlines_ms = list(deadlines_ms)
        self.woken_at_ms: list[int] = []

    def next_deadline_ms(self) -> int | None:
        return self.deadlines_ms[0] if self.deadlines_ms else None

    def on_deadline(self, now_ms: int) -> None:
        assert now_ms == self._loop.time_ms
        self.woken_at_ms.append(now_ms)
        del self.deadlines_ms[0]


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


@pytest.fixture
def deadlines(loop: FakeLoop) -> Deadlines:
    return Deadlines(loop.as_loop, loop.now_ms)


def test_a_deadline_is_met_when_it_comes_and_not_before(
    loop: FakeLoop, deadlines: Deadlines
) -> None:
    start_ms = loop.time_ms
    sleeper = Sleeper(loop, start_ms + 500)
    deadlines.watch(sleeper)
    loop.run_until(start_ms + 499)
    assert sleeper.woken_at_ms == []
    loop.run_until(start_ms + 500)
    assert sleeper.woken_at_ms == [start_ms + 500]


def test_a_deadline_that_moves_away_costs_no_timer(loop: FakeLoop, deadlines: Deadlines) -> None:
    start_ms = loop.time_ms
    sleeper = Sleeper(loop, start_ms + 500)
    watch = deadlines.watch(sleeper)
    for later_ms in range(600, 1600):
        sleeper.deadlines_ms = [start_ms + later_ms]
        deadlines.refresh(watch)
    assert loop.armed_count == 1
    assert deadlines.heap_count == 1
    assert len(loop.timers) == 1, "one loop timer serves all deadlines"
    loop.run_until(start_ms + 1598)
    assert sleeper.woken_at_ms == []
    loop.run_until(start_ms + 1599)
    assert sleeper.woken_at_ms == [start_ms + 1599]


def test_a_deadline_that_comes_nearer_is_met_in_time(loop: FakeLoop, deadlines: Deadlines) -> None:
    start_ms = loop.time_ms
    sleeper = Sleeper(loop, start_ms + 10_000, start_ms + 10_000)
    watch = deadlines.watch(sleeper)
    sleeper.deadlines_ms[0] = start_ms + 40
    deadlines.refresh(watch)
    loop.run_until(start_ms + 10_000)
    assert sleeper.woken_at_ms == [start_ms + 40, start_ms + 10_000]


def test_one_without_a_deadline_is_not_woken_until_it_has_one(
    loop: FakeLoop, deadlines: Deadlines
) -> None:
    sleeper = Sleeper(loop)
    watch = deadlines.watch(sleeper)
    assert loop.armed_count == 0
    sleeper.deadlines_ms = [loop.time_ms + 5]
    deadlines.refresh(watch)
    loop.run_until(loop.time_ms + 5)
    assert len(sleeper.woken_at_ms) == 1


def test_a_deadline_in_the_past_is_met_at_once(loop: FakeLoop, deadlines: Deadlines) -> None:
    sleeper = Sleeper(loop, loop.time_ms - 100)
    deadlines.watch(sleeper)
    loop.run_until(loop.time_ms)
    assert sleeper.woken_at_ms == [loop.time_ms]


def test_deadlines_without_end_are_looked_at_once_per_spacing(
    loop: FakeLoop, deadlines: Deadlines
) -> None:
    start_ms = loop.time_ms
    sleeper = Sleeper(loop, *[start_ms] * 1000)
    deadlines.watch(sleeper)
    loop.run_until(start_ms + 10 * SPACING_MS - 1)
    assert len(sleeper.woken_at_ms) == 10


def test_who_is_forgotten_is_not_woken(loop: FakeLoop, deadlines: Deadlines) -> None:
    sleeper = Sleeper(loop, loop.time_ms + 5)
    watch = deadlines.watch(sleeper)
    deadlines.forget(watch)
    deadlines.forget(watch)
    deadlines.refresh(watch)
    loop.run_until(loop.time_ms + 100)
    assert sleeper.woken_at_ms == []


def test_who_is_forgotten_by_its_neighbour_in_the_same_round_is_not_woken(
    loop: FakeLoop, deadlines: Deadlines
) -> None:
    class Murderer(Sleeper):
        def on_deadline(self, now_ms: int) -> None:
            super().on_deadline(now_ms)
            deadlines.forget(victim_watch)

    due_ms = loop.time_ms + 5
    deadlines.watch(Murderer(loop, due_ms))
    victim = Sleeper(loop, due_ms)
    victim_watch = deadlines.watch(victim)
    loop.run_until(due_ms)
    assert victim.woken_at_ms == []


def test_work_that_fails_is_logged_and_disturbs_nobody(
    loop: FakeLoop, deadlines: Deadlines, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Sleeper):
        def on_deadline(self, now_ms: int) -> None:
            super().on_deadline(now_ms)
            raise AssertionError("a bug")

    due_ms = loop.time_ms + 5
    failing = Failing(loop, due_ms, due_ms + 100)
    other = Sleeper(loop, due_ms)
    deadlines.watch(failing)
    deadlines.watch(other)
    with caplog.at_level(logging.ERROR):
        loop.run_until(due_ms + 100)
    assert other.woken_at_ms == [due_ms]
    assert failing.woken_at_ms == [due_ms, due_ms + 100]
    assert [record.exc_info is not None for record in caplog.records] == [True, True]


def test_work_that_fails_again_and_again_is_tried_once_a_second(
    loop: FakeLoop, deadlines: Deadlines, caplog: pytest.LogCaptureFixture
) -> None:
    start_ms = loop.time_ms

    class Failing(Sleeper):
        def on_deadline(self, now_ms: int) -> None:
            self.woken_at_ms.append(now_ms)
            raise OSError("too many open files")

    failing = Failing(loop, start_ms + 5)
    watch = deadlines.watch(failing)
    for later_ms in range(5, 2_500, 5):
        loop.run_until(start_ms + later_ms)
        deadlines.refresh(watch)
    assert failing.woken_at_ms == [start_ms + 5, start_ms + 1_005, start_ms + 2_005]
    assert len(caplog.records) == 3
    assert deadlines.heap_count <= 3


def test_stale_entries_are_bounded(loop: FakeLoop, deadlines: Deadlines) -> None:
    far_ms = loop.time_ms + 10_000_000
    sleeper = Sleeper(loop, far_ms)
    watch = deadlines.watch(sleeper)
    for _ in range(5 * STALE_WATCHES_MAX):
        sleeper.deadlines_ms = [loop.time_ms + SPACING_MS, far_ms]
        deadlines.refresh(watch)
        loop.run_until(loop.time_ms + SPACING_MS)
    assert deadlines.heap_count <= STALE_WATCHES_MAX + 4
    woken_before = len(sleeper.woken_at_ms)
    loop.run_until(far_ms)
    assert len(sleeper.woken_at_ms) == woken_before + 1


def test_a_round_wakes_a_bounded_number(loop: FakeLoop, deadlines: Deadlines) -> None:
    due_ms = loop.time_ms + 5
    sleepers = [Sleeper(loop, due_ms) for _ in range(DEADLINES_PER_ROUND_MAX + 1)]
    for sleeper in sleepers:
        deadlines.watch(sleeper)
    loop.run_until(due_ms)
    assert sum(len(sleeper.woken_at_ms) for sleeper in sleepers) == DEADLINES_PER_ROUND_MAX
    loop.run_until(due_ms + SPACING_MS)
    assert all(len(sleeper.woken_at_ms) == 1 for sleeper in sleepers)


def test_who_is_forgotten_is_let_go_of_long_before_the_deadline(
    loop: FakeLoop, deadlines: Deadlines
) -> None:
    sleeper = Sleeper(loop, loop.time_ms + 3_600_000)
    watch = deadlines.watch(sleeper)
    held = weakref.ref(sleeper)
    deadlines.forget(watch)
    deadlines.refresh(watch)
    del sleeper
    assert held() is None
    assert deadlines.heap_count == 1, "its entry waits for its time"
    loop.run_until(loop.time_ms + 3_600_000)
    assert deadlines.heap_count == 0


def test_after_close_nobody_is_woken(loop: FakeLoop, deadlines: Deadlines) -> None:
    sleeper = Sleeper(loop, loop.time_ms + 5)
    deadlines.watch(sleeper)
    deadlines.close()
    loop.run_until(loop.time_ms + 100)
    assert sleeper.woken_at_ms == []


def test_the_two_clocks_count_milliseconds() -> None:
    first = timers.now_ms()
    assert timers.now_ms() >= first
    assert timers.wall_ms() > 1_700_000_000_000
    assert abs(timers.now_ms() + timers.wall_offset_ms() - timers.wall_ms()) < 1_000


class Clocks:
    """Both clocks of a process that loses its core between some of the looks at them."""

    def __init__(self, *lost_ns: int) -> None:
        self._lost_ns = list(lost_ns)
        self._now_ns = 5_000_000

    def monotonic_ns(self) -> int:
        return self._now_ns

    def wall_ns(self) -> int:
        wall_ns = self._now_ns + 1_700_000_000_000_000_000
        self._now_ns += self._lost_ns.pop(0)
        return wall_ns


def offset_between(clocks: Clocks) -> int:
    return timers.wall_offset_ms(clocks.monotonic_ns, clocks.wall_ns) + timers.LONG_AGO_MS


def test_a_core_that_is_lost_between_two_clocks_moves_no_delay_on_the_disk() -> None:
    assert offset_between(Clocks(9_000_000, 7_000_000, 0)) == 1_700_000_000_000


def test_of_slow_looks_at_the_clocks_the_quickest_counts() -> None:
    lost_ns = [8_000_000] * timers.LOOKS_MAX
    lost_ns[4] = 2_000_000
    assert offset_between(Clocks(*lost_ns)) == 1_700_000_000_000 - 1


def test_an_instant_from_before_the_start_of_the_machine_is_above_0() -> None:
    hundred_years_ms = 100 * 365 * 86_400_000
    assert timers.now_ms() - hundred_years_ms > 0
