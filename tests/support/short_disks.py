"""Clusters some of whose disks are nearly full: nodes that know their queues' states at once."""

from collections.abc import Callable

from cluster.mirrored.sparing import KnownState
from tests.support.mirrored_cluster import Cluster
from tests.support.mirrored_machine import QUEUE, Machine

MIN_ISR = 2


def knowing(cluster: Cluster, machine: Machine) -> None:
    """Have a node know at once what the store has."""

    def known(queue: str) -> KnownState:
        state, live = cluster.states[queue][0], cluster.live
        living = {each for each in state.in_sync_set if each.node in live}
        return KnownState(state, MIN_ISR, frozenset(living))

    machine.up.sparing.known = known


def whole(seed: int = 3) -> tuple[Cluster, Machine, list[Machine]]:
    """Return a cluster, the node that leads, and its mirrors."""
    cluster = Cluster(seed)
    cluster.heal()
    leader = cluster.machines[cluster.states[QUEUE][0].leader]
    mirrors = [each for each in cluster.running() if each is not leader]
    for machine in cluster.running():
        knowing(cluster, machine)
    return cluster, leader, mirrors


def members(cluster: Cluster) -> set[str]:
    """Return the nodes of the in-sync set."""
    return {each.node for each in cluster.states[QUEUE][0].in_sync_set}


def go_on(cluster: Cluster, holds: Callable[[], bool], steps_max: int = 6_000) -> None:
    """Go on without new faults until something holds."""
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


def toggling(cluster: Cluster) -> Callable[[], None]:
    """Return an event of a random life: a disk is nearly full now, or is not any more."""

    def toggle() -> None:
        for machine in cluster.running():
            knowing(cluster, machine)
        if running := cluster.running():
            machine = cluster.draw.choice(running)
            machine.up.sparing.set_short(is_short=cluster.draw.random() < 0.5)

    return toggle
