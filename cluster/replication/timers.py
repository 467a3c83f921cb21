"""What a tick decides: all of it is always allowed, and waiting only says when (R8, R15).

A tick looks at lines of queues, and at the queues that are not calm: those that wait alone or
whose in-sync set lacks a replica. What is calm costs nothing, and of the others a bounded number
is looked at in a tick, in turn; those with records that wait are not behind those without.

A queue that nobody uses keeps a member that is missing: nothing waits for it, and the set would be
written twice, when a node goes and when it comes back. Its next record waits until it is taken out.
"""

from dataclasses import dataclass
from itertools import islice

from cluster.replication import catch_up, membership
from cluster.replication.commit_line import CommitLine
from cluster.replication.leadership import Leadership
from cluster.replication.node_state import NodeState
from cluster.replication.state import ReplicaId


@dataclass(frozen=True, slots=True)
class Timers:
    """How long a leader waits before it takes a member out, or gives an answer up.

    ``lag_max_ms``: a connected member does not come further. ``missing_max_ms``: a member has not
    attached. ``idle_max_ms``: either, while the queue has no record that waits; so a node that is
    started again costs its idle queues nothing. It is not for ever, as nobody can be taken out
    while the store is away. ``refused_max_ms``: a member that refuses the queue again within this
    time wants to leave, and is not kept by an idle one (``cluster.mirrored.sparing``).
    ``answer_max_ms``: the store has not answered; the outcome is unknown then (R7).
    ``attach_again_ms``: how soon a mirror that refused is fenced again on the same connection.
    ``looks_max``: how many queues a tick looks at; the next tick goes on behind them.
    """

    lag_max_ms: int = 5_000
    missing_max_ms: int = 2_000
    idle_max_ms: int = 60_000
    answer_max_ms: int = 3_000
    attach_again_ms: int = 200
    refused_max_ms: int = 1_000
    looks_max: int = 200


def decide(node: NodeState, timers: Timers) -> None:
    """Do what is due."""
    _give_up_answers(node, timers.answer_max_ms)
    for line in list(node.lines.values()):
        _look_at_line(node, line, timers.lag_max_ms)
    waiting = _in_turn(node.alone, timers.looks_max // 2)
    for lead in (*waiting, *_in_turn(node.not_calm, timers.looks_max - len(waiting))):
        if node.not_calm.get(lead.queue) is lead:
            _look_at_queue(node, lead, timers)


def _in_turn(leads: dict[str, Leadership], count_max: int) -> list[Leadership]:
    """Return the first of these, which are the last ones from now on."""
    found = list(islice(leads.items(), count_max))
    for queue, lead in found:
        del leads[queue]
        leads[queue] = lead
    return [lead for _, lead in found]


def _give_up_answers(node: NodeState, answer_max_ms: int) -> None:
    for number, submitted_at_ms in list(node.submitted_at_ms.items()):
        if node.now_ms - submitted_at_ms >= answer_max_ms:
            membership.unknown(node, number)


def _look_at_line(node: NodeState, line: CommitLine[Leadership], lag_max_ms: int) -> None:
    if not line.runs:
        line.head_lsn = 0
        return
    head_lsn = line.runs[0][0]
    if head_lsn != line.head_lsn:
        line.head_lsn, line.head_since_ms = head_lsn, node.now_ms
        return
    if node.now_ms - line.head_since_ms < lag_max_ms:
        return
    behind = {name for name in line.key.mirrors if node.to_mirrors[name].safe_lsn < head_lsn}
    waiting = [each[1] for each in line.runs if each[3] == each[1].line_turn]
    for lead in dict.fromkeys(waiting):
        _take_out(node, lead, [each for each in lead.state.in_sync_set if each.node in behind])


def _look_at_queue(node: NodeState, lead: Leadership, timers: Timers) -> None:
    if membership.may_touch(node, lead):
        membership.touch(node, lead)
    for mirror in lead.replica.options.replicas:
        attached_at_ms = lead.attached_at_ms.get(mirror)
        is_early = (
            attached_at_ms is not None and node.now_ms - attached_at_ms < timers.attach_again_ms
        )
        if not is_early and catch_up.may_attach(node, mirror, lead.queue):
            catch_up.attach(node, mirror, lead.queue)
        elif membership.may_grow(node, lead, mirror):
            membership.grow(node, lead, mirror)
    overdue = _overdue(node, lead, timers)
    if len(lead.state.in_sync_set) - len(overdue) >= lead.replica.options.min_isr:
        # With fewer nothing could be committed, whoever is taken out. Then the set stays whole, so
        # that more members may be elected (R13, R24).
        _take_out(node, lead, overdue)


def _overdue(node: NodeState, lead: Leadership, timers: Timers) -> list[ReplicaId]:
    """Members that were not settled for too long; since when is noted as it is first seen."""
    overdue = []
    idle_ms = 0 if lead.commit < lead.replica.end else timers.idle_max_ms
    for member in sorted(lead.state.in_sync_set - {node.replica_id}):
        progress = lead.mirrors.get(member.node)
        attached = progress is not None and progress.replica == member
        if progress is not None and attached and progress.is_settled():
            lead.unsettled_since_ms.pop(member, None)
            continue
        since_ms = lead.unsettled_since_ms.setdefault(member, node.now_ms)
        limit_ms = timers.lag_max_ms if attached else timers.missing_max_ms
        refused_at_ms = lead.refused_at_ms.get(member.node)
        refuses = refused_at_ms is not None and node.now_ms - refused_at_ms < timers.refused_max_ms
        if node.now_ms - since_ms >= max(limit_ms, 0 if refuses else idle_ms):
            overdue.append(member)
    return overdue


def _take_out(node: NodeState, lead: Leadership, members: list[ReplicaId]) -> None:
    """Submit the set without the first of these members that may be taken out."""
    for member in sorted(members):
        if membership.may_shrink(node, lead, member):
            membership.shrink(node, lead, member)
            return
