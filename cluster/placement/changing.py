"""Other replicas for a queue: who is asked for, who is gone, and how the list gets there.

The list of replicas changes in the same write as everything else of a queue's state. A node leaves
it only when it is not in the in-sync set any more. A member that is away may be the last who has
all that was confirmed, and only who is in the list can be elected. So a replacement is first added,
it catches up and is taken in, the old member is taken out, and then the list is written without it:

    replicas a b c   in-sync a c(gone)   →   a b d c   →   in-sync a d   →   a b d

One whose node is gone, and may come back, stays in the list until all others are members: it may
still be needed (``waiting``). If it comes back before that, whoever is in sync first stays.

``min_isr`` rises only once there are so many members: it would otherwise stop a queue that serves.
It falls at once.

Who adds or removes a replica by a command decides how many the queue keeps: until it asks for
another number, nobody takes that back (``Kept``).
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from cluster.metadata.records import StoredQueueState
from cluster.placement.asking import RULES, Asked, ReplicaRules
from cluster.placement.moving import successors
from cluster.placement.nodes import NodeStanding, by_name
from cluster.placement.placing import spread
from cluster.replication.state import InSyncSet, Kept, QueueOptions


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a queue's list of replicas is to become.

    Attributes:
        options: to be written now; those that it has where nothing is to be done.
        leaving: nodes at the end of the list that are in it only while they are members.
        waiting: nodes behind these that are in it until all others, but these, are members.
        missing_count: replicas for which there is no node.
    """

    options: QueueOptions
    leaving: tuple[str, ...]
    missing_count: int
    waiting: tuple[str, ...] = ()


def changed(
    stored: StoredQueueState,
    asked: Asked,
    nodes: Collection[NodeStanding],
    gone: Collection[str] = (),
    rules: ReplicaRules = RULES,
    *,
    lowers: bool = True,
) -> Replacement:
    """Return the next list of replicas of a queue. Who calls it again and again gets it whole.

    Args:
        stored: what the queue has.
        asked: how it is to be replicated.
        nodes: the members of the cluster.
        gone: nodes that have been away for too long: their replicas are replaced, if they do not
            live. One that leaves the cluster, or is not a member, need not be named.
        rules: of the cluster.
        lowers: whether a queue that has more replicas than it asks for gives the rest up.
    """
    known = by_name(nodes)
    present = stored.options.replicas
    able = [node for node in nodes if node.may_hold() and (node.is_live or node.name not in gone)]
    before = stored.options.kept
    otherwise = before.replicas_count if _is_replacing(before) and before else len(present)
    eligible, wanted = asked.among(able, otherwise=otherwise)
    asked_count = wanted
    kept = _kept(stored.options, wanted, {node.name for node in able}, lowers=lowers)
    is_replacing = _is_replacing(kept)
    if kept is not None and not is_replacing:
        eligible, wanted = able, kept.replicas_count
    names = {node.name for node in eligible}
    staying = _fewer([name for name in present if name in names], wanted, stored, known)
    held = [known[name] for name in staying]
    further = spread(stored.queue_id, eligible, wanted - len(staying), held)
    target = (*staying, *(node.name for node in further))
    if not target:
        return Replacement(stored.options, (), wanted)
    members = {replica.node for replica in stored.state.in_sync_set}
    running = {replica.node for replica in _running(stored, nodes)}
    surplus = [name for name in present if name not in target]
    over = [name for name in surplus if name in known and known[name].may_hold()]
    if not is_replacing:
        over = [name for name in over if name in gone and not known[name].is_live]
    waiting = () if running.issuperset(target) else tuple(over)
    leaving = tuple(name for name in surplus if name in members and name not in waiting)
    if waiting or members.intersection(over):
        kept = kept or Kept(asked_count, asked_count)
    elif is_replacing:
        kept = None
    options = QueueOptions(
        (*target, *leaving, *waiting),
        _next_min_isr(stored, rules.min_isr(len(target)), len(running.intersection(target))),
        stored.options.lease_guard,
        kept,
    )
    return Replacement(options, leaving, max(0, wanted - len(target)), waiting)


@dataclass(frozen=True, slots=True)
class NextStep:
    """What the leader of a queue has to do next.

    Attributes:
        options: to be written; those that it has where nothing is to be written.
        leader: who is to lead instead, once nothing is to be written; empty: nobody else.
    """

    options: QueueOptions
    leader: str = ""


def next_step(
    stored: StoredQueueState,
    asked: Asked,
    nodes: Collection[NodeStanding],
    gone: Collection[str] = (),
    rules: ReplicaRules = RULES,
    *,
    lowers: bool = True,
) -> NextStep:
    """Return what the leader of a queue has to do next; the arguments are those of ``changed``."""
    present = stored.options
    replacement = changed(stored, asked, nodes, gone, rules, lowers=lowers)
    out = to_take_out(stored, replacement, nodes)
    replicas = tuple(name for name in replacement.options.replicas if name not in out)
    options = replace(replacement.options, replicas=replicas)
    if options != present and (present.kept or options != replace(present, kept=options.kept)):
        return NextStep(options)
    if stored.state.leader not in replacement.leaving:
        return NextStep(present)
    able = successors(stored, by_name(nodes))
    names = [each.name for each in able if each.name not in replacement.leaving]
    return NextStep(present, next(iter(names), ""))


def by_command(
    options: QueueOptions, replicas: tuple[str, ...], asked: Asked, nodes: Collection[NodeStanding]
) -> QueueOptions:
    """Return options with other replicas, as a command says, which nobody takes back.

    Args:
        options: what the queue has.
        replicas: that it is to have.
        asked: how it is to be replicated.
        nodes: the members of the cluster.
    """
    able = [node for node in nodes if node.may_hold()]
    _, asked_count = asked.among(able, otherwise=len(options.replicas))
    kept = None if len(replicas) == asked_count else Kept(len(replicas), asked_count)
    return replace(options, replicas=replicas, kept=kept)


def to_take_out(
    stored: StoredQueueState, replacement: Replacement, nodes: Collection[NodeStanding]
) -> list[str]:
    """Return the nodes that the leader has to take out of the in-sync set for a replacement.

    None of them goes before so many of those who stay are members, and run, that the queue is as
    safe without it. The leader itself goes once another one leads.

    Args:
        stored: what the queue has now.
        replacement: what ``changed`` returned for it.
        nodes: the members of the cluster.
    """
    leaving = replacement.leaving
    staying = {each.node for each in _running(stored, nodes)}.difference(leaving)
    if len(staying) < max(1, stored.options.min_isr):
        return []
    return [name for name in leaving if name != stored.state.leader]


def _running(stored: StoredQueueState, nodes: Collection[NodeStanding]) -> InSyncSet:
    """Return the members of a queue that run: a set may have others for as long as it is idle."""
    return stored.state.in_sync_set & {node.replica for node in nodes if node.is_live}


def _is_replacing(kept: Kept | None) -> bool:
    """Return whether a list is longer only until a replacement is in sync.

    It keeps just as many as are asked for.
    """
    return kept is not None and kept.replicas_count == kept.asked_count


def _kept(
    options: QueueOptions, asked_count: int, able: Collection[str], *, lowers: bool
) -> Kept | None:
    """Return how many replicas a queue keeps; None: as many as it asks for."""
    kept = options.kept
    if kept is not None and kept.asked_count == asked_count:
        return kept
    # Who leaves is in the list beside its replacement, and does not make it longer.
    staying_count = sum(name in able for name in options.replicas)
    if lowers or staying_count <= asked_count:
        return None
    count = kept.replicas_count if kept and _is_replacing(kept) else len(options.replicas)
    return Kept(count, asked_count)


def _fewer(
    staying: list[str],
    wanted: int,
    stored: StoredQueueState,
    known: dict[str, NodeStanding],
) -> list[str]:
    """Return as many as are wanted: the leader first, then members, then who lives."""
    if len(staying) <= wanted:
        return staying
    members = stored.state.in_sync_set

    def rank(name: str) -> tuple[bool, bool, int]:
        node = known[name]
        return name != stored.state.leader, node.replica not in members, node.tier()

    kept = set(sorted(staying, key=rank)[:wanted])
    return [name for name in staying if name in kept]


def _next_min_isr(stored: StoredQueueState, wanted: int, staying_count: int) -> int:
    """Return ``min_isr``, which rises once so many of those who stay are members."""
    present = stored.options.min_isr
    return wanted if wanted <= present or staying_count >= wanted else present
