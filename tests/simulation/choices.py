"""Which events may happen in a state of the cluster."""

from collections.abc import Callable

from cluster.replication import election, membership
from cluster.replication.leadership import Leadership
from tests.simulation import changes, events, faults, fronts, shortages
from tests.simulation.cluster import ETCD, Cluster
from tests.simulation.machine import Machine
from tests.simulation.store import MARGIN, TTL

Event = tuple[object, ...]
Add = Callable[..., None]

NOT_EVENTS = {
    "learn", "replica_of", "next_message", "table_of", "of_fronts", "of_machine", "of_leader",
    "of_store", "of_disk", "is_damaged", "is_emptied", "stands_still", "watch_over", "obeys",
    "WatchedDamages", "WatchedSparing",
}  # fmt: skip

HANDLERS = {
    name: handler
    for module in (changes, events, faults, fronts, shortages)
    for name, handler in vars(module).items()
    if getattr(handler, "__module__", "") == module.__name__
    and not name.startswith("_")
    and name not in NOT_EVENTS
}
"""By kind of event, what happens."""


def do(cluster: Cluster, event: Event) -> None:
    """Make an event happen, and check what must hold in every state."""
    kind = str(event[0])
    if kind in cluster.left:
        cluster.left[kind] -= 1
    HANDLERS[kind](cluster, *event[1:])
    cluster.check()


def enabled(cluster: Cluster) -> list[Event]:
    """Return the events that may happen now."""
    found: list[Event] = []

    def add(kind: str, *arguments: object) -> None:
        if cluster.left.get(kind, 1) > 0:
            found.append((kind, *arguments))

    for machine in cluster.machines.values():
        _of_machine(cluster, machine, add)
    for name in cluster.machines:
        for mirror in cluster.machines:
            if name != mirror:
                _of_link(cluster, name, mirror, add)
        cut = (name, ETCD)
        add("heal" if cut in cluster.cuts else "cut", *cut)
    fronts.of_fronts(cluster, add)
    _of_store(cluster, add)
    return found


def _of_machine(cluster: Cluster, machine: Machine, add: Add) -> None:
    name = machine.name
    if not machine.up:
        if cluster.reaches_store(name):
            add("start", name)
        if machine.disk:
            add("wipe", name)
        if machine.image and machine.image.period < cluster.ghost.periods[name]:
            add("restore", name)
        return
    key = cluster.store.now.live.get(name)
    if key and cluster.store.up and cluster.now >= key.expires_at:
        add("expire", name)
    if machine.paused:
        add("resume", name)
        return
    _of_disk(machine, add)
    shortages.of_disk(cluster, machine, add)
    if cluster.reaches_store(name) and not machine.frozen:
        _of_metadata(cluster, machine, add)
    for queue in machine.written:
        _of_queue(cluster, machine, queue, add)


def _of_disk(machine: Machine, add: Add) -> None:
    name = machine.name
    for kept in sorted({0, len(machine.unsynced) // 2, len(machine.unsynced)}):
        add("crash", name, kept)
        add("fsyncerror", name, kept)
    for kind in ("pause", "image", "jump", "space" if machine.full else "fill"):
        add(kind, name)
    links = machine.core.node.from_leaders.values()
    if machine.unsynced or any(link.is_waiting() for link in links):
        add("sync", name)
    if machine.unsynced:
        add("syncpart", name, (len(machine.unsynced) + 1) // 2)
    if machine.next_read() is not None:
        add("read", name)


def _of_metadata(cluster: Cluster, machine: Machine, add: Add) -> None:
    name, now = machine.name, cluster.store.now
    node = machine.core.node
    key = now.live.get(name)
    mine = key is not None and key.incarnation == node.lease.incarnation
    if key is None or not mine:
        add("register", name)
    elif min(key.expires_at, node.lease.deadline_ms + MARGIN) < cluster.now + TTL:
        add("renew", name)
    add("stamp", name)
    changes.of_machine(cluster, machine, add)
    if mine and not now.controller:
        add("campaign", name)
    for queue in cluster.queues:
        if queue in machine.written and _has_news(cluster, machine, queue):
            add("get", name, queue)
            add("getlate", name, queue)
        if now.controller == (name, node.lease.incarnation):
            _of_controller(cluster, machine, queue, add)


def _has_news(cluster: Cluster, machine: Machine, queue: str) -> bool:
    state, revision = cluster.store.now.states[queue]
    lead, node = machine.lead(queue), machine.core.node
    if lead is not None:
        return (revision != lead.revision or bool(lead.open_writes)) and not lead.awaited
    promised = node.replicas[queue].promised
    return node.rules.is_elected(state, node.name, node.lease.incarnation, promised)


def _of_controller(cluster: Cluster, machine: Machine, queue: str, add: Add) -> None:
    state = cluster.store.now.states[queue][0]
    live = cluster.store.live_nodes()
    submitted = (machine.name, queue, "elect")
    if any(request.id[:3] == submitted for request in cluster.store.requests):
        return
    if election.is_due(state, live):
        replicas = cluster.options(queue).replicas
        for candidate in machine.core.node.rules.candidates(replicas, state.in_sync_set, live):
            add("elect", machine.name, queue, candidate)


def _of_queue(cluster: Cluster, machine: Machine, queue: str, add: Add) -> None:
    name, lead = machine.name, machine.lead(queue)
    if lead is not None:
        _of_leader(cluster, machine, lead, add)
    elif machine.core.readable(queue) > machine.written[queue].base:
        add("compact", name, queue)
    if queue in machine.late_states:
        add("late", name, queue)
    if cluster.left.get("watch", 1) > 0:
        for at in range(len(cluster.store.now.history[queue]) - 1):
            add("watch", name, queue, at)


def _of_leader(cluster: Cluster, machine: Machine, lead: Leadership, add: Add) -> None:
    name, queue, core = machine.name, lead.queue, machine.core
    if core.may_append(queue) and not machine.full:
        add("publish", name, queue)
        add("publishrun", name, queue)
    is_readable = queue not in machine.damages or machine.damages.is_alone(queue)
    if core.may_deliver(queue) and is_readable and events.next_message(cluster, name, queue):
        add("deliver", name, queue)
    for index in machine.out.get(queue, ()):
        add("settle", name, queue, index)
    if lead.commit > machine.written[queue].base:
        add("compact", name, queue)
    if cluster.reaches_store(name):
        _of_state(cluster, machine, lead, add)


def _of_state(cluster: Cluster, machine: Machine, lead: Leadership, add: Add) -> None:
    name, queue, node = machine.name, lead.queue, machine.core.node
    mine = [
        request.id
        for request in cluster.store.requests
        if request.node == name and request.transaction.queue == queue
    ]
    touched = any(each[2] == "touch" and each[-1] == lead.revision for each in mine)
    if touched:
        return
    if membership.may_touch(node, lead):
        add("touch", name, queue)
    for replica in sorted(lead.state.in_sync_set):
        text = f"{replica.node}{replica.disk}"
        again = any(each[2:4] == ("shrink", text) for each in mine)
        if not again and membership.may_shrink(node, lead, replica):
            add("shrink", name, queue, text)
    for mirror in lead.replica.options.replicas:
        key = cluster.store.now.live.get(mirror)
        if key is not None and membership.may_give_up(node, lead, key.replica):
            add("giveup", name, queue, f"{mirror}{key.replica.disk}")
    for mirror, progress in lead.mirrors.items():
        joining = progress.replica and f"{progress.replica.node}{progress.replica.disk}"
        again = any(each[2:4] == ("grow", joining) for each in mine)
        if not again and membership.may_grow(node, lead, mirror):
            add("grow", name, queue, mirror)
        if mirror in cluster.store.now.live and membership.may_move(node, lead, mirror):
            add("move", name, queue, mirror)
    changes.of_leader(cluster, machine, lead, add)


def _of_link(cluster: Cluster, name: str, mirror: str, add: Add) -> None:
    leader, other = cluster.machines[name], cluster.machines[mirror]
    pair, back = (name, mirror), (mirror, name)
    add("heal" if pair in cluster.cuts else "cut", *pair)
    if not (leader.up and other.up):
        return
    conn = cluster.conns.get(pair)
    if conn is None:
        led = any(
            queue in other.written and lead.take_over_write <= leader.core.node.fsynced
            for queue, lead in leader.leads().items()
        )
        if led and leader.acts() and other.acts() and not {pair, back} & cluster.cuts:
            add("connect", name, mirror)
        return
    add("reset", name, mirror)
    if conn.down and other.acts() and pair not in cluster.cuts:
        add("down", name, mirror)
    if conn.up and leader.acts() and back not in cluster.cuts:
        add("up", name, mirror)
    if leader.acts():
        for queue in leader.leads():
            if leader.core.may_attach(mirror, queue):
                add("attach", name, mirror, queue)


def _of_store(cluster: Cluster, add: Add) -> None:
    store = cluster.store
    add("edown" if store.up else "eup")
    for request in store.requests:
        machine = cluster.machines[request.node]
        if request.applied is None and cluster.reaches_store(request.node):
            add("apply", request.id)
        if request.applied is None and not request.waited_for:
            add("drop", request.id)
        if request.waited_for and machine.acts():
            if request.applied is not None and cluster.reaches_store(request.node):
                add("reply", request.id)
            add("timeout", request.id)
    add("tick")
    add("esnap")
    periods = cluster.ghost.periods
    if store.copied and all(each < periods[name] for name, each in store.copied[1].items()):
        add("erestore")
    machines = cluster.machines.values()
    if store.up and all(each.up for each in machines) and any(each.frozen for each in machines):
        add("recover")
    changes.of_store(cluster, add)
    for queue in cluster.queues:
        if cluster.options(queue).lease_guard and store.up:
            _of_operator(cluster, queue, add)


def _of_operator(cluster: Cluster, queue: str, add: Add) -> None:
    now = cluster.store.now
    state = now.states[queue][0]
    if state.leader in now.live:
        return
    for name in cluster.options(queue).replicas:
        key, machine = now.live.get(name), cluster.machines[name]
        if key is None or not machine.acts() or key.replica in state.in_sync_set:
            continue
        if queue not in machine.disk or shortages.is_emptied(machine, queue):
            continue
        if key.incarnation == machine.core.node.lease.incarnation:
            add("promote", queue, name)
