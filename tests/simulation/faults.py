"""Faults, and what operators do about them."""

from cluster.replication.commands import promotion, recovery
from tests.simulation.cluster import Cluster
from tests.simulation.events import reset
from tests.simulation.machine import Image
from tests.simulation.store import TTL

CLOCK_JUMP = 3 * TTL


def crash(cluster: Cluster, name: str, kept: int) -> None:
    """Power loss: of the unsynced writes the first few are on the disk."""
    for pair in [pair for pair in cluster.conns if name in pair]:
        reset(cluster, *pair)
    store = cluster.store
    for request in store.requests:
        request.waited_for &= request.node != name
    store.requests = [each for each in store.requests if each.waited_for or each.applied is None]
    cluster.machines[name].lose_power(kept)


def fsyncerror(cluster: Cluster, name: str, kept: int) -> None:
    """An fdatasync fails: the node ends and never asks again; what is on disk nobody knows."""
    crash(cluster, name, kept)


def fill(cluster: Cluster, name: str) -> None:
    cluster.machines[name].full = True


def space(cluster: Cluster, name: str) -> None:
    cluster.machines[name].full = False


def pause(cluster: Cluster, name: str) -> None:
    cluster.machines[name].paused = True


def resume(cluster: Cluster, name: str) -> None:
    """The process goes on, and its next turn begins with the clock: its lease may have ended."""
    machine = cluster.machines[name]
    machine.paused = False
    machine.core.tick(cluster.clock(machine))
    cluster.carry_out(machine)


def wipe(cluster: Cluster, name: str) -> None:
    """The disk is replaced while the node is down."""
    machine = cluster.machines[name]
    machine.put_in({}, None)
    machine.image = None


def image(cluster: Cluster, name: str) -> None:
    machine = cluster.machines[name]
    machine.image = Image(dict(machine.disk), machine.stamped, cluster.ghost.periods[name])


def restore(cluster: Cluster, name: str) -> None:
    machine = cluster.machines[name]
    assert machine.image is not None
    machine.put_in(dict(machine.image.disk), machine.image.identity)
    machine.swapped = True


def cut(cluster: Cluster, source: str, target: str) -> None:
    cluster.cuts.add((source, target))


def heal(cluster: Cluster, source: str, target: str) -> None:
    cluster.cuts.discard((source, target))


def edown(cluster: Cluster) -> None:
    cluster.store.up = False


def eup(cluster: Cluster) -> None:
    """The store is back, and all leases start anew."""
    cluster.store.up = True
    for key in cluster.store.now.live.values():
        key.expires_at = cluster.now + TTL


def esnap(cluster: Cluster) -> None:
    cluster.store.keep_copy(cluster.ghost.periods)


def erestore(cluster: Cluster) -> None:
    cluster.store.go_back()
    cluster.ghost.store_went_back = True


def tick(cluster: Cluster) -> None:
    cluster.now += 1
    for machine in cluster.machines.values():
        if machine.acts():
            machine.core.tick(cluster.clock(machine))
            machine.sparing.tick()
            cluster.carry_out(machine)


def jump(cluster: Cluster, name: str) -> None:
    cluster.machines[name].skew -= CLOCK_JUMP


def promote(cluster: Cluster, queue: str, name: str) -> None:
    """An operator lets a replica outside of the in-sync set lead; what it lacks is lost (R18)."""
    store = cluster.store
    state = store.now.states[queue][0]
    store.put(queue, promotion(state, name, store.live_nodes()))
    cluster.ghost.queues[queue].give_up(cluster.machines[name].disk[queue])


def recover(cluster: Cluster) -> None:
    """The store went back: all brokers are stopped, all disks read, the best log wins (R21)."""
    store, machines = cluster.store, cluster.machines
    for name, machine in machines.items():
        crash(cluster, name, len(machine.unsynced))
    store.now.live, store.now.controller, store.requests = {}, None, []
    cluster.ghost.store_went_back = False
    seen = [machine.stamped.seen_revision for machine in machines.values()]
    store.now.revision = max([store.now.revision, *seen]) + 1
    for queue in cluster.queues:
        cluster.ghost.queues[queue].full_since = 0
        disks = [machines[name] for name in cluster.options(queue).replicas]
        logs = {machine.replica: machine.disk[queue].stored() for machine in disks}
        store.put(queue, recovery(store.now.states[queue][0], logs))
    for name, machine in machines.items():
        store.now.members[name] = (machine.stamped.disk, machine.stamped.stamp)
