"""Commit (R10): the lowest of what all possible members have on disk, in lines and alone.

A queue waits in the line of its mirrors while one LSN per link says all of them: every member is
live on its connection and has answered the end of its catch-up, and no write of the state is
open. Else it waits alone, and each of its members is asked for.
"""

from cluster.replication.commit_line import CommitLine, LineKey
from cluster.replication.errors import BrokenInvariantError, hold
from cluster.replication.leadership import Leadership, MirrorProgress
from cluster.replication.node_state import NodeState
from cluster.replication.ready import Committed, Role
from cluster.replication.state import ReplicaId


def safe_index(node: NodeState, lead: Leadership, replica: ReplicaId) -> int:
    """Return up to which index a replica has the queue on disk, as far as is known (R9).

    For a mirror it is exact from the commit index on, and may be too low below it.
    """
    if replica == node.replica_id:
        if not node.rules.counts_as_written(lead.take_over_write, node.fsynced):
            return 0
        return max(lead.epoch_start, lead.commit, lead.runs.index_at(node.own_safe_lsn))
    progress = lead.mirrors.get(replica.node)
    if progress is None or progress.replica != replica:
        return 0
    return max(progress.got, _index_by_lsn(node, lead, replica.node, progress))


def _index_by_lsn(node: NodeState, lead: Leadership, mirror: str, progress: MirrorProgress) -> int:
    above = node.rules.counts_from(progress.mode, progress.attach_lsn)
    link = node.to_mirrors.get(mirror)
    if above is None or link is None:
        return 0
    return lead.runs.index_at(link.safe_lsn, above)


def is_granted(node: NodeState, lead: Leadership) -> bool:
    """Return whether the lease guard allows a commit now; without a guard it always does (R17).

    Who has asked for another leader is deposed by its own write, with a lease that is valid, and
    does not know it before the answer (R22, R24).
    """
    return not lead.replica.options.lease_guard or is_leased(node, lead)


def is_leased(node: NodeState, lead: Leadership, at_ms: int | None = None) -> bool:
    """Return whether no other node can lead the queue, as far as the own clock says.

    At an instant of that clock; None is that of the last tick.
    """
    return not lead.moving and node.is_leased(lead.state.incarnation, at_ms)


def note_run(node: NodeState, lead: Leadership, last_lsn: int) -> None:
    """A run was appended with this last LSN; it waits from now on."""
    index = lead.replica.end
    lead.runs.append(index, last_lsn)
    if lead.line is None:
        node.alone[lead.queue] = lead
    else:
        lead.line.append(last_lsn, lead, index, lead.line_turn)


def advance(node: NodeState, lead: Leadership) -> None:
    """What is known of one queue has changed: find its line, and what became committed."""
    _place(node, lead)
    _advance_alone(node, lead)


def advance_behind_mirror(node: NodeState, mirror: str) -> None:
    """A mirror has answered an LSN: a step for each line that it is in, and for who is alone."""
    for line in list(node.lines.values()):
        if mirror in line.key.mirrors:
            _advance_line(node, line)
    for lead in list(node.alone.values()):
        if mirror in lead.mirrors:
            _advance_alone(node, lead)


def advance_all(node: NodeState) -> None:
    """The own disk, or the own lease, has come further."""
    for line in list(node.lines.values()):
        _advance_line(node, line)
    for lead in list(node.alone.values()):
        _advance_alone(node, lead)


def leave(node: NodeState, lead: Leadership) -> None:
    """A leadership has ended; nothing of it is committed here any more."""
    _leave_line(node, lead)
    node.alone.pop(lead.queue, None)
    node.not_calm.pop(lead.queue, None)


def _leave_line(node: NodeState, lead: Leadership) -> None:
    line = lead.line
    if line is None:
        return
    lead.line = None
    lead.line_turn += 1
    line.members -= 1
    if line.members == 0:
        del node.lines[line.key]


def _key(node: NodeState, lead: Leadership) -> LineKey | None:
    """Return the line that a queue may wait in; None while it has to wait alone."""
    if lead.open_writes or not lead.has_enough() or not lead.is_serving():
        return None
    others = lead.waited_for() - {node.replica_id}
    for replica in others:
        progress = lead.mirrors.get(replica.node)
        if progress is None or progress.replica != replica or not progress.is_settled():
            return None
    guard = lead.state.incarnation if lead.replica.options.lease_guard else None
    return LineKey(frozenset(replica.node for replica in others), guard)


def _place(node: NodeState, lead: Leadership) -> None:
    hold(
        lead.state.in_sync_set <= lead.waited_for(), "I8", lead.queue, "a member is not waited for"
    )
    key = _key(node, lead)
    if lead.line is not None:
        if lead.line.key == key:
            _note_calm(node, lead, key)
            return
        _leave_line(node, lead)
    if lead.commit < lead.replica.end:
        node.alone[lead.queue] = lead
    _note_calm(node, lead, key)
    if key is None:
        return
    lead.line = node.lines.setdefault(key, CommitLine(key))
    lead.line.members += 1
    lead.alone_until = lead.replica.end


def _note_calm(node: NodeState, lead: Leadership, key: LineKey | None) -> None:
    """A queue in a line with all its replicas is calm: timers need not look at it."""
    if key is not None and len(lead.state.in_sync_set) == len(lead.replica.options.replicas):
        node.not_calm.pop(lead.queue, None)
        lead.unsettled_since_ms.clear()
    else:
        node.not_calm[lead.queue] = lead


def _advance_line(node: NodeState, line: CommitLine[Leadership]) -> None:
    """One step for all queues of a line; then one for each run that became safe."""
    key, lsn = line.key, node.own_safe_lsn
    # A run is looked at once for every disk, and only the last one makes it safe.
    if not line.runs or line.runs[0][0] > lsn:
        return
    if key.incarnation is not None and not node.is_leased(key.incarnation):
        return
    for mirror in key.mirrors:
        lsn = min(lsn, node.to_mirrors[mirror].safe_lsn)
    for _, lead, index, turn in line.take_safe(lsn):
        if turn == lead.line_turn and index > lead.commit:
            _commit(node, lead, index)


def _advance_alone(node: NodeState, lead: Leadership) -> None:
    if lead.queue not in node.alone or not lead.has_enough():
        return
    index = min(safe_index(node, lead, replica) for replica in lead.waited_for())
    if index < max(lead.epoch_start, lead.commit + 1):
        return
    if not is_granted(node, lead):
        return
    was_serving = lead.is_serving()
    _commit(node, lead, index)
    if not was_serving:
        node.ready.roles[lead.queue] = Role.LEADER
        _place(node, lead)


def _commit(node: NodeState, lead: Leadership, index: int) -> None:
    queue = lead.queue
    if index > lead.replica.end or node.leaderships.get(queue) is not lead:
        raise BrokenInvariantError("I2", queue, f"{index} is committed by who does not lead it")
    if not node.rules.counts_as_written(lead.take_over_write, node.fsynced):
        raise BrokenInvariantError("I1", queue, f"{index} is committed, the epoch is not on disk")
    lead.commit = index
    lead.runs.forget(index)
    node.ready.committed[queue] = Committed(lead.epoch, index)
    if index >= (lead.alone_until if lead.line else lead.replica.end):
        node.alone.pop(queue, None)
