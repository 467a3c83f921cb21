"""How late a loop is, with a clock that a test turns."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from amqp_server.net.loop_lag import BOUNDS_MS, SLOT_MS, SLOTS, STEP_MS, LoopLag

MS = 1_000_000


class Loop:
    """The part of a loop that keeps a timer, and its clock."""

    def __init__(self) -> None:
        self.now_ns = 7 * SLOT_MS * MS
        self.delay_s = -1.0
        self._callback: Callable[[], object] | None = None

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> None:
        assert self._callback is None
        self.delay_s, self._callback = delay_s, callback

    def fire(self, late_ms: float = 0) -> None:
        """Let the timer end, this much late."""
        callback, self._callback = self._callback, None
        assert callback is not None
        self.now_ns += round((self.delay_s * 1_000 + late_ms) * MS)
        callback()


def begun() -> tuple[Loop, LoopLag]:
    loop = Loop()
    lag = LoopLag(cast("asyncio.AbstractEventLoop", loop), lambda: loop.now_ns)
    lag.begin()
    return loop, lag


def shown(lag: LoopLag, age_ms: int | None = None) -> dict[object, int]:
    view = lag.look(age_ms)
    assert view.bounds_us == tuple(bound * 1_000 for bound in BOUNDS_MS)
    found = zip((*BOUNDS_MS, "later"), view.counts, strict=True)
    return {bound: count for bound, count in found if count}


def test_a_probe_counts_with_what_it_waited() -> None:
    loop, lag = begun()
    for late_ms in (0, 1, 1.5, 7, -0.4):
        loop.fire(late_ms)
    assert shown(lag) == {1: 3, 2: 1, 10: 1}
    view = lag.look(None)
    assert (view.total_us, view.max_us, view.step_ms) == (9_500, 7_000, STEP_MS)


def test_probes_stay_on_their_grid_when_one_was_late() -> None:
    loop, _ = begun()
    loop.fire(30)
    assert loop.delay_s == pytest.approx(0.07)
    loop.fire()
    assert loop.delay_s == pytest.approx(0.1)


def test_a_stall_counts_once_for_each_probe_that_was_due_in_it() -> None:
    loop, lag = begun()
    loop.fire(450)
    # 450, 350, 250, 150 and 50 ms.
    assert shown(lag) == {50: 1, 200: 1, 500: 3}
    assert lag.look(None).total_us == 1_250_000
    assert loop.delay_s == pytest.approx(0.05)


@pytest.mark.parametrize("late_ms", [0, 99, 100, 101, 1_000, 4_999, 5_000, 5_050, 61_234])
def test_a_stall_is_what_its_probes_are_one_by_one(late_ms: int) -> None:
    loop, lag = begun()
    loop.fire(late_ms)
    naive: dict[object, int] = {}
    for waited in range(late_ms, -1, -STEP_MS):
        place = next((bound for bound in BOUNDS_MS if waited <= bound), "later")
        naive[place] = naive.get(place, 0) + 1
    assert shown(lag) == naive
    assert lag.look(None).total_us == sum(range(late_ms, -1, -STEP_MS)) * 1_000


def test_a_node_that_was_frozen_for_a_week_goes_on_at_once() -> None:
    loop, lag = begun()
    loop.fire(7 * 24 * 3_600_000)
    assert sum(lag.look(None).counts) == 7 * 24 * 36_000 + 1
    assert 0 < loop.delay_s <= 0.1


def test_an_age_has_what_is_not_older() -> None:
    loop, lag = begun()
    loop.fire(40)
    for _ in range(SLOT_MS // STEP_MS):
        loop.fire()
    assert shown(lag, SLOT_MS)[1] < SLOT_MS // STEP_MS + 1
    assert 50 not in shown(lag, SLOT_MS)
    assert shown(lag, 2 * SLOT_MS)[50] == 1
    assert lag.look(2 * SLOT_MS).max_us == 40_000
    assert lag.look(SLOT_MS).max_us == 0


def test_what_is_over_an_hour_old_is_in_the_sums_alone() -> None:
    loop, lag = begun()
    loop.fire(1)
    loop.now_ns += (SLOTS + 1) * SLOT_MS * MS
    assert shown(lag, 10 * SLOTS * SLOT_MS) == {}
    assert shown(lag) == {1: 1}
    assert lag.look(10**9).span_ms == SLOTS * SLOT_MS


def test_the_span_is_no_longer_than_the_probe_is_there() -> None:
    loop, lag = begun()
    loop.fire()
    assert lag.look(60_000).span_ms == STEP_MS
    assert lag.look(None).span_ms == STEP_MS
