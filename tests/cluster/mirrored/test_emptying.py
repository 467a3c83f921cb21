"""A mirror that has left for a short disk frees it, and comes back when there is room."""

from contextlib import nullcontext
from dataclasses import replace
from unittest.mock import patch

import pytest

from cluster.mirrored import emptying, sparing
from cluster.mirrored.emptying import Emptying, room_above
from cluster.mirrored.sparing import KnownState
from cluster.replication import membership
from cluster.replication.errors import BrokenInvariantError
from cluster.replication.frames import LetGo
from cluster.replication.leadership import Leadership
from cluster.replication.node_state import NodeState
from tests.support.mirrored_cluster import Cluster
from tests.support.mirrored_machine import DEAD, QUEUE, Machine
from tests.support.short_disks import go_on, members, toggling, whole

SEEDS = 12


def end_of(machine: Machine) -> int:
    return machine.up.core.node.replicas[QUEUE].end


def left() -> tuple[Cluster, Machine, Machine, Machine]:
    """Return a cluster, its leader, a mirror that has left for want of room, and the other one."""
    cluster, leader, (short, other) = whole()
    for _ in range(20):
        cluster.publish()
    short.up.sparing.set_short(is_short=True)
    go_on(cluster, lambda: short.name not in members(cluster))
    return cluster, leader, short, other


def let_go() -> tuple[Machine, Machine]:
    """Return a leader, and a mirror that it has let go and that is emptied before long."""
    cluster, leader, short, _ = left()
    go_on(cluster, lambda: bool(short.up.emptying._let_go))
    return leader, short


def for_ms(cluster: Cluster, length_ms: int) -> None:
    until_ms = cluster.now_ms + length_ms
    go_on(cluster, lambda: cluster.now_ms >= until_ms)


def test_it_empties_what_it_left_and_gets_it_again_once_there_is_room() -> None:
    cluster, _, short, _ = left()
    assert end_of(short) > 0
    free_bytes = 0
    short.up.emptying.room_bytes = lambda: free_bytes
    go_on(cluster, lambda: end_of(short) == 0)
    short.up.sparing.set_short(is_short=False)
    for_ms(cluster, 3_000)
    assert end_of(short) == 0, "there would be no room for it"
    assert short.name not in members(cluster)
    free_bytes = 1 << 30
    go_on(cluster, lambda: short.name in members(cluster))
    cluster.heal()
    assert end_of(short) > 0
    assert not short.up.emptying


def test_a_queue_that_nobody_uses_is_left_and_emptied_as_well() -> None:
    cluster, _, (short, _) = whole()
    for _ in range(5):
        cluster.publish()
    for_ms(cluster, 3_000)
    for machine in cluster.running():
        assert machine.up.core._timers is not None
        machine.up.core._timers = replace(machine.up.core._timers, idle_max_ms=1 << 40)
    short.up.sparing.set_short(is_short=True)
    go_on(cluster, lambda: short.name not in members(cluster))
    go_on(cluster, lambda: end_of(short) == 0)


def test_not_before_the_disk_was_nearly_full_for_a_while() -> None:
    cluster, _, short, _ = left()
    short.up.sparing.set_short(is_short=False)
    short.up.sparing.set_short(is_short=True)
    end = end_of(short)
    for_ms(cluster, emptying.AFTER_MS - 1_000)
    assert end_of(short) == end


def test_not_while_too_few_others_live_and_then_it_is_a_member_again() -> None:
    cluster, _, short, other = left()
    other.stop_now()
    del cluster.live[other.name]
    for pair in [pair for pair in cluster.links if other.name in pair]:
        cluster.disconnect(*pair)
    end = end_of(short)
    cluster.publish()
    go_on(cluster, lambda: short.name in members(cluster))
    for_ms(cluster, 2 * emptying.AFTER_MS)
    assert end_of(short) >= end


def test_what_was_emptied_is_back_without_room_where_the_queue_needs_it() -> None:
    cluster, leader, short, other = left()
    short.up.emptying.room_bytes = lambda: 0
    go_on(cluster, lambda: end_of(short) == 0)
    other.stop_now()
    del cluster.live[other.name]
    for pair in [pair for pair in cluster.links if other.name in pair]:
        cluster.disconnect(*pair)
    lead = leader.up.core.node.leaderships[QUEUE]
    end = lead.replica.end
    cluster.publish()
    go_on(cluster, lambda: lead.commit > end)
    assert members(cluster) == {leader.name, short.name}


def test_not_while_its_leader_does_not_reach_it() -> None:
    """What it knows may be old then: an operator may have it lead, as nobody else is left."""
    leader, short = let_go()
    mine, node, end = short.up.emptying, short.up.core.node, end_of(short)
    link = node.from_leaders.pop(leader.name)
    node.now_ms += emptying.AFTER_MS
    mine.tick()
    assert end_of(short) == end
    node.from_leaders[leader.name] = link
    node.now_ms += emptying.APART_MS
    mine.tick()
    assert end_of(short) == 0


def test_not_where_one_copy_would_be_left_whatever_min_isr_says() -> None:
    leader, short = let_go()
    mine, node, end = short.up.emptying, short.up.core.node, end_of(short)
    found = short.up.sparing.known(QUEUE)
    assert found is not None
    alone = frozenset({leader.up.core.node.replica_id})
    known = KnownState(replace(found.state, in_sync_set=alone), 1, alone)
    short.up.sparing.known = lambda _: known
    node.now_ms += emptying.AFTER_MS
    mine.tick()
    assert end_of(short) == end
    known = found._replace(min_isr=1)
    node.now_ms += emptying.APART_MS
    mine.tick()
    assert end_of(short) == 0


def test_a_word_of_an_older_epoch_or_of_before_a_fence_was_answered_says_nothing() -> None:
    _, leader, short, _ = left()
    heard, mine = short.up.emptying, short.up.core.node.replicas[QUEUE]
    heard._let_go.clear()
    heard.hear(LetGo(QUEUE, mine.promised - 1))
    heard.hear(LetGo("unknown", mine.promised))
    assert not heard._let_go
    link = short.up.core.node.from_leaders[leader.name]
    link.attached[QUEUE] = mine.promised
    heard.hear(LetGo(QUEUE, mine.promised))
    assert not heard._let_go
    del link.attached[QUEUE]
    heard.hear(LetGo(QUEUE, mine.promised))
    assert set(heard._let_go) == {QUEUE}
    heard.answers(QUEUE)
    assert not heard._let_go
    heard.hear(LetGo(QUEUE, mine.promised))
    heard.forget(QUEUE)
    assert not heard._let_go


def test_the_largest_go_first_and_only_so_many() -> None:
    cluster, _, short, _ = left()
    mine = short.up.emptying
    emptied: list[str] = []
    with (
        patch.object(mine, "_may_empty", return_value=True),
        patch.object(mine, "_begin_anew", lambda queue, _: emptied.append(queue)),
        patch.object(emptying, "AT_ONCE_BYTES", 250),
    ):
        mine._let_go = {f"q{size}": emptying._LetGo(1, size) for size in (0, 10, 100, 200, 300)}
        for _ in range(4):
            cluster.now_ms += emptying.AFTER_MS
            short.up.core.node.now_ms = cluster.now_ms
            mine.tick()
            emptied.append("|")
            mine.tick()
    assert emptied == ["q300", "|", "q200", "q100", "|", "q10", "|", "|"]


def test_large_ones_that_may_not_be_emptied_keep_no_small_one_from_it() -> None:
    cluster, _, short, _ = left()
    mine = short.up.emptying
    emptied: list[str] = []
    with (
        patch.object(mine, "_may_empty", lambda queue: queue == "small"),
        patch.object(mine, "_begin_anew", lambda queue, _: emptied.append(queue)),
    ):
        needed = {f"q{number}": emptying._LetGo(1, 1_000) for number in range(100)}
        mine._let_go = {**needed, "small": emptying._LetGo(1, 1)}
        short.up.core.node.now_ms = cluster.now_ms + emptying.AFTER_MS
        mine.tick()
    assert emptied == ["small"]


def test_what_comes_back_is_counted_until_it_is_member() -> None:
    _, _, (short, _) = whole()
    mine = short.up.emptying
    mine.room_bytes = lambda: 100
    mine.is_member = lambda queue: queue == DEAD
    mine.emptied = {QUEUE: 60, DEAD: 60}
    assert not mine.waits(QUEUE)
    mine.answers(QUEUE)
    assert mine.waits(DEAD), "no room for both"
    mine.is_member = lambda _: True
    mine.tick()
    assert not mine.waits(DEAD)


def test_half_a_copy_is_given_up_where_the_disk_is_short_again() -> None:
    """It takes room, and the replica would be back before there is room for all of it."""
    _, short = let_go()
    mine, node = short.up.emptying, short.up.core.node
    node.now_ms += emptying.AFTER_MS
    mine.tick()
    size_bytes = mine.emptied[QUEUE]
    mine.answers(QUEUE)
    mine.set_short(is_short=True)
    mine.hear(LetGo(QUEUE, node.replicas[QUEUE].promised))
    node.now_ms += emptying.AFTER_MS
    with patch.object(short.up._buildings, "forget") as given_up:
        mine.tick()
    assert [each.args for each in given_up.call_args_list] == [(QUEUE,)]
    assert mine.emptied[QUEUE] == size_bytes
    assert QUEUE not in mine._coming


def test_room_is_what_is_free_above_the_limit_and_half_of_it() -> None:
    assert room_above(100, lambda: 400) == 250

    def refuses() -> int:
        raise OSError

    assert room_above(100, refuses) is None


# -- random lives: what was emptied was nobody's to count on -------------------------------------


def lived(seed: int) -> int:
    """Live with disks that are nearly full; return how often a replica was emptied."""
    cluster = Cluster(seed)
    emptied: list[str] = []
    empty = Emptying._empty

    def noting(mine: Emptying, queue: str) -> None:
        emptied.append(queue)
        empty(mine, queue)

    cluster.kinds.append((2, toggling(cluster)))
    with (
        patch.multiple(sparing, TRY_MS=400, TURN_MS=500, AGAIN_MS=2_000),
        patch.multiple(emptying, AFTER_MS=200, APART_MS=100, MEASURED_MS=50, COMING_MS=500),
        patch.object(Emptying, "_empty", noting),
    ):
        for _ in range(3_000):
            cluster.step()
        cluster.kinds.pop()
        for machine in cluster.running():
            machine.up.sparing.set_short(is_short=False)
        cluster.heal(20_000)
    return len(emptied)


def test_nothing_is_lost_where_replicas_are_emptied() -> None:
    emptied_count = 0
    for seed in range(SEEDS):
        try:
            emptied_count += lived(seed)
        except AssertionError as broken:
            raise AssertionError(f"seed {seed}: {broken}") from broken
    assert emptied_count > SEEDS


def counts_on_what_it_knows(node: NodeState, lead: Leadership, mirror: str) -> bool:
    """Forget that a write may be under way that takes the mirror in."""
    is_member = any(each.node == mirror for each in lead.state.in_sync_set)
    return mirror in node.to_mirrors and mirror not in lead.mirrors and not is_member


def whoever_was_fenced_since(mine: Emptying, queue: str, epoch: int) -> bool:
    """Forget that a fence was answered since."""
    replica = mine._core.node.replicas.get(queue)
    return replica is not None and replica.promised == epoch


MISTAKES = {
    "open write": (26, membership, "may_let_go", counts_on_what_it_knows),
    "fence": (250, Emptying, "_is_let_go", whoever_was_fenced_since),
}
"""By name: a seed from which it is soon found, and what is put where."""


@pytest.mark.planted
@pytest.mark.parametrize("name", MISTAKES)
def test_a_replica_that_is_emptied_too_early_is_seen(name: str) -> None:
    first, owner, attribute, mistake = MISTAKES[name]
    never = patch.object(Emptying, "answers", lambda *_: None) if name == "fence" else nullcontext()
    seen = pytest.raises((AssertionError, BrokenInvariantError))
    with patch.object(owner, attribute, mistake), never, seen:
        for seed in range(first, first + 40):
            lived(seed)
