"""Which child is started, ended and told of, and when."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from amqp_server.supervising.supervision import (
    AGAIN_MAX_MS,
    AGAIN_MS,
    KILL_MS,
    READY_MS,
    STEADY_MS,
    STOP_MS,
    AllReady,
    Begin,
    ChildPlan,
    End,
    Order,
    State,
    Supervision,
    Tell,
    how_text,
)


def plan(name: str, stage: int = 1, *, restarts: bool = False) -> ChildPlan:
    return ChildPlan(name, (name,), stage, Path(f"{name}.log"), restarts)


ETCD = plan("etcd", 0)
PLANS = (ETCD, plan("a"), plan("b"))


def all_ready(plans: tuple[ChildPlan, ...] = PLANS) -> Supervision:
    """Return a supervision whose children are all ready at 0 ms."""
    supervision = Supervision(plans)
    supervision.begin(0)
    for each in sorted(plans, key=lambda each: each.stage):
        supervision.is_ready(each.name, 0)
    return supervision


def told(orders: list[Order]) -> str:
    return "; ".join(order.text for order in orders if isinstance(order, Tell))


def test_a_stage_begins_once_the_one_before_is_ready() -> None:
    supervision = Supervision(PLANS)
    assert supervision.begin(0) == [Begin("etcd")]
    assert supervision.is_ready("etcd", 5) == [Begin("a"), Begin("b")]
    assert supervision.is_ready("a", 6) == []
    assert supervision.is_ready("b", 7) == [AllReady()]
    assert supervision.is_ready("b", 8) == []
    assert supervision.wait_ms(8) is None


def test_a_child_that_is_not_ready_in_time_is_killed_and_all_ends() -> None:
    supervision = Supervision(PLANS)
    supervision.begin(0)
    supervision.is_ready("etcd", 0)
    supervision.is_ready("a", 0)
    assert supervision.wait_ms(0) == READY_MS
    assert supervision.tick(READY_MS - 1) == []
    assert supervision.tick(READY_MS) == [End("b", is_killed=True)]
    orders = supervision.ended("b", -9, READY_MS)
    assert told(orders) == "b was not ready in 60 s, and was killed"
    assert End("a") in orders
    assert End("etcd") not in orders
    assert supervision.ended("a", 0, READY_MS) == [End("etcd")]
    assert supervision.ended("etcd", 0, READY_MS) == []
    assert supervision.is_over
    assert supervision.has_failed


def test_a_child_that_ends_before_all_are_ready_ends_all() -> None:
    supervision = Supervision((ETCD, plan("a", restarts=True)))
    supervision.begin(0)
    assert told(supervision.ended("etcd", 1, 0)) == "etcd ended: exit status 1; its log: etcd.log"
    assert supervision.is_over
    assert supervision.has_failed


def test_a_node_that_ends_is_told_and_the_others_go_on() -> None:
    supervision = all_ready()
    assert supervision.ended("a", -9, 10) == [Tell("a ended: SIGKILL; its log: a.log")]
    assert not supervision.is_over
    assert supervision.state_of("b") is State.READY
    orders = supervision.ended("b", 2, 20)
    assert told(orders) == "b ended: exit status 2; its log: b.log; nothing is left to serve"
    assert orders[-1] == End("etcd")
    assert supervision.has_failed


def test_an_etcd_that_ends_is_told_and_the_nodes_go_on() -> None:
    supervision = all_ready()
    assert told(supervision.ended("etcd", -9, 10)).startswith("etcd ended: SIGKILL")
    assert not supervision.is_over
    assert supervision.stop(20) == [End("a"), End("b")]


def test_a_child_is_started_again_after_a_wait_that_doubles() -> None:
    supervision = all_ready((ETCD, plan("a", restarts=True)))
    now_ms, waited = 10, []
    for _ in range(7):
        orders = supervision.ended("a", -9, now_ms)
        assert "it is started again in" in told(orders)
        wait_ms = supervision.wait_ms(now_ms)
        assert wait_ms is not None
        waited.append(wait_ms)
        assert supervision.tick(now_ms + wait_ms - 1) == []
        now_ms += wait_ms
        assert supervision.tick(now_ms) == [Begin("a")]
        assert supervision.is_ready("a", now_ms) == [Tell("a is back")]
    assert waited[:3] == [AGAIN_MS, 2 * AGAIN_MS, 4 * AGAIN_MS]
    assert waited[-1] == AGAIN_MAX_MS
    supervision.ended("a", -9, now_ms + STEADY_MS)
    assert supervision.wait_ms(now_ms + STEADY_MS) == AGAIN_MS


def test_the_end_goes_from_the_last_stage_to_the_first() -> None:
    supervision = all_ready()
    assert supervision.stop(0) == [End("a"), End("b")]
    assert supervision.ended("b", 0, 1) == []
    assert supervision.ended("a", 0, 2) == [End("etcd")]
    assert supervision.ended("etcd", 0, 3) == []
    assert supervision.is_over
    assert not supervision.has_failed


def test_who_does_not_end_in_time_is_killed() -> None:
    supervision = all_ready()
    supervision.stop(0)
    supervision.ended("b", 0, 1)
    assert supervision.wait_ms(0) == STOP_MS
    orders = supervision.tick(STOP_MS)
    assert orders == [Tell("a did not end in 20 s: it is killed"), End("a", is_killed=True)]
    assert supervision.tick(STOP_MS + 1) == []
    assert told(supervision.tick(STOP_MS + KILL_MS)).startswith("a was killed and is not gone")
    assert supervision.wait_ms(STOP_MS + KILL_MS) is None
    assert supervision.ended("a", -9, STOP_MS + KILL_MS) == [End("etcd")]


def test_who_asks_again_has_all_killed() -> None:
    supervision = all_ready()
    supervision.stop(0)
    assert supervision.stop(1) == [End(name, is_killed=True) for name in ("etcd", "a", "b")]
    assert supervision.stop(2) == []
    for name in ("etcd", "a", "b"):
        assert supervision.ended(name, -9, 3) == []
    assert supervision.is_over
    assert not supervision.has_failed


def test_an_end_that_is_asked_for_while_all_starts_starts_nothing_more() -> None:
    supervision = Supervision(PLANS)
    supervision.begin(0)
    assert supervision.stop(1) == [End("etcd")]
    assert supervision.is_ready("etcd", 2) == []
    assert supervision.ended("etcd", 0, 3) == []
    assert supervision.is_over


def test_a_child_that_waits_to_be_started_again_is_not_once_all_ends() -> None:
    supervision = all_ready((ETCD, plan("a", restarts=True)))
    supervision.ended("a", -9, 10)
    assert supervision.stop(11) == [End("etcd")]
    supervision.ended("etcd", 0, 12)
    assert supervision.is_over
    assert supervision.tick(10**9) == []


@pytest.mark.parametrize("how", [0, 3, -9, -64])
def test_how_it_ended_is_told_in_words(how: int) -> None:
    words = {0: "exit status 0", 3: "exit status 3", -9: "SIGKILL", -64: "SIGRTMAX"}
    assert how_text(how) == words[how]
    assert how_text(-999) == "signal 999"


class ByChance:
    """Children that live and die by chance. Orders are carried out one after another."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        plans = [replace(each, restarts=self.draw.random() < 0.5) for each in PLANS]
        self.supervision = Supervision(plans)
        self.running = set[str]()
        self.now_ms = 0

    def take(self, orders: list[Order]) -> None:
        for order in orders:
            if isinstance(order, Begin):
                assert order.name not in self.running, "started twice"
                if self.draw.random() < 0.1:
                    orders.extend(self.supervision.ended(order.name, 127, self.now_ms))
                else:
                    self.running.add(order.name)
            elif isinstance(order, End):
                is_ending = self.supervision.state_of(order.name) is State.ENDING
                assert (order.name in self.running) == is_ending

    def end(self, name: str, how: int) -> None:
        self.running.discard(name)
        self.take(self.supervision.ended(name, how, self.now_ms))

    def step(self) -> None:
        self.now_ms += self.draw.choice([1, 500, 5_000, 70_000])
        chance = self.draw.random()
        if self.running and chance < 0.3:
            name = self.draw.choice(sorted(self.running))
            self.take(self.supervision.is_ready(name, self.now_ms))
        elif self.running and chance < 0.5:
            self.end(self.draw.choice(sorted(self.running)), self.draw.choice([0, 1, -9]))
        elif chance < 0.53:
            self.take(self.supervision.stop(self.now_ms))
        self.take(self.supervision.tick(self.now_ms))
        assert not (self.supervision.is_over and self.running)


@pytest.mark.parametrize("seed", range(200))
def test_whatever_happens_no_child_is_left(seed: int) -> None:
    cluster = ByChance(seed)
    cluster.take(cluster.supervision.begin(0))
    for _ in range(60):
        cluster.step()
    if not cluster.supervision.is_over:
        cluster.take(cluster.supervision.stop(cluster.now_ms))
    while cluster.running:
        cluster.end(min(cluster.running), 0)
    assert cluster.supervision.is_over
