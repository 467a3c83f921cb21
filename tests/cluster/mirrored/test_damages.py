"""A replica whose octets are damaged is lost for its queue alone, and begins anew."""

from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

import pytest

from cluster.mirrored.damages import Damages
from cluster.replication.errors import BrokenInvariantError
from cluster.replication.ready import Role
from cluster.replication.state import QueueOptions, QueueState, ReplicaId
from persistence.errors import DamagedError
from persistence.log_state import EVERYTHING_BYTES
from persistence.replicas import stream_content
from tests.support.mirror_behind import Behind
from tests.support.mirrored_cluster import Cluster
from tests.support.mirrored_machine import DEAD, QUEUE, QUEUE_IDS, Machine
from tests.support.mirrored_streams import StreamCluster

SEEDS = 12
ERROR = DamagedError("octets of a test")


def store_all(machine: Machine) -> None:
    """Have all messages of a queue's base in files."""
    replica = machine.up.replicas()[QUEUE]
    for lane, slices in replica.state.unstored().items():
        replica.state.store(lane, slices)
    while not replica.store_some(EVERYTHING_BYTES):
        pass


def files_of(machine: Machine, suffix: str) -> list[str]:
    folder = machine.up.replicas()[QUEUE].directory
    return [f"{folder}/{name}" for name in machine.disk.names(folder) if name.endswith(suffix)]


def damaged(behind: Behind, suffix: str) -> None:
    """Damage a file of the leader's replica, as rotten media do, within its first chunk."""
    machine = behind.leader
    behind.cluster.publish()
    behind.go_on(40)
    for _ in range(20):
        behind.publish()
        machine.up.compact(QUEUE)
        machine.up.carry_out()
    store_all(machine)
    path = files_of(machine, suffix)[0]
    machine.disk.damage(path, 150, b"\xff" * 40)


def until(behind: Behind, holds: Callable[[], bool], steps_max: int = 4_000) -> None:
    cluster = behind.cluster
    for _ in range(steps_max):
        if holds():
            return
        behind.go_on(2)
        cluster.connect()
        cluster.give_up()
        cluster.elect()
    raise AssertionError("it does not come about")


KINDS = {"queue": (Cluster, ".seg"), "stream": (StreamCluster, ".segment")}


@pytest.mark.parametrize("kind", KINDS)
def test_the_leader_goes_on_with_all_others_and_gives_the_damaged_queue_up(kind: str) -> None:
    kind_of_cluster, suffix = KINDS[kind]
    with patch.object(stream_content, "PIECE_BYTES", 1_000):
        behind = Behind(kind=kind_of_cluster)
        damaged(behind, suffix)
        first, cluster = behind.leader, behind.cluster
        behind.come_back()
        for _ in range(60):
            behind.carry()
        assert list(first.up.damages) == [QUEUE]
        assert QUEUE in first.served, "nobody was asked to lead it yet"
        if DEAD in first.served:
            assert first.up.may_append(DEAD)
        until(behind, lambda: cluster.states[QUEUE][0].leader != first.name)
        until(behind, cluster.is_whole)
        cluster.take_all()


def test_what_another_member_has_is_not_given_up_and_the_replica_begins_anew() -> None:
    behind = Behind()
    first, cluster = behind.leader, behind.cluster
    behind.come_back()
    behind.until_live()
    behind.go_on(200)
    until(behind, cluster.is_whole)
    damaged(behind, ".seg")
    until(behind, cluster.is_whole)
    log = first.up.log_of(QUEUE)
    assert log is not None
    first_row = next(iter(log.replica.state.stored.table))
    with pytest.raises(OSError, match="crc32c"):
        log.read_back(0, first_row.first_position, first_row.last_position + 1)
    assert list(first.up.damages) == [QUEUE]
    end = first.up.core.node.replicas[QUEUE].end
    until(behind, lambda: cluster.states[QUEUE][0].leader != first.name)
    until(behind, lambda: QUEUE not in first.up.damages)
    assert first.up.core.node.replicas[QUEUE].end < end
    until(behind, cluster.is_whole)
    cluster.take_all()


def test_a_new_leader_that_cannot_read_its_own_does_not_serve() -> None:
    behind = Behind()
    damaged(behind, ".seg")
    first = behind.leader
    replica = first.up.replicas()[QUEUE]
    rows = list(replica.state.stored.table)
    settled = range(rows[0].first_position, rows[0].first_position + 1)
    replica.state.settled.add(settled)  # So that a take-over has to look into the chunk.
    first.up._take_role(QUEUE, Role.LEADER)
    first.up.carry_out()
    assert QUEUE not in first.served
    assert list(first.up.damages) == [QUEUE]


def test_alone_a_leader_gives_up_what_nobody_else_has() -> None:
    cluster = Cluster(3)
    cluster.heal()
    leader = cluster.machines[cluster.states[QUEUE][0].leader]
    lead = leader.up.core.lead_of(QUEUE)
    assert lead is not None
    assert leader.up.damages.keeps(QUEUE, ERROR)
    members = frozenset({leader.up.core.node.replica_id})
    lead.state = QueueState(leader.name, 1, lead.epoch, members)
    assert not leader.up.damages.keeps(QUEUE, ERROR)


def test_with_one_of_two_a_damaged_leader_waits_for_the_absent_one_and_loses_nothing() -> None:
    cluster = Cluster(3)
    cluster.heal()
    leader = cluster.machines[cluster.states[QUEUE][0].leader]
    mirror, other = (each for each in cluster.running() if each is not leader)
    lead = leader.up.core.lead_of(QUEUE)
    assert lead is not None
    lead.replica.options = QueueOptions((leader.name, mirror.name), 1)
    members = frozenset(ReplicaId(each.name, "0") for each in (leader, mirror))
    cluster.put(QUEUE, replace(lead.state, in_sync_set=members))
    for machine in (mirror, other):
        machine.stop_now()
        del cluster.live[machine.name]
        for pair in [pair for pair in cluster.links if machine.name in pair]:
            cluster.disconnect(*pair)
    leader.up.damages.note(QUEUE, ERROR)
    cluster.publish()
    for _ in range(400):
        cluster.sync()
        cluster.tick()
        cluster.answer_store()
        cluster.read()
    assert cluster.states[QUEUE][0].in_sync_set == members
    assert leader.up.damages.keeps(QUEUE, ERROR), "the other one has what cannot be read"


# -- random lives: what begins anew was nobody's to count on -----------------------------------


def with_damage(cluster: Cluster) -> Cluster:
    def rot() -> None:
        machine = cluster.draw.choice(cluster.running() or [None])
        queue = cluster.draw.choice(list(QUEUE_IDS))
        if machine is not None:
            machine.up.damages.note(queue, ERROR)

    cluster.kinds += [(2, rot), (10, cluster.give_up)]
    return cluster


def lived(kind: type[Cluster], seed: int) -> Cluster:
    cluster = with_damage(kind(seed))
    for _ in range(3_000):
        cluster.step()
    cluster.kinds = cluster.kinds[:-2]
    for machine in cluster.running():
        for queue in machine.up.damages:
            machine.up.damages.forget(queue)
    return cluster


@pytest.mark.parametrize("kind", [Cluster, StreamCluster])
def test_no_confirmed_message_is_lost_where_replicas_begin_anew(kind: type[Cluster]) -> None:
    with patch.object(stream_content, "PIECE_BYTES", 1_000):
        for seed in range(SEEDS):
            try:
                lived(kind, seed).heal(20_000)
            except AssertionError as broken:
                raise AssertionError(f"seed {seed}: {broken}") from broken


def though_it_is_a_member(damages: Damages, queue: str, state: QueueState) -> bool:
    """Begin anew with what the in-sync set counts on."""
    replica = damages._core.node.replicas.get(queue)
    return queue in damages and replica is not None and replica.promised < state.epoch


def though_it_has_answered(damages: Damages, queue: str, state: QueueState) -> bool:
    """Begin anew with what a leader may be about to count on."""
    node = damages._core.node
    is_of_now = node.replicas[queue].promised <= state.epoch
    return queue in damages and is_of_now and node.replica_id not in state.in_sync_set


@pytest.mark.planted
@pytest.mark.parametrize("mistake", [though_it_is_a_member, though_it_has_answered])
def test_a_replica_that_begins_anew_too_early_is_seen(mistake: object) -> None:
    seen = pytest.raises((AssertionError, BrokenInvariantError))
    with patch.object(Damages, "may_begin_anew", mistake), seen:
        for seed in range(60):
            lived(Cluster, seed).heal(20_000)
