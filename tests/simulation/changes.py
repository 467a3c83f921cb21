"""Queues are handed over, replicated in another way, and deleted, while all goes on.

A deleted queue has a name in the store that says so for ever. Its replicas go where that is seen,
and nowhere else: that a list does not name a node says nothing to it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from cluster.replication import inputs
from cluster.replication.leadership import Leadership
from cluster.replication.state import QueueOptions
from tests.simulation.cluster import Cluster
from tests.simulation.content import StoredLog
from tests.simulation.machine import Machine

Add = Callable[..., None]


def handover(cluster: Cluster, name: str, queue: str, target: str) -> None:
    """A planned move of a queue in use: it stands still until the target has all (R22)."""
    if cluster.see_store(name):
        incarnation = cluster.store.now.live[target].incarnation
        cluster.step(name, inputs.HandOver(queue, target, incarnation), ("handover", target))


def change(cluster: Cluster, name: str, queue: str, replicas: str, min_isr: int) -> None:
    """The leader writes other replicas, or another ``min_isr``."""
    if cluster.see_store(name):
        lead = cluster.machines[name].lead(queue)
        assert lead is not None
        options = replace(lead.replica.options, replicas=tuple(replicas), min_isr=min_isr)
        what = ("change", replicas, min_isr)
        cluster.step(name, inputs.ChangeOptions(queue, options), what)


def join(cluster: Cluster, name: str, queue: str) -> None:
    """A node hears that it has a replica of a queue, and makes an empty one."""
    machine = cluster.machines[name]
    machine.written[queue] = StoredLog()
    machine.core.add_replica(queue, cluster.store.now.options[queue], StoredLog().stored())


def delete(cluster: Cluster, queue: str) -> None:
    """A queue is gone from the store, with a note that says so."""
    cluster.store.now.gone.add(queue)
    del cluster.queues[queue]
    for key in [key for key in cluster.fronts if key[1] == queue]:
        del cluster.fronts[key]


def forget(cluster: Cluster, name: str, queue: str) -> None:
    """A node sees the note, and takes no part in the queue any more."""
    cluster.machines[name].drop(queue)
    cluster.step(name, inputs.Forget(queue))


def of_machine(cluster: Cluster, machine: Machine, add: Add) -> None:
    """Add what a node may do that reaches the store."""
    for queue in sorted(cluster.store.now.gone):
        if queue in machine.written:
            add("forget", machine.name, queue)
    for queue in cluster.queues:
        replicas = cluster.store.now.options[queue].replicas
        if machine.name in replicas and queue not in machine.written:
            add("join", machine.name, queue)


def of_leader(cluster: Cluster, machine: Machine, lead: Leadership, add: Add) -> None:
    """Add what the leader of a queue may be told to do with it."""
    name, queue = machine.name, lead.queue
    if cluster.left.get("handover", 1):
        for target in lead.mirrors:
            if target in cluster.store.now.live and machine.core.may_hand_over(queue, target):
                add("handover", name, queue, target)
    if cluster.left.get("change", 1):
        for options in _other_options(cluster, lead):
            if machine.core.may_change(queue, options):
                add("change", name, queue, "".join(options.replicas), options.min_isr)


def _other_options(cluster: Cluster, lead: Leadership) -> Iterator[QueueOptions]:
    """One replica more, one fewer, one for another; another ``min_isr``."""
    known = lead.replica.options
    others = [name for name in cluster.machines if name not in known.replicas]
    for other in others:
        yield replace(known, replicas=(*known.replicas, other))
    for leaving in known.replicas:
        left = tuple(name for name in known.replicas if name != leaving)
        if left:
            yield replace(known, replicas=left, min_isr=min(known.min_isr, len(left)))
        for other in others:
            yield replace(known, replicas=(*left, other))
    for min_isr in range(1, len(known.replicas) + 1):
        if min_isr != known.min_isr:
            yield replace(known, min_isr=min_isr)


def of_store(cluster: Cluster, add: Add) -> None:
    """Add that a queue may be deleted; one is left."""
    if cluster.store.up and len(cluster.queues) > 1 and cluster.left.get("delete", 1):
        for queue in cluster.queues:
            add("delete", queue)
