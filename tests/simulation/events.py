"""What may happen, as functions; an event is a tuple of the function's name and its arguments.

These are the steps of protocol and users. A replica is written as node and disk: ``b0``.
"""

from cluster.replication import inputs
from cluster.replication.frames import Fence
from cluster.replication.identity import Fit, MemberRecord, identity_at_start
from cluster.replication.state import ReplicaId
from tests.simulation.cluster import CATCH_UP_COUNT, Cluster, Conn
from tests.simulation.content import Message, StoredLog
from tests.simulation.store import TTL, RequestId, Stored
from tests.simulation.violation import ViolationError


def replica_of(text: object) -> ReplicaId:
    assert isinstance(text, str)
    return ReplicaId(text[0], text[1:])


# ---- the metadata store ----


def learn(cluster: Cluster, name: str, queue: str, stored: Stored) -> None:
    """A node has read a queue's state, then or a while ago."""
    state, revision, options = stored
    if cluster.mistakes.drops_what_is_not_listed and name not in options.replicas:
        cluster.machines[name].drop(queue)
        cluster.step(name, inputs.Forget(queue))
        return
    known = None if cluster.mistakes.options_are_not_read else options
    cluster.step(name, inputs.StateRead(queue, state, revision, known))


def apply(cluster: Cluster, request_id: RequestId) -> None:
    request = cluster.store.find(request_id)
    trusting = cluster.rules.trusts_store(same=False, revision=0, seen=1)
    cluster.store.apply(request, trusting=trusting)


def reply(cluster: Cluster, request_id: RequestId) -> None:
    request = cluster.store.find(request_id)
    cluster.store.requests.remove(request)
    number = request.transaction.number
    if request.applied:
        cluster.step(request.node, inputs.TransactionDone(number, request.revision))
    else:
        cluster.step(request.node, inputs.TransactionRefused(number))


def timeout(cluster: Cluster, request_id: RequestId) -> None:
    request = cluster.store.find(request_id)
    request.waited_for = False
    cluster.step(request.node, inputs.TransactionUnknown(request.transaction.number))
    if request.applied is not None:
        cluster.store.requests.remove(request)


def drop(cluster: Cluster, request_id: RequestId) -> None:
    cluster.store.requests.remove(cluster.store.find(request_id))


def get(cluster: Cluster, name: str, queue: str) -> None:
    if cluster.see_store(name):
        learn(cluster, name, queue, cluster.store.read(queue))


def getlate(cluster: Cluster, name: str, queue: str) -> None:
    if cluster.see_store(name):
        cluster.machines[name].late_states[queue] = cluster.store.read(queue)


def late(cluster: Cluster, name: str, queue: str) -> None:
    learn(cluster, name, queue, cluster.machines[name].late_states.pop(queue))


def watch(cluster: Cluster, name: str, queue: str, at: int) -> None:
    """An old watch event is taken for a read."""
    learn(cluster, name, queue, cluster.store.now.history[queue][at])


# ---- publishers and consumers ----


def publish(cluster: Cluster, name: str, queue: str) -> None:
    cluster.publish(name, queue, 1)


def publishrun(cluster: Cluster, name: str, queue: str) -> None:
    """A run that is longer than a frame of a catch-up, which may end inside of it."""
    cluster.publish(name, queue, CATCH_UP_COUNT + 1)


def next_message(cluster: Cluster, name: str, queue: str) -> Message | None:
    """What a consumer would get now; None where nothing is ready."""
    machine = cluster.machines[name]
    out = machine.out.get(queue, ())
    ready = machine.written[queue].unsettled(machine.core.deliverable(queue))
    return next((message for message in ready if message[0] not in out), None)


def deliver(cluster: Cluster, name: str, queue: str) -> None:
    machine, promises = cluster.machines[name], cluster.ghost.queues[queue]
    message, lead = next_message(cluster, name, queue), machine.lead(queue)
    assert message is not None
    assert lead is not None
    leased = machine.core.node.is_leased(lead.state.incarnation)
    promises.note_delivered(queue, message, rightful=lead.epoch >= promises.top_epoch or leased)
    machine.out[queue] = (*machine.out.get(queue, ()), message[0])


def settle(cluster: Cluster, name: str, queue: str, index: int) -> None:
    machine = cluster.machines[name]
    machine.out[queue] = tuple(each for each in machine.out[queue] if each != index)
    cluster.ghost.queues[queue].acked.add(index)
    cluster.append(name, queue, "S", index)


# ---- in-sync set, move, election ----


def shrink(cluster: Cluster, name: str, queue: str, replica: str) -> None:
    if cluster.see_store(name):
        cluster.step(name, inputs.Shrink(queue, replica_of(replica)), ("shrink", replica))


def grow(cluster: Cluster, name: str, queue: str, mirror: str) -> None:
    lead = cluster.machines[name].lead(queue)
    assert lead is not None
    replica = lead.mirrors[mirror].replica
    assert replica is not None
    if cluster.see_store(name):
        joining = f"{replica.node}{replica.disk}"
        cluster.step(name, inputs.Grow(queue, mirror), ("grow", joining))


def touch(cluster: Cluster, name: str, queue: str) -> None:
    if cluster.see_store(name):
        cluster.step(name, inputs.Touch(queue), ("touch",))


def move(cluster: Cluster, name: str, queue: str, target: str) -> None:
    if cluster.see_store(name):
        incarnation = cluster.store.now.live[target].incarnation
        cluster.step(name, inputs.Move(queue, target, incarnation), ("move", target))


def giveup(cluster: Cluster, name: str, queue: str, replica: str) -> None:
    if cluster.see_store(name):
        target = replica_of(replica)
        incarnation = cluster.store.now.live[target.node].incarnation
        cluster.step(name, inputs.GiveUp(queue, target, incarnation), ("giveup", replica))


def elect(cluster: Cluster, name: str, queue: str, candidate: str) -> None:
    if cluster.see_store(name):
        state, revision = cluster.store.now.states[queue]
        live = cluster.store.live_nodes()
        options = cluster.store.now.options[queue]
        if cluster.mistakes.elects_by_old_options:
            options = cluster.store.now.history[queue][0][2]
        happened = inputs.Elect(queue, state, revision, live, candidate, options)
        cluster.step(name, happened, ("elect", candidate))


# ---- links ----


def connect(cluster: Cluster, name: str, mirror: str) -> None:
    cluster.conns[name, mirror] = Conn()
    cluster.step(name, inputs.MirrorConnected(mirror))
    cluster.step(mirror, inputs.LeaderConnected(name))


def reset(cluster: Cluster, name: str, mirror: str) -> None:
    cluster.step(name, inputs.MirrorDisconnected(mirror))
    cluster.step(mirror, inputs.LeaderDisconnected(name))
    del cluster.conns[name, mirror]


def attach(cluster: Cluster, name: str, mirror: str, queue: str) -> None:
    cluster.step(name, inputs.Attach(mirror, queue))


def down(cluster: Cluster, name: str, mirror: str) -> None:
    """A mirror takes the next frame; where its disk is full, it can only hang up."""
    machine, conn = cluster.machines[mirror], cluster.conns[name, mirror]
    if machine.full and not isinstance(conn.down[0], Fence):
        reset(cluster, name, mirror)
        return
    frame = conn.down.popleft()
    node = machine.core.node
    written = node.written
    cluster.step(mirror, inputs.FrameFromLeader(name, frame))
    attached = node.from_leaders[name].attached.get(frame.queue)
    if attached == frame.epoch or node.written > written:
        promised = cluster.ghost.answered.get((machine.replica, frame.queue), 0)
        if frame.epoch < promised:
            raise ViolationError(f"I3 {frame.queue}: {mirror} obeys {frame}, promised {promised}")
    _check_shown(cluster, mirror, frame.queue)


def _check_shown(cluster: Cluster, mirror: str, queue: str) -> None:
    """What a mirror shows its stream readers must be what was committed (I4)."""
    machine, promises = cluster.machines[mirror], cluster.ghost.queues[queue]
    if queue not in machine.written:
        return
    log: StoredLog = machine.written[queue]
    if promises.unclean and log.promised < promises.top_epoch:
        return  # Not fenced yet by who was promoted: shows what was given up (R18).
    known = machine.core.node.replicas[queue].known_commit
    for index in range(log.base + 1, min(known, log.end) + 1):
        committed = promises.committed.get(index, log.at(index))
        if committed != log.at(index):
            raise ViolationError(
                f"I4 {queue}[{index}]: {mirror} shows {log.at(index)}, not {committed}"
            )


def up(cluster: Cluster, name: str, mirror: str) -> None:
    frame = cluster.conns[name, mirror].up.popleft()
    cluster.step(name, inputs.FrameFromMirror(mirror, frame))


# ---- disk ----


def sync(cluster: Cluster, name: str) -> None:
    machine = cluster.machines[name]
    machine.keep(len(machine.unsynced))
    cluster.step(name, inputs.Fsynced(machine.core.node.written))


def syncpart(cluster: Cluster, name: str, count: int) -> None:
    """An fdatasync ends that covers some of what is written by now."""
    machine = cluster.machines[name]
    covered = machine.core.node.written - len(machine.unsynced) + count
    machine.keep(count)
    cluster.step(name, inputs.Fsynced(covered))


def read(cluster: Cluster, name: str) -> None:
    machine = cluster.machines[name]
    at = machine.next_read()
    assert at is not None
    cluster.step(name, machine.reads.pop(at))


def compact(cluster: Cluster, name: str, queue: str) -> None:
    cluster.step(name, inputs.Compact(queue))


# ---- start, lease, identity ----


def start(cluster: Cluster, name: str) -> None:
    machine, now = cluster.machines[name], cluster.store.now
    disk, stamp = now.members[name]
    member = MemberRecord(disk, stamp, now.revision)
    new_disk = str(int(disk) + 1)
    identity, fit = identity_at_start(machine.identity, member, cluster.rules, new_disk)
    named = {queue: machine.disk.get(queue, StoredLog()) for queue in cluster.queues_of(name)}
    machine.disk = named | machine.disk
    cluster.boot(machine, identity)
    if fit is Fit.STORE_WENT_BACK:
        machine.core.node.identity.frozen = True
        return
    now.members[name] = (identity.disk, identity.stamp)
    cluster.register(name)


def register(cluster: Cluster, name: str) -> None:
    if cluster.see_store(name):
        cluster.register(name)


def renew(cluster: Cluster, name: str) -> None:
    if cluster.see_store(name):
        cluster.store.now.live[name].expires_at = cluster.now + TTL
        machine = cluster.machines[name]
        cluster.step(name, inputs.LeaseRenewed(cluster.clock(machine), TTL))


def expire(cluster: Cluster, name: str) -> None:
    cluster.store.expire(name)


def campaign(cluster: Cluster, name: str) -> None:
    if cluster.see_store(name):
        incarnation = cluster.machines[name].core.node.lease.incarnation
        cluster.store.now.controller = (name, incarnation)


def stamp(cluster: Cluster, name: str) -> None:
    """The stamp is raised on the disk, then in the store; here both at once."""
    if cluster.see_store(name):
        machine = cluster.machines[name]
        cluster.ghost.periods[name] += 1
        higher = machine.stamped.stamp + 1
        cluster.step(name, inputs.StampRaised(higher, stored=True))
        identity = machine.stamped
        cluster.store.now.members[name] = (identity.disk, identity.stamp)
