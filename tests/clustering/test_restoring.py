"""Lists of replicas are mended: who is due, how many at once, what a crash or an outage leaves."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from amqp_server.broker.definitions.definition import VhostDefinition, policy_definition
from amqp_server.broker.events import Event, EventKind
from amqp_server.broker.policies.table import Policy
from amqp_server.clustering import restoring
from amqp_server.clustering.placing import Wanted
from amqp_server.clustering.restoring import CATCH_UPS_MAX, GETS_NOTHING_MS, Restoring
from cluster.metadata.records import StoredMember, StoredQueueState
from cluster.placement.asking import RULES, Asked
from cluster.placement.nodes import DRAINING, LEAVING
from cluster.replication.state import QueueOptions, QueueState, ReplicaId
from tests.support.cluster_views import Told
from tests.support.looked_cluster import LookedNode, standings_of

PATIENCE_S = 30


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring, "PAUSE_S", 0.0)
    monkeypatch.setattr(restoring, "RETRY_S", 0.001)


class Stored:
    """What all nodes have in common: the store, and who is in sync. Mirrors catch up when told."""

    def __init__(self, *names: str) -> None:
        self.told = Told()
        self.catches_up = True
        self.adding_max = 0
        for at, name in enumerate(names, 1):
            self.told.member(name, StoredMember(f"disk {name}", 1))
            self.told.live(name, at)

    def put(self, number: int, replicas: str, isr: str, leader: str, min_isr: int = 2) -> None:
        members = frozenset(ReplicaId(each, f"disk {each}") for each in isr)
        state = QueueState(leader, 1, 3, members)
        options = QueueOptions(tuple(replicas), min_isr)
        self.told.queue(StoredQueueState(f"q{number}", state, options), f"jobs{number}")

    def of(self, number: int) -> StoredQueueState:
        return self.told.view.queues[f"q{number}"].stored

    def forget(self, name: str) -> None:
        self.told.member(name, StoredMember(f"disk {name}", 1, state=LEAVING))
        self.told.live(name)

    def write(self, stored: StoredQueueState) -> None:
        known = self.told.view.queues[stored.queue_id]
        self.told.queue(stored, known.name)

    def catch_up(self) -> None:
        """Take every mirror in that runs."""
        live = self.told.view.live_nodes()
        for known in tuple(self.told.view.queues.values()):
            stored = known.stored
            grown = {live[name].replica for name in stored.options.replicas if name in live}
            members = frozenset(stored.state.in_sync_set | grown)
            if members != stored.state.in_sync_set:
                self.write(replace(stored, state=replace(stored.state, in_sync_set=members)))


class Leading(LookedNode):
    """One start of a node that leads; its core writes, or does not, as a test has it."""

    def __init__(self, name: str, stored: Stored, does: Callable[[], bool] = lambda: True) -> None:
        super().__init__(name)
        self.told, self.view = stored.told, stored.told.view
        self.stored = stored
        self.does = does
        self.moved: list[tuple[str, str]] = []
        self.written: list[str] = []

    def change_options(self, queue_id: str, options: QueueOptions) -> bool:
        stored = self.view.queues[queue_id].stored
        members = frozenset(x for x in stored.state.in_sync_set if x.node in options.replicas)
        assert stored.state.leader == self.options.node
        assert members == stored.state.in_sync_set or len(members) >= options.min_isr
        if not self.does():
            return False
        self.written.append(queue_id)
        state = replace(stored.state, in_sync_set=members)
        self.stored.write(replace(stored, state=state, options=options))
        return True

    def move_leader(self, queue_id: str, target: str) -> bool:
        self.moved.append((queue_id, target))
        stored = self.view.queues[queue_id].stored
        self.stored.write(replace(stored, state=replace(stored.state, leader=target)))
        return True


def restoring_of(node: LookedNode, asked: Asked, *, lowers: bool = True) -> Restoring:
    made: Any = Restoring
    found: Restoring = made(
        node, lambda: standings_of(node), lambda *_: Wanted(asked, lowers), RULES
    )
    return found


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0)


def test_a_node_that_leaves_is_replaced_in_every_queue() -> None:
    async def scenario() -> None:
        stored = Stored(*"abcd")
        for number in range(40):
            stored.put(number, "abc", "abc" if number % 2 else "ac", "a")
        node = Leading("a", stored)
        driver = restoring_of(node, Asked(3))
        driver.begin()
        await until(lambda: not driver.due_count)
        assert not node.written
        stored.forget("c")
        driver.nodes_changed(("c",))

        def is_whole() -> bool:
            stored.catch_up()
            driver.leaders_changed(tuple(stored.told.view.queues))
            return all(set(stored.of(each).options.replicas) == set("abd") for each in range(40))

        await until(is_whole)
        assert all(stored.of(each).options.min_isr == 2 for each in range(40))
        await driver.stop()
        await driver.stop()

    asyncio.run(scenario())


def test_a_bounded_number_of_queues_gets_replicas_at_once() -> None:
    async def scenario() -> None:
        stored = Stored(*"abc")
        count = CATCH_UPS_MAX + 20
        for number in range(count):
            stored.put(number, "ab", "ab", "a", 1)
        driver = restoring_of(Leading("a", stored), Asked(3))
        driver.begin()

        def adding() -> int:
            return sum(len(stored.of(each).options.replicas) == 3 for each in range(count))

        await until(lambda: adding() >= CATCH_UPS_MAX)
        for _ in range(500):
            await asyncio.sleep(0)
        assert adding() == CATCH_UPS_MAX == len(driver.catching_up)
        stored.catch_up()
        driver.leaders_changed(tuple(stored.told.view.queues))
        await until(lambda: adding() == count)
        stored.catch_up()
        driver.leaders_changed(tuple(stored.told.view.queues))
        await until(lambda: not driver.catching_up)
        await driver.stop()

    asyncio.run(scenario())


def test_who_gets_nothing_leaves_its_place_to_others_and_has_one_again_when_it_gets_on() -> None:
    async def scenario() -> None:
        stored = Stored(*"abc")
        stored.catches_up = False
        count = CATCH_UPS_MAX + 5
        for number in range(count):
            stored.put(number, "ab", "ab", "a", 1)
        node = Leading("a", stored)
        driver = restoring_of(node, Asked(3))
        driver.begin()
        await until(lambda: len(node.written) == CATCH_UPS_MAX)
        # Their replicas are seen in the store, and refuse: the disk of c is full.
        driver.leaders_changed(tuple(node.written))
        await until(lambda: not any(driver.catching_up.values()))
        refused = set(node.written)
        moving = min(refused)
        for _ in range(3):
            node.time_ms += GETS_NOTHING_MS - 1
            node.came_to[moving] = node.came_to.get(moving, 0) + 1
            for _ in range(200):
                await asyncio.sleep(0)
        assert len(node.written) == CATCH_UPS_MAX + 5, "the others have their places"
        assert set(driver.catching_up) == {moving} | (set(stored.told.view.queues) - refused)
        late = max(refused - {moving})
        node.came_to[late] = 7
        driver.leaders_changed((late,))
        await until(lambda: late in driver.catching_up)
        await driver.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize("seed", range(12))
def test_a_kill_at_any_step_and_a_store_that_does_not_answer_leave_nothing_undone(
    seed: int,
) -> None:
    async def scenario() -> None:
        chance = random.Random(seed)
        stored = Stored(*"abcde")
        for number in range(20):
            isr = chance.choice(["abc", "ac", "ab", "bc"])
            stored.put(number, "abc", isr, isr[0])
        stored.forget("c")
        for _ in range(200):
            # Each start of a leader writes a few times, and is then killed; or the store is away.
            left = chance.randrange(4)

            def does(left: list[int] = [left]) -> bool:  # noqa: B006
                left[0] -= 1
                return left[0] >= 0

            drivers = []
            for name in "ab":
                driver = restoring_of(Leading(name, stored, does), Asked(3))
                driver.begin()
                drivers.append(driver)
            for _ in range(chance.randrange(10)):
                await asyncio.sleep(0)
            for driver in drivers:
                await driver.stop()
            if chance.random() < 0.5:
                stored.catch_up()
        for number in range(20):
            now = stored.of(number)
            assert len(now.options.replicas) == 3, now
            assert "c" not in now.options.replicas
            assert {each.node for each in now.state.in_sync_set} <= set("abde")

    asyncio.run(scenario())


def test_a_leader_that_is_to_have_no_replica_hands_over() -> None:
    async def scenario() -> None:
        stored = Stored(*"abc")
        stored.put(1, "abc", "abc", "a")
        node = Leading("a", stored)
        driver = restoring_of(node, Asked(2, ("b", "c")))
        driver.begin()
        await until(lambda: bool(node.moved))
        assert node.moved == [("q1", "b")]
        await driver.stop()
        other = Leading("b", stored)
        driver = restoring_of(other, Asked(2, ("b", "c")))
        driver.begin()
        await until(lambda: set(stored.of(1).options.replicas) == set("bc"))
        await driver.stop()

    asyncio.run(scenario())


def test_policies_and_nodes_that_are_others_have_all_queues_looked_at() -> None:
    async def scenario() -> None:
        stored = Stored(*"ab")
        stored.put(1, "ab", "ab", "a", 1)
        looked: list[str] = []
        node: Any = Leading("a", stored)

        def wanted_of(_vhost: str, name: str) -> Wanted | None:
            looked.append(name)
            return None

        driver = Restoring(node, lambda: standings_of(node), wanted_of, RULES)
        driver.nodes_changed(("a",))
        driver.begin()
        await until(lambda: len(looked) == 1)
        policy = policy_definition("v", Policy("p", ".*", {}, 0, "all"), operator=False)
        driver.definition_changed(Event(EventKind.DEFINITION_SAVED, "v", "p", definition=policy))
        await until(lambda: len(looked) == 2)
        vhost = VhostDefinition("v")
        driver.definition_changed(Event(EventKind.DEFINITION_SAVED, "v", "v", definition=vhost))
        # Only the stamp is another one.
        stored.told.member("b", StoredMember("disk b", 9))
        driver.nodes_changed(("b",))
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(looked) == 2
        stored.told.live("b")
        driver.nodes_changed(("b",))
        await until(lambda: len(looked) == 3)
        await driver.stop()

    asyncio.run(scenario())


def test_a_node_that_is_away_for_too_long_is_replaced_and_one_that_was_drained_is_not() -> None:
    async def scenario() -> None:
        stored = Stored(*"abcd")
        for number in range(3):
            stored.put(number, "abc", "ab", "a")
        node = Leading("a", stored)
        made: Any = Restoring
        wanted = Wanted(Asked(3), lowers=False)
        driver = made(node, lambda: standings_of(node), lambda *_: wanted, RULES, 60_000)
        driver.begin()
        stored.told.live("c")
        driver.nodes_changed(("c",))
        await until(lambda: not driver.due_count)
        assert not node.written
        node.time_ms += 60_000
        driver._look_at_all()

        def lists() -> set[tuple[str, ...]]:
            return {stored.of(each).options.replicas for each in range(3)}

        await until(lambda: lists() == {tuple("abdc")})
        stored.catch_up()
        driver.leaders_changed(tuple(stored.told.view.queues))
        await until(lambda: lists() == {tuple("abd")})
        # Once it is back nothing changes.
        stored.told.live("c", 99)
        driver.nodes_changed(("c",))
        await until(lambda: not driver.due_count)
        assert lists() == {tuple("abd")}
        stored.told.member("b", StoredMember("disk b", 1, state=DRAINING))
        stored.told.live("b")
        driver.nodes_changed(("b",))
        node.time_ms += 600_000
        driver._look_at_all()
        await until(lambda: not driver.due_count)
        assert lists() == {tuple("abd")}
        await driver.stop()

    asyncio.run(scenario())


def test_it_is_looked_again_when_a_node_has_been_away_for_so_long() -> None:
    async def scenario() -> None:
        stored = Stored(*"abcd")
        stored.put(1, "abc", "ab", "a")
        node = Leading("a", stored)
        made: Any = Restoring
        driver = made(
            node, lambda: standings_of(node), lambda *_: Wanted(Asked(3), lowers=True), RULES, 5
        )
        stored.told.live("c")
        driver.begin()
        begun_s = time.monotonic()
        node.now_ms = lambda: round((time.monotonic() - begun_s) * 1000)  # type: ignore[method-assign]
        driver._gone.see(standings_of(node), 0)
        await until(lambda: "d" in stored.of(1).options.replicas)
        await driver.stop()

    asyncio.run(scenario())


def test_a_node_that_is_gone_by_the_end_of_a_look_is_replaced() -> None:
    """Nothing else happens in idle queues, so nobody would look again."""

    async def scenario() -> None:
        stored = Stored(*"abcd")
        stored.put(1, "abc", "abc", "a")
        node = Leading("a", stored)
        stored.told.live("c")

        def wanted(*_: str) -> Wanted:
            node.time_ms += 1_000
            return Wanted(Asked(3), lowers=True)

        made: Any = Restoring
        driver = made(node, lambda: standings_of(node), wanted, RULES, 1_000)
        driver.begin()
        await until(lambda: "d" in stored.of(1).options.replicas)
        await driver.stop()

    asyncio.run(scenario())
