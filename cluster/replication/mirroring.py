"""A mirror: it obeys the frames of the highest epoch it promised, and answers from its disk."""

from cluster.replication.errors import hold
from cluster.replication.frames import (
    Append,
    CommitNote,
    Ends,
    Fence,
    Got,
    LeaderFrame,
    LetGo,
    Part,
    Refused,
    Snapshot,
    Tail,
)
from cluster.replication.links import LinkFromLeader
from cluster.replication.node_state import NodeState
from cluster.replication.replica import Replica
from cluster.replication.take_over import promise


def obey(node: NodeState, leader: str, frame: LeaderFrame) -> None:
    """Do what a leader's frame says, or refuse it; parts and notes are not for this."""
    link = node.from_leaders[leader]
    if isinstance(frame, Part | CommitNote | LetGo):
        return
    replica = node.replicas.get(frame.queue)
    if replica is None:
        _refuse_unknown(node, leader, frame)
        return
    if not node.rules.obeys(frame, replica.promised):
        link.attached.pop(frame.queue, None)
        if not isinstance(frame, Append) or node.rules.refuses_before_lsn():
            _refuse(node, leader, replica)
    elif isinstance(frame, Fence):
        _obey_fence(node, leader, replica, frame)
    elif node.rules.is_attached(link.attached.get(frame.queue), frame.epoch):
        # Refused before, else: the leader will attach again.
        _obey_records(node, leader, replica, frame)
    if isinstance(frame, Append):
        # The LSN covers the frame whether it was obeyed or refused.
        link.receive(frame.lsn, node.written)
    if node.rules.answers_at_once():
        _answer(node, leader, link, node.written)
    node.ready.fsync_wanted |= link.is_waiting()


def note_commit(node: NodeState, leader: str, note: CommitNote) -> None:
    """Believe a leader whose runs are here: its log up to the end of this one is this one."""
    link, replica = node.from_leaders[leader], node.replicas.get(note.queue)
    if replica is None:
        return
    if link.attached.get(note.queue) == note.epoch == replica.promised:
        replica.known_commit = min(max(replica.known_commit, note.commit), replica.end)


def answer_from_disk(node: NodeState) -> None:
    """The disk has come further: answer what waited for it (R1)."""
    for leader, link in node.from_leaders.items():
        _answer(node, leader, link, node.fsynced)


def _answer(node: NodeState, leader: str, link: LinkFromLeader, number: int) -> None:
    for frame in link.answers(number):
        node.ready.to_leaders.append((leader, frame))


def _refuse(node: NodeState, leader: str, replica: Replica) -> None:
    node.from_leaders[leader].attached.pop(replica.queue, None)
    node.ready.to_leaders.append((leader, Refused(replica.queue, replica.promised)))


def _refuse_unknown(node: NodeState, leader: str, frame: LeaderFrame) -> None:
    """Refuse a queue that this node has no replica of, or not yet; the leader may try again."""
    node.ready.to_leaders.append((leader, Refused(frame.queue, frame.epoch)))
    if isinstance(frame, Append):
        node.from_leaders[leader].receive(frame.lsn, node.written)
        node.ready.fsync_wanted = True


def _obey_fence(node: NodeState, leader: str, replica: Replica, fence: Fence) -> None:
    promise(node, replica, fence.epoch, leader)
    # The new leader says what is committed: after an unclean promotion it is less (R18).
    replica.known_commit = 0
    link = node.from_leaders[leader]
    link.attached[fence.queue] = fence.epoch
    ends = Ends(fence.queue, fence.epoch, node.replica_id, replica.table, replica.end, replica.base)
    _hold_promise(replica, fence)
    link.answer(ends, node.written)


def _obey_records(
    node: NodeState, leader: str, replica: Replica, frame: Tail | Snapshot | Append
) -> None:
    _hold_promise(replica, frame)
    link = node.from_leaders[leader]
    if isinstance(frame, Snapshot):
        node.write_snapshot(replica, frame.position, frame.table, frame.payload)
        link.answer(Got(frame.queue, frame.epoch, frame.position), node.written)
        return
    if not _fits(node, replica, frame):
        _refuse(node, leader, replica)
        return
    hold(
        frame.after >= replica.known_commit,
        "I4",
        frame.queue,
        f"cut behind {frame.after}, {replica.known_commit} is committed",
    )
    if frame.count or frame.after < replica.end:
        first = ((frame.epoch, frame.after + 1),) if frame.count else ()
        spans = first if isinstance(frame, Append) else frame.spans
        node.write_records(replica, frame.after, spans, frame.count, frame.payload)
    replica.known_commit = min(max(replica.known_commit, frame.commit), replica.end)
    if isinstance(frame, Tail):
        link.answer(Got(frame.queue, frame.epoch, replica.end), node.written)


def _fits(node: NodeState, replica: Replica, frame: Tail | Append) -> bool:
    """Whether the record before is here, of the epoch that the leader says (R12)."""
    if not replica.base <= frame.after <= replica.end:
        return False
    if isinstance(frame, Append) and frame.after != replica.end:
        return False
    return node.rules.fits(replica.epoch_at(frame.after), frame.after_epoch)


def _hold_promise(replica: Replica, frame: LeaderFrame) -> None:
    hold(
        frame.epoch >= replica.promised,
        "I3",
        frame.queue,
        f"epoch {frame.epoch} is obeyed, {replica.promised} was promised",
    )
