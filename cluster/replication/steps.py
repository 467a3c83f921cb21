"""Which part of a core takes which input."""

from collections.abc import Callable
from typing import Any, Final

from cluster.replication import (
    catch_up,
    commit,
    election,
    handing_over,
    inputs,
    membership,
    mirroring,
    take_over,
)
from cluster.replication.errors import hold
from cluster.replication.frames import CommitNote
from cluster.replication.identity import MemberRecord
from cluster.replication.links import LinkFromLeader, LinkToMirror
from cluster.replication.node_state import NodeState


def take(node: NodeState, happened: inputs.Input) -> None:
    """Take one input."""
    _STEPS[type(happened)](node, happened)


def _connect_mirror(node: NodeState, happened: inputs.MirrorConnected) -> None:
    _disconnect_mirror(node, inputs.MirrorDisconnected(happened.mirror))
    node.to_mirrors[happened.mirror] = LinkToMirror()


def _disconnect_mirror(node: NodeState, happened: inputs.MirrorDisconnected) -> None:
    if node.to_mirrors.pop(happened.mirror, None) is None:
        return
    for lead in list(node.leaderships.values()):
        lead.attached_at_ms.pop(happened.mirror, None)
        catch_up.detach(node, happened.mirror, lead)


def _connect_leader(node: NodeState, happened: inputs.LeaderConnected) -> None:
    node.from_leaders[happened.leader] = LinkFromLeader()


def _disconnect_leader(node: NodeState, happened: inputs.LeaderDisconnected) -> None:
    node.from_leaders.pop(happened.leader, None)


def _hear_leader(node: NodeState, happened: inputs.FrameFromLeader) -> None:
    if happened.leader not in node.from_leaders:
        return
    if isinstance(happened.frame, CommitNote):
        mirroring.note_commit(node, happened.leader, happened.frame)
    else:
        mirroring.obey(node, happened.leader, happened.frame)


def _hear_mirror(node: NodeState, happened: inputs.FrameFromMirror) -> None:
    if happened.mirror in node.to_mirrors:
        catch_up.hear(node, happened.mirror, happened.frame)


def _attach(node: NodeState, happened: inputs.Attach) -> None:
    if catch_up.may_attach(node, happened.mirror, happened.queue):
        catch_up.attach(node, happened.mirror, happened.queue)


def _fsynced(node: NodeState, happened: inputs.Fsynced) -> None:
    hold(happened.number <= node.written, "I1", "", f"{happened.number} was never written")
    node.fsynced = max(node.fsynced, happened.number)
    node.note_safe_writes()
    mirroring.answer_from_disk(node)
    commit.advance_all(node)


def _records_read(node: NodeState, happened: inputs.RecordsRead) -> None:
    catch_up.pass_on(node, happened.request, happened.count, happened.payload)


def _state_read(node: NodeState, happened: inputs.StateRead) -> None:
    if happened.options is not None:
        take_over.learn_options(node, happened.queue, happened.options, happened.revision)
    take_over.learn(node, happened.queue, happened.state, happened.revision)


def _done(node: NodeState, happened: inputs.TransactionDone) -> None:
    membership.done(node, happened.number, happened.revision)


def _refused(node: NodeState, happened: inputs.TransactionRefused) -> None:
    membership.refused(node, happened.number)


def _unknown(node: NodeState, happened: inputs.TransactionUnknown) -> None:
    membership.unknown(node, happened.number)


def _shrink(node: NodeState, happened: inputs.Shrink) -> None:
    lead = node.leaderships.get(happened.queue)
    if lead is not None and membership.may_shrink(node, lead, happened.replica):
        membership.shrink(node, lead, happened.replica)


def _grow(node: NodeState, happened: inputs.Grow) -> None:
    lead = node.leaderships.get(happened.queue)
    if lead is not None and membership.may_grow(node, lead, happened.mirror):
        membership.grow(node, lead, happened.mirror)


def _touch(node: NodeState, happened: inputs.Touch) -> None:
    lead = node.leaderships.get(happened.queue)
    if lead is not None and membership.may_touch(node, lead):
        membership.touch(node, lead)


def _move(node: NodeState, happened: inputs.Move) -> None:
    lead = node.leaderships.get(happened.queue)
    if lead is not None and membership.may_move(node, lead, happened.target):
        membership.move(node, lead, happened.target, happened.incarnation)


def _hand_over(node: NodeState, happened: inputs.HandOver) -> None:
    lead = node.leaderships.get(happened.queue)
    if lead is not None:
        handing_over.begin(node, lead, happened.target, happened.incarnation)


def _give_up(node: NodeState, happened: inputs.GiveUp) -> None:
    lead = node.leaderships.get(happened.queue)
    if lead is not None and membership.may_give_up(node, lead, happened.target):
        membership.give_up(node, lead, happened.target, happened.incarnation)


def _change_options(node: NodeState, happened: inputs.ChangeOptions) -> None:
    lead = node.leaderships.get(happened.queue)
    if lead is not None and membership.may_change(node, lead, happened.options):
        membership.change_options(node, lead, happened.options)


def _forget(node: NodeState, happened: inputs.Forget) -> None:
    take_over.forget(node, happened.queue)


def _elect(node: NodeState, happened: inputs.Elect) -> None:
    if happened.options is not None:
        node.options[happened.queue] = happened.options
    if not node.identity.frozen and election.is_due(happened.state, happened.live):
        election.elect(
            node,
            happened.queue,
            happened.state,
            happened.revision,
            happened.live,
            happened.candidate,
        )


def _lease_granted(node: NodeState, happened: inputs.LeaseGranted) -> None:
    node.lease.grant(happened.incarnation, happened.asked_at_ms, happened.ttl_ms)
    commit.advance_all(node)


def _lease_renewed(node: NodeState, happened: inputs.LeaseRenewed) -> None:
    node.lease.renew(happened.asked_at_ms, happened.ttl_ms)
    commit.advance_all(node)


def _begin_anew(node: NodeState, happened: inputs.BeginAnew) -> None:
    replica = node.replicas[happened.queue]
    hold(
        happened.epoch > replica.promised
        or (happened.is_let_go and happened.epoch == replica.promised),
        "I3",
        happened.queue,
        f"{replica.promised} is promised, and somebody may count on what it has",
    )
    take_over.promise(node, replica, happened.epoch)
    node.write_snapshot(replica, 0, (), happened.payload)


def _store_seen(node: NodeState, happened: inputs.StoreSeen) -> None:
    member = MemberRecord(happened.disk, happened.stamp, happened.revision)
    node.identity.see(member, node.rules)


def _stamp_raised(node: NodeState, happened: inputs.StampRaised) -> None:
    node.identity.raise_stamp(happened.stamp, node.rules, stored=happened.stored)


def _compact(node: NodeState, happened: inputs.Compact) -> None:
    replica = node.replicas[happened.queue]
    lead = node.leaderships.get(happened.queue)
    committed = lead.commit if lead is not None else replica.known_commit
    position = committed if happened.position is None else happened.position
    hold(
        position <= committed,
        "I4",
        happened.queue,
        f"compacted to {position}, {committed} is committed",
    )
    if position > replica.base:
        node.write_compaction(replica, position)


_STEPS: Final[dict[type, Callable[[NodeState, Any], None]]] = {
    inputs.MirrorConnected: _connect_mirror,
    inputs.MirrorDisconnected: _disconnect_mirror,
    inputs.LeaderConnected: _connect_leader,
    inputs.LeaderDisconnected: _disconnect_leader,
    inputs.FrameFromLeader: _hear_leader,
    inputs.FrameFromMirror: _hear_mirror,
    inputs.Attach: _attach,
    inputs.Fsynced: _fsynced,
    inputs.RecordsRead: _records_read,
    inputs.StateRead: _state_read,
    inputs.TransactionDone: _done,
    inputs.TransactionRefused: _refused,
    inputs.TransactionUnknown: _unknown,
    inputs.Shrink: _shrink,
    inputs.Grow: _grow,
    inputs.Touch: _touch,
    inputs.Move: _move,
    inputs.HandOver: _hand_over,
    inputs.GiveUp: _give_up,
    inputs.ChangeOptions: _change_options,
    inputs.Forget: _forget,
    inputs.BeginAnew: _begin_anew,
    inputs.Elect: _elect,
    inputs.LeaseGranted: _lease_granted,
    inputs.LeaseRenewed: _lease_renewed,
    inputs.StoreSeen: _store_seen,
    inputs.StampRaised: _stamp_raised,
    inputs.Compact: _compact,
}
