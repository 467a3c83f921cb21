"""Leaders are spread: which queues are meant, one move at a time, and what a kill leaves."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from amqp_server.broker.access.patterns import PatternError
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.clustering import rebalancing
from amqp_server.clustering.rebalancing import FAILURES_MAX, Rebalancing
from cluster.metadata.records import StoredMember
from tests.support.cluster_views import Told, stored
from tests.support.looked_cluster import LookedNode, standings_of

PATIENCE_S = 30


class Rig:
    """Three nodes, of which the first leads all queues, and who drives."""

    def __init__(self, queues_count: int = 30) -> None:
        self.told = Told()
        for at, name in enumerate("abc", 1):
            self.told.member(name, StoredMember(f"disk {name}", 1))
            self.told.live(name, at)
        for number in range(queues_count):
            self.told.queue(stored(f"q{number}", "a", 1, 3), f"jobs{number}")
        self.under_way = self.under_way_max = 0
        self.moved: list[str] = []
        self.left_counts: list[int] = []
        self.fails: Callable[[str], Exception | None] = lambda _name: None

    def driver(self) -> Rebalancing:
        node: Any = LookedNode("a")
        node.told, node.view = self.told, self.told.view
        made = Rebalancing(
            self.told.view, lambda: standings_of(node), lambda _v, name: name[:4], self.move
        )
        self.current = made
        return made

    async def move(self, vhost: str, name: str, node: str) -> str:
        assert vhost == "v"
        self.under_way += 1
        self.under_way_max = max(self.under_way_max, self.under_way)
        try:
            await asyncio.sleep(0)
            error = self.fails(name)
            if error is not None:
                raise error
            self.left_counts.append(self.current.left_count)
            self.moved.append(name)
            queue_id = self.told.view.queue_id_of("v", name)
            assert queue_id is not None
            before = self.told.view.queues[queue_id].stored
            state = replace(before.state, leader=node, epoch=before.state.epoch + 1)
            self.told.queue(replace(before, state=state), name)
        finally:
            self.under_way -= 1
        return node

    @property
    def led(self) -> list[int]:
        return [self.told.view.led_count(each) for each in "abc"]

    async def over(self, driver: Rebalancing) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while driver.left_count:  # noqa: ASYNC110
                await asyncio.sleep(0)
            for _ in range(5):
                await asyncio.sleep(0)


def test_leaders_are_spread_one_after_the_other() -> None:
    async def scenario() -> None:
        rig = Rig()
        driver = rig.driver()
        assert await driver.begin("", "", "") == 20
        assert driver.left_count == 20
        with pytest.raises(PreconditionFailedError, match="rebalances already: 20 moves are left"):
            await driver.begin("", "", "")
        await rig.over(driver)
        assert rig.led == [10, 10, 10]
        assert rig.under_way_max == 1
        assert rig.left_counts == list(range(20, 0, -1))
        assert await driver.begin("", "", "") == 0
        await driver.stop()

    asyncio.run(scenario())


def test_only_queues_that_are_meant_move() -> None:
    async def scenario() -> None:
        rig = Rig()
        driver = rig.driver()
        assert await driver.begin("none", "", "") == 0
        await rig.over(driver)
        assert await driver.begin("jobs", "^w", "") == 0
        await rig.over(driver)
        assert await driver.begin("jobs", "^v$", "^jobs[012]$") == 2
        await rig.over(driver)
        assert set(rig.moved) < {"jobs0", "jobs1", "jobs2"}
        with pytest.raises(PatternError):
            await driver.begin("", "(", "")
        assert await driver.begin("", "", "nothing") == 0

    asyncio.run(scenario())


def test_whoever_drives_may_be_killed_and_the_next_command_does_the_rest() -> None:
    async def scenario() -> None:
        rig = Rig()
        counts = []
        for _ in range(40):
            driver = rig.driver()
            counts.append(await driver.begin("", "", ""))
            for _ in range(3):
                await asyncio.sleep(0)
            await driver.stop()
        assert rig.led == [10, 10, 10]
        assert counts[0] == 20
        assert counts[-1] == 0
        assert counts == sorted(counts, reverse=True)

    asyncio.run(scenario())


def test_a_queue_that_cannot_move_now_keeps_none_back_and_many_end_it() -> None:
    async def scenario() -> None:
        rig = Rig(90)
        refused = PreconditionFailedError("nobody leads the queue now")
        rig.fails = lambda name: refused if name.endswith("3") else None
        driver = rig.driver()
        await driver.begin("", "", "")
        await rig.over(driver)
        assert rig.moved
        rig.fails = lambda _name: None
        await driver.begin("", "", "")
        await rig.over(driver)
        assert rig.led == [30, 30, 30]
        tried: list[str] = []

        def fails(name: str) -> Exception:
            tried.append(name)
            return refused

        other = Rig(90)
        other.fails = fails
        driver = other.driver()
        assert await driver.begin("", "", "") == 60
        await other.over(driver)
        assert len(tried) == FAILURES_MAX

    asyncio.run(scenario())


def test_a_move_that_does_not_end_is_left_and_queues_that_are_gone_are_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(rebalancing, "MOVE_S", 0.0)
        rig = Rig(3)
        driver = rig.driver()
        assert await driver.begin("", "", "") == 2
        await rig.over(driver)
        assert rig.led == [3, 0, 0]
        monkeypatch.setattr(rebalancing, "MOVE_S", 5.0)
        assert await driver.begin("", "", "") == 2
        for number in range(3):
            rig.told.queue(None, f"jobs{number}")
        await rig.over(driver)
        assert not rig.moved

    asyncio.run(scenario())
