"""No member has all of a queue: the leader cannot read its own, and the others' disks are new."""

from unittest.mock import patch

import pytest

from cluster.mirrored.catch_ups import CatchUps
from cluster.replication.commands import promotion
from tests.cluster.mirrored.test_damages import files_of, store_all, until
from tests.support.mirror_behind import Behind
from tests.support.mirrored_cluster import Cluster
from tests.support.mirrored_machine import DEAD, QUEUE, Machine

STEPS = 100
"""Each is ten ticks: all timers have run out long before."""


class Beyond(Behind):
    """The leader is damaged, and the other member began anew on an empty disk.

    Args:
        keeps: the third replica, which is no member, is down and keeps its disk. Otherwise that
            one is new as well.
        seed: of what happens.
        max_priority: of the queue.
    """

    def __init__(
        self, *, keeps: bool = False, seed: int = 3, max_priority: int | None = None
    ) -> None:
        super().__init__(seed, 40, kind=lambda seed: Cluster(seed, max_priority=max_priority))
        cluster, machine = self.cluster, self.leader
        for _ in range(6):
            for _ in range(15):
                self.publish()
            machine.up.compact(QUEUE)
            machine.up.carry_out()
            store_all(machine)
        machine.disk.damage(files_of(machine, ".seg")[0], 150, b"\xff" * 40)
        (other,) = (each for each in cluster.running() if each is not self.leader)
        self.other = other
        self.members = cluster.states[QUEUE][0].in_sync_set
        assert {each.node for each in self.members} == {self.leader.name, other.name}
        self.stop(other)
        other.replace_disk()
        self.start(other)
        if not keeps:
            self.mirror.replace_disk()
            self.start(self.mirror)

    def start(self, machine: Machine) -> None:
        machine.start()
        self.cluster.register(machine)

    def pass_time(self) -> None:
        for _ in range(STEPS):
            self.go_on(10)
            for _ in range(3):
                self.cluster.connect()
            self.cluster.give_up()
            self.cluster.elect()

    def promote(self) -> None:
        """Have the leader go on alone, as an operator does who accepts the loss."""
        cluster = self.cluster
        state = cluster.states[QUEUE][0]
        new = promotion(state, self.leader.name, cluster.live, is_damaged=True)
        cluster.put(QUEUE, new)


def numbers(behind: Beyond, machine: Machine) -> set[int]:
    return {int(each) for each in behind.messages(machine)}


def test_it_stands_still_and_nothing_is_given_up() -> None:
    behind = Beyond()
    cluster, leader = behind.cluster, behind.leader
    epoch = cluster.states[QUEUE][0].epoch
    replica = leader.up.replicas()[QUEUE]
    unsettled = replica.state.settled.count_missing(0, replica.state.next_position)
    behind.pass_time()
    state = cluster.states[QUEUE][0]
    assert (state.leader, state.epoch, state.in_sync_set) == (leader.name, epoch, behind.members)
    assert list(leader.up.damages) == [QUEUE]
    assert not leader.up.damages.is_alone(QUEUE)
    assert replica.state.settled.count_missing(0, replica.state.next_position) == unsettled
    assert cluster.states[DEAD][0].in_sync_set != behind.members, "the other queue goes on"


@pytest.mark.parametrize("max_priority", [None, 5])
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_an_operator_has_it_go_on_with_all_that_can_be_read(
    seed: int, max_priority: int | None
) -> None:
    behind = Beyond(seed=seed, max_priority=max_priority)
    cluster, ledger = behind.cluster, behind.cluster.ledgers[QUEUE]
    behind.pass_time()
    kept = set(ledger.confirmed)
    behind.promote()
    # What is lost is seen below.
    ledger.confirmed.clear()
    ledger.seen.clear()
    until(behind, cluster.is_whole, 8_000)
    behind.leader = cluster.machines[cluster.states[QUEUE][0].leader]
    there = numbers(behind, behind.leader)
    assert 0 < len(kept - there - ledger.leaving) < len(kept) / 2
    assert QUEUE not in behind.leader.up.damages
    cluster.take_all()


def test_a_replica_that_is_away_may_have_it_and_is_waited_for() -> None:
    behind = Beyond(keeps=True)
    cluster = behind.cluster
    behind.pass_time()
    assert cluster.states[QUEUE][0].in_sync_set == behind.members
    behind.promote()
    behind.pass_time()
    assert list(behind.leader.up.damages) == [QUEUE]
    end = behind.leader.up.replicas()[QUEUE].state.next_position
    found = behind.leader.up.replicas()[QUEUE].state.settled.count_missing(0, end)
    assert found == len(set(cluster.ledgers[QUEUE].confirmed) - cluster.ledgers[QUEUE].leaving)


@pytest.mark.planted
def test_a_leader_that_leaves_out_what_another_replica_has_is_seen() -> None:
    behind = Beyond(keeps=True)
    behind.pass_time()
    behind.promote()
    with (
        patch.object(CatchUps, "_may_be_elsewhere", lambda *_: False),
        pytest.raises(AssertionError, match="confirmed or delivered, and lost"),
    ):
        behind.pass_time()
