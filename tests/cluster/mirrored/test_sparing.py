"""A mirror whose disk is nearly full leaves where its queue can do without it, and comes back."""

from unittest.mock import patch

import pytest

from cluster.mirrored import sparing
from tests.support.mirrored_cluster import Cluster
from tests.support.mirrored_machine import QUEUE
from tests.support.short_disks import MIN_ISR, go_on, members, toggling, whole

SEEDS = 10


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
    first.up.sparing.is_short = second.up.sparing.is_short = True
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
            cluster.kinds.append((3, toggling(cluster)))
            for _ in range(3_000):
                cluster.step()
            cluster.kinds.pop()
            for machine in cluster.running():
                machine.up.sparing.set_short(is_short=False)
            cluster.heal()
