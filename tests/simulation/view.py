"""A cluster as plain values, part by part, as traces record it.

``a/q`` is a node's replica of a queue, ``a>b`` a connection from a leader to a mirror. Frames are
lists that begin with their kind.
"""

from collections.abc import Iterable

from cluster.replication.frames import (
    Ack,
    Append,
    Ends,
    Fence,
    Follow,
    Got,
    LeaderFrame,
    MirrorFrame,
    Refused,
    Snapshot,
    Tail,
    Want,
)
from cluster.replication.state import ReplicaId
from tests.simulation.cluster import Cluster
from tests.simulation.content import SnapshotContent
from tests.simulation.machine import Machine

View = dict[str, object]


def view_of(cluster: Cluster) -> View:
    """Return what can be compared: replicas with what leaders know, frames on their way, store."""
    parts: View = {}
    for machine in cluster.machines.values():
        if machine.up:
            parts |= {
                f"{machine.name}/{queue}": _replica(machine, queue) for queue in machine.written
            }
            parts[machine.name] = [machine.frozen, machine.stamped.stamp, machine.stamped.disk]
    for (name, mirror), conn in cluster.conns.items():
        down = [_leader_frame(frame) for frame in conn.down]
        parts[f"{name}>{mirror}"] = [down, [_mirror_frame(frame) for frame in conn.up]]
    for queue, (state, revision) in cluster.store.now.states.items():
        in_sync_set = _set(state.in_sync_set)
        parts[queue] = [state.leader, state.incarnation, state.epoch, in_sync_set, revision]
    return parts


def plain(value: object) -> object:
    """Return a value as JSON would give it back."""
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def changed(before: View, after: View) -> View:
    """Return the parts that are not as before; None for those that are gone."""
    gone = dict.fromkeys(before.keys() - after.keys())
    return gone | {part: value for part, value in after.items() if before.get(part) != value}


def _replica(machine: Machine, queue: str) -> object:
    """Promise, end, base, epoch table; of a leader its epoch, commit and possible sets."""
    replica, lead = machine.core.node.replicas[queue], machine.lead(queue)
    known: list[object] = [replica.known_commit]
    if lead is not None:
        known = [lead.epoch, lead.commit, [_set(each) for each in lead.possible_sets()]]
    return plain([replica.promised, replica.end, replica.base, replica.table, known])


def _id(replica: ReplicaId) -> str:
    return f"{replica.node}{replica.disk}"


def _set(replicas: Iterable[ReplicaId]) -> list[str]:
    return sorted(map(_id, replicas))


def _leader_frame(frame: LeaderFrame) -> object:
    match frame:
        case Fence():
            parts: tuple[object, ...] = ("FENCE", frame.queue, frame.epoch)
        case Snapshot(payload=SnapshotContent(live=live)):
            parts = ("SNAP", frame.queue, frame.epoch, frame.position, frame.table, live)
        case Append():
            place = (frame.after, frame.after_epoch, frame.payload)
            parts = ("APP", frame.queue, frame.epoch, *place, frame.lsn, frame.commit)
        case Tail():
            place = (frame.after, frame.after_epoch, frame.payload)
            parts = ("TAIL", frame.queue, frame.epoch, *place, frame.commit)
        case _:
            raise AssertionError(frame)
    return plain(parts)


def _mirror_frame(frame: MirrorFrame) -> object:
    match frame:
        case Ends():
            log = (frame.table, frame.end, frame.base)
            return plain(("ENDS", frame.queue, frame.epoch, _id(frame.replica), *log))
        case Got():
            return ["GOT", frame.queue, frame.epoch, frame.end]
        case Refused():
            return ["REF", frame.queue, frame.promised]
        case Ack():
            return ["ACK", frame.lsn]
        case Want() | Follow():
            raise AssertionError(frame)
