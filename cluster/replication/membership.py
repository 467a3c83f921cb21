"""Changes of the in-sync set, and the planned move: a leader writes the state (R6 to R8)."""

from dataclasses import replace

from cluster.replication import commit
from cluster.replication.commit import safe_index
from cluster.replication.leadership import Leadership
from cluster.replication.node_state import NodeState
from cluster.replication.ready import Change, StateTransaction
from cluster.replication.rules import Mode, OpenWrite
from cluster.replication.state import InSyncSet, QueueOptions, QueueState, ReplicaId
from cluster.replication.take_over import learn, learn_options


def may_submit(node: NodeState, lead: Leadership) -> bool:
    """Return whether the state may be written now: one write at a time, and nothing open (R7)."""
    return not (node.identity.frozen or lead.awaited or lead.open_writes)


def may_touch(node: NodeState, lead: Leadership) -> bool:
    """Return whether an open write waits to be settled by another one (R7)."""
    return bool(lead.open_writes) and not (node.identity.frozen or lead.awaited)


def may_shrink(node: NodeState, lead: Leadership, replica: ReplicaId) -> bool:
    """Return whether a member may be taken out: not the leader, not below ``min_isr`` (R8).

    Nor is the last other one, while this node cannot read all that it has.
    """
    members, me = lead.state.in_sync_set, node.replica_id
    floor = node.rules.shrink_floor(lead.replica.options.min_isr)
    is_other = replica in members and replica != me
    is_damaged = lead.queue in node.damaged
    may_stay = node.rules.may_stay(members - {replica}, me, is_damaged=is_damaged)
    return is_other and len(members) > floor and may_stay and may_submit(node, lead)


def may_grow(node: NodeState, lead: Leadership, mirror: str) -> bool:
    """Return whether a mirror has all that a member must have (R8)."""
    progress = lead.mirrors.get(mirror)
    if progress is None or progress.replica is None or progress.mode is Mode.FENCE:
        return False
    members = lead.state.in_sync_set
    if progress.replica in members or node.replica_id not in members:
        return False
    needed = node.rules.join_index(lead.commit, lead.epoch_start)
    have = safe_index(node, lead, progress.replica)
    return node.rules.may_join(have, needed) and may_submit(node, lead)


def may_move(node: NodeState, lead: Leadership, target: str) -> bool:
    """Return whether a member has the whole log (R22); who asks has stopped admission."""
    progress = lead.mirrors.get(target)
    if progress is None or progress.replica not in lead.state.in_sync_set:
        return False
    have = safe_index(node, lead, progress.replica)
    return have == lead.replica.end and lead.is_serving() and may_submit(node, lead)


def may_give_up(node: NodeState, lead: Leadership, target: ReplicaId) -> bool:
    """Return whether a member may lead in place of this node: as in an election (R13, R24)."""
    is_other = target != node.replica_id
    return is_other and node.rules.may_take(target, lead.state) and may_submit(node, lead)


def may_change(node: NodeState, lead: Leadership, options: QueueOptions) -> bool:
    """Return whether a queue may be replicated so: its leader stays, and enough of the set (R8)."""
    members = _members_in(lead, options)
    floor = node.rules.shrink_floor(options.min_isr)
    is_enough = members == lead.state.in_sync_set or len(members) >= floor
    return node.replica_id in members and is_enough and may_submit(node, lead)


def may_let_go(node: NodeState, lead: Leadership, mirror: str) -> bool:
    """Return whether nobody counts on a mirror: neither a set that may be (R6), nor this leader.

    It is not attached, so that it joins only after it has answered another fence (R8).
    """
    is_awaited = any(each.node == mirror for each in lead.waited_for())
    return mirror in node.to_mirrors and mirror not in lead.mirrors and not is_awaited


def change_options(node: NodeState, lead: Leadership, options: QueueOptions) -> None:
    """Submit other options, and the set without members that are no replicas any more."""
    new = replace(lead.state, in_sync_set=_members_in(lead, options))
    _submit(node, lead, Change.OPTIONS, new, options=options)


def _members_in(lead: Leadership, options: QueueOptions) -> InSyncSet:
    members = lead.state.in_sync_set
    return frozenset(each for each in members if each.node in options.replicas)


def shrink(node: NodeState, lead: Leadership, replica: ReplicaId) -> None:
    """Submit the set without a member; it is waited for until the store has answered."""
    members = lead.state.in_sync_set - {replica}
    _submit(node, lead, Change.SHRINK, replace(lead.state, in_sync_set=members))


def grow(node: NodeState, lead: Leadership, mirror: str) -> None:
    """Submit the set with a mirror, which takes the place of an older disk of its node (R3)."""
    joining = lead.mirrors[mirror].replica
    assert joining is not None
    others = {replica for replica in lead.state.in_sync_set if replica.node != mirror}
    members = frozenset({*others, joining})
    _submit(node, lead, Change.GROW, replace(lead.state, in_sync_set=members))


def touch(node: NodeState, lead: Leadership) -> None:
    """Submit the state unchanged: once applied, nothing that expected this revision ever is."""
    _submit(node, lead, Change.TOUCH, lead.state)


def move(node: NodeState, lead: Leadership, target: str, incarnation: int) -> None:
    """Submit another leader; until the outcome is known nothing is admitted or delivered."""
    new = replace(lead.state, leader=target, incarnation=incarnation, epoch=lead.epoch + 1)
    lead.moving = True
    _submit(node, lead, Change.MOVE, new, ((target, incarnation),))


def give_up(node: NodeState, lead: Leadership, target: ReplicaId, incarnation: int) -> None:
    """Submit a member as the leader, and the set without this node if that leaves enough (R24).

    What is confirmed is on the disks of all members. What is not confirmed may be lost; the front
    halves submit it again.
    """
    others = lead.state.in_sync_set - {node.replica_id}
    floor = node.rules.shrink_floor(lead.replica.options.min_isr)
    members = others if len(others) >= floor else lead.state.in_sync_set
    new = QueueState(target.node, incarnation, lead.epoch + 1, members)
    lead.moving = True
    _submit(node, lead, Change.MOVE, new, ((target.node, incarnation),))


def _submit(
    node: NodeState,
    lead: Leadership,
    change: Change,
    new: QueueState,
    live: tuple[tuple[str, int], ...] = (),
    options: QueueOptions | None = None,
) -> None:
    disk = node.identity.disk
    transaction = StateTransaction(
        node.next_transaction(),
        change,
        lead.queue,
        lead.revision,
        new,
        disk.disk,
        disk.stamp,
        live,
        options=options,
    )
    node.submit(transaction)
    lead.awaited = transaction.number
    if node.rules.opens_doubt(change):
        lead.open_writes.append(OpenWrite(lead.revision, new.in_sync_set))
    if options is not None:
        log = lead.replica
        log.options = node.rules.options_while_open(log.options, options)
    known = lead.state.in_sync_set
    waited_for = node.rules.set_while_open(known, new.in_sync_set, change)
    if waited_for != known:
        lead.state = replace(lead.state, in_sync_set=waited_for)
    commit.advance(node, lead)


def _taken(node: NodeState, number: int) -> tuple[StateTransaction | None, Leadership | None]:
    """Return an answered transaction, and the leadership that still waits for its answer."""
    transaction = node.transactions.pop(number, None)
    node.submitted_at_ms.pop(number, None)
    if transaction is None:
        return None, None
    lead = node.leaderships.get(transaction.queue)
    if lead is None or lead.awaited != number:
        return transaction, None
    lead.awaited = None
    return transaction, lead


def done(node: NodeState, number: int, revision: int) -> None:
    """The store applied it: what it wrote is the state now."""
    transaction, lead = _taken(node, number)
    if transaction is not None and lead is not None:
        if transaction.options is not None:
            learn_options(node, transaction.queue, transaction.options, revision)
        learn(node, transaction.queue, transaction.new, revision)


def refused(node: NodeState, number: int) -> None:
    """The store did not and will not apply it; the state has to be read."""
    transaction, lead = _taken(node, number)
    if transaction is None:
        return
    node.ready.state_reads.append(transaction.queue)
    if lead is not None:
        lead.moving = False
        gone = OpenWrite(transaction.expected_revision, transaction.new.in_sync_set)
        lead.open_writes = [write for write in lead.open_writes if write != gone]
        commit.advance(node, lead)


def unknown(node: NodeState, number: int) -> None:
    """No answer came: it stays open, and a touch will settle it (R7)."""
    transaction, lead = _taken(node, number)
    if transaction is not None and lead is not None:
        lead.open_writes = node.rules.open_after_time_out(lead.open_writes)
        if not lead.open_writes:
            lead.moving = False
        commit.advance(node, lead)
