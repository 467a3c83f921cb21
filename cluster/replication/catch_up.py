"""Bringing a mirror to the end of the log: fence, divergence, tail or snapshot, live (R12, R14).

One read for each queue and mirror is under way at a time, and its answer becomes one frame. When
that frame reaches the end of the log, the queue is live on the link from the present LSN on, in
the same turn: no run can come in between.
"""

from cluster.replication import commit
from cluster.replication.epoch_table import cut_to, spans_of
from cluster.replication.errors import hold
from cluster.replication.frames import (
    Ack,
    Ends,
    Fence,
    Follow,
    Got,
    MirrorFrame,
    Refused,
    Snapshot,
    Tail,
    Want,
)
from cluster.replication.leadership import Leadership, MirrorProgress
from cluster.replication.node_state import NodeState
from cluster.replication.ready import ReadRequest
from cluster.replication.rules import Mode
from cluster.replication.take_over import step_down


def may_attach(node: NodeState, mirror: str, queue: str) -> bool:
    """Return whether a fence may go out: connected, not attached yet, own promise on disk."""
    lead = node.leaderships.get(queue)
    return (
        lead is not None
        and mirror in node.to_mirrors
        and mirror in lead.replica.options.replicas
        and mirror not in lead.mirrors
        and lead.take_over_write <= node.fsynced
    )


def attach(node: NodeState, mirror: str, queue: str) -> None:
    """Fence a mirror for one queue; all that was known of it there is forgotten (R4)."""
    lead = node.leaderships[queue]
    lead.mirrors[mirror] = MirrorProgress()
    lead.attached_at_ms[mirror] = node.now_ms
    node.ready.to_mirrors.append((mirror, Fence(queue, lead.epoch)))


def detach(node: NodeState, mirror: str, lead: Leadership) -> None:
    """Forget what is known of a mirror for one queue."""
    if lead.mirrors.pop(mirror, None) is not None:
        commit.advance(node, lead)


def hear(node: NodeState, mirror: str, frame: MirrorFrame) -> None:
    """Take a mirror's answer; answers to an older leadership or connection say nothing."""
    if isinstance(frame, Ack):
        node.to_mirrors[mirror].safe_lsn = frame.lsn
        commit.advance_behind_mirror(node, mirror)
        return
    lead = node.leaderships.get(frame.queue)
    if lead is None or isinstance(frame, Follow | Want):
        return
    if isinstance(frame, Refused):
        _hear_refused(node, mirror, lead, frame)
    elif frame.epoch == lead.epoch and mirror in lead.mirrors:
        progress = lead.mirrors[mirror]
        if isinstance(frame, Ends):
            _hear_ends(node, mirror, lead, frame)
        else:
            _hear_got(node, mirror, lead, progress, frame)
        commit.advance(node, lead)


def _hear_refused(node: NodeState, mirror: str, lead: Leadership, refused: Refused) -> None:
    if refused.promised > lead.epoch:
        step_down(node, lead.queue)
    elif refused.promised == lead.epoch:
        lead.refused_at_ms[mirror] = node.now_ms
        detach(node, mirror, lead)


def _hear_ends(node: NodeState, mirror: str, lead: Leadership, ends: Ends) -> None:
    log, progress = lead.replica, lead.mirrors[mirror]
    if ends.replica.node != mirror or progress.mode is not Mode.FENCE:
        # A mirror that left the replicas and came back is fenced twice on a connection. The answer
        # to the first fence is as good; what has left since would be cut by that to the second.
        return
    progress.mode = Mode.CATCH_UP
    progress.replica = ends.replica
    point = node.rules.divergence(log.table, log.end, ends.table, ends.end)
    same_until = point if point >= ends.base else -1
    if point < max(ends.base, log.base):
        # A write that took it out may be in the store already: then nobody counted on what it had.
        hold(
            not all(ends.replica in each for each in lead.possible_sets()),
            "R12",
            lead.queue,
            f"{ends.replica} is a member and needs a snapshot",
        )
        point = -1
    _read_on(node, mirror, lead, point, same_until)


def _hear_got(
    node: NodeState, mirror: str, lead: Leadership, progress: MirrorProgress, got: Got
) -> None:
    if progress.mode is Mode.FENCE:
        return  # Of before it refused the queue: what it had then it need not have now.
    progress.got = max(progress.got, got.end)
    if progress.mode is Mode.CATCH_UP:
        _read_on(node, mirror, lead, got.end, got.end)


def _read_on(node: NodeState, mirror: str, lead: Leadership, point: int, same_until: int) -> None:
    """Ask for what comes behind a point; a point that is compacted away needs a snapshot.

    Args:
        node: of the leader.
        mirror: that is behind.
        lead: of the queue.
        point: up to where its log may stay.
        same_until: up to where what it has is right, compacted or not; -1: not all that is
            compacted is.
    """
    log = lead.replica
    number = node.next_read()
    lead.mirrors[mirror].awaited_read = number
    if point < log.base:
        position = max(lead.commit, log.base)
        request = ReadRequest(
            number,
            mirror,
            lead.queue,
            lead.epoch,
            position,
            0,
            lead.commit,
            snapshot=True,
            behind=same_until,
        )
    else:
        count = min(log.end - point, node.catch_up_count_max)
        request = ReadRequest(number, mirror, lead.queue, lead.epoch, point, count, lead.commit)
    node.ready.reads.append(request)


def pass_on(node: NodeState, request: ReadRequest, count: int, payload: object) -> None:
    """Records were read: they go to the mirror, unless it has attached anew meanwhile.

    A snapshot may be of another index than was asked for, and may be the answer where records were
    asked for that have been compacted since.
    """
    lead = node.leaderships.get(request.queue)
    progress = lead.mirrors.get(request.mirror) if lead is not None else None
    if lead is None or progress is None or progress.awaited_read != request.number:
        return
    progress.awaited_read = 0
    log = lead.replica
    frame: Snapshot | Tail
    if request.snapshot:
        table = cut_to(log.table, request.after)
        frame = Snapshot(lead.queue, lead.epoch, request.after, table, payload)
    else:
        last = request.after + count
        spans = spans_of(log.table, request.after, last)
        before = log.epoch_at(request.after)
        frame = Tail(
            lead.queue, lead.epoch, request.after, before, spans, count, payload, request.commit
        )
        if last == log.end:
            progress.mode = Mode.LIVE
            progress.attach_lsn = node.last_lsn
            progress.attach_index = log.end
            commit.advance(node, lead)
    node.ready.to_mirrors.append((request.mirror, frame))
