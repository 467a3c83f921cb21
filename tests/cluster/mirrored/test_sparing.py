"""A mirror whose disk is nearly full leaves where its queue can do without it, and comes back."""

from collections.abc import Callable
from unittest.mock import patch

import pytest

from cluster.mirrored import sparing
from cluster.mirrored.sparing import KnownState
from tests.support.mirrored_cluster import Cluster
from tests.support.mirrored_machine import QUEUE, Machine

MIN_ISR = 2
SEEDS = 10


def knowing(cluster: Cluster, machine: Machine) -> None:
    """Have a node know at once what the store has."""

    def known(queue: str) -> KnownState:
        state, live = cluster.states[queue][0], cluster.live
        living = {each for each in state.in_sync_set if each.node in live}
        return KnownState(state, MIN_ISR, frozenset(living))

    machine.up.sparing.known = known


def whole() -> tuple[Cluster, Machine, list[Machine]]:
    """Return a cluster, the node that leads, and its mirrors."""
    cluster = Cluster(3)
    cluster.heal()
    leader = cluster.machines[cluster.states[QUEUE][0].leader]
    mirrors = [each for each in cluster.running() if each is not leader]
    for machine in cluster.running():
        knowing(cluster, machine)
    return cluster, leader, mirrors


def members(cluster: Cluster) -> set[str]:
    return {each.node for each in cluster.states[QUEUE][0].in_sync_set}


def go_on(cluster: Cluster, holds: Callable[[], bool], steps_max: int = 6_000) -> None:
    for _ in range(steps_max):
        if holds():
            return
        for _ in range(4):
            cluster.carry()
            cluster.sync()
        cluster.tick()
        cluster.answer_store()
        cluster.read()
        cluster.connect()
    raise AssertionError("it does not come about")


def test_it_leaves_takes_nothing_and_comes_back() -> None:
    cluster, leader, (short, _) = whole()
    short.up.sparing.set_short(is_short=True)
    go_on(cluster, lambda: short.name not in members(cluster))
    end = short.up.core.node.replicas[QUEUE].end
    for _ in range(20):
        cluster.publish()
        go_on(cluster, lambda: leader.up.core.node.leaderships[QUEUE].commit >= end)
    for _ in range(200):
        cluster.carry()
        cluster.tick()
    assert short.up.core.node.replicas[QUEUE].end == end, "it takes nothing more"
    short.up.sparing.set_short(is_short=False)
    go_on(cluster, lambda: short.name in members(cluster))
    assert short.up.core.node.replicas[QUEUE].end > end


def test_of_several_only_so_many_leave_that_the_queue_goes_on() -> None:
    cluster, leader, mirrors = whole()
    for each in mirrors:
        each.up.sparing.set_short(is_short=True)
    go_on(cluster, lambda: len(members(cluster)) == MIN_ISR)
    lead = leader.up.core.node.leaderships[QUEUE]
    end = lead.replica.end
    cluster.publish()
    go_on(cluster, lambda: lead.commit > end)
    assert leader.name in members(cluster)
    assert len(members(cluster)) == MIN_ISR


def test_who_has_left_is_back_where_the_queue_would_stand_still_without_it() -> None:
    cluster, leader, (short, other) = whole()
    short.up.sparing.set_short(is_short=True)
    go_on(cluster, lambda: short.name not in members(cluster))
    other.stop_now()
    del cluster.live[other.name]
    for pair in [pair for pair in cluster.links if other.name in pair]:
        cluster.disconnect(*pair)
    lead = leader.up.core.node.leaderships[QUEUE]
    end = lead.replica.end
    cluster.publish()
    go_on(cluster, lambda: lead.commit > end)
    assert members(cluster) == {leader.name, short.name}
    cluster.start()
    go_on(cluster, lambda: other.name in members(cluster))
    go_on(cluster, lambda: short.name not in members(cluster))


def test_a_tick_looks_at_so_many_queues_and_the_next_at_others() -> None:
    _, leader, (short, _) = whole()
    link = short.up.core.node.from_leaders[leader.name]
    link.attached |= dict.fromkeys(map(str, range(1_000)), 1)
    looked_at: list[str] = []
    short.up.sparing.known = looked_at.append
    short.up.sparing.set_short(is_short=True)
    for count in range(10):
        short.up.sparing.tick()
        assert len(looked_at) <= count * sparing.LOOKS_MAX
    assert set(looked_at) >= set(link.attached)


def test_members_try_one_after_the_other_and_again() -> None:
    cluster, _, mirrors = whole()
    cluster.tick()
    first, second = sorted(mirrors, key=lambda each: each.name)
    base_ms = first.up.core.node.now_ms
    found: dict[str, list[int]] = {first.name: [], second.name: []}
    for seconds in range(80):
        for each in (first, second):
            each.up.core.node.now_ms = base_ms + seconds * 1_000
            if each.up.sparing._is_spared(QUEUE):
                found[each.name].append(seconds)
    assert found[first.name][:8] == [0, 1, 2, 3, 30, 31, 32, 33]
    assert found[second.name][:8] == [5, 6, 7, 8, 35, 36, 37, 38]


def test_a_queue_of_which_nothing_is_known_is_taken_as_always() -> None:
    cluster, _, (short, _) = whole()
    short.up.sparing.known = lambda _: None
    short.up.sparing.set_short(is_short=True)
    cluster.publish()
    for _ in range(300):
        cluster.carry()
        cluster.sync()
        cluster.tick()
    assert short.name in members(cluster)


@pytest.mark.parametrize("first", [0])
def test_nothing_is_lost_where_disks_are_nearly_full_now_and_then(first: int) -> None:
    with patch.multiple(sparing, TRY_MS=400, TURN_MS=500, AGAIN_MS=2_000):
        for seed in range(first, first + SEEDS):
            cluster = Cluster(seed)

            def toggle(cluster: Cluster = cluster) -> None:
                for machine in cluster.running():
                    knowing(cluster, machine)
                machine = cluster.draw.choice(cluster.running())
                machine.up.sparing.set_short(is_short=cluster.draw.random() < 0.5)

            cluster.kinds.append((3, toggle))
            for _ in range(3_000):
                cluster.step()
            cluster.kinds.pop()
            for machine in cluster.running():
                machine.up.sparing.set_short(is_short=False)
            cluster.heal()
