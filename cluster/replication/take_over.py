"""Who leads: learning a queue's state, taking over, stepping down, promising (R11, R15)."""

from cluster.replication import commit
from cluster.replication.errors import hold
from cluster.replication.frames import Refused
from cluster.replication.leadership import Leadership
from cluster.replication.node_state import NodeState
from cluster.replication.ready import EpochStart, Role
from cluster.replication.replica import Replica
from cluster.replication.state import QueueOptions, QueueState


def learn(node: NodeState, queue: str, state: QueueState, revision: int) -> None:
    """Take note of a queue's state, as the store had it at a revision."""
    replica = node.replicas.get(queue)
    if replica is None:
        return
    lead = node.leaderships.get(queue)
    if lead is not None and state.epoch == lead.epoch:
        _learn_of_own_epoch(node, lead, state, revision)
        return
    if lead is not None and state.epoch > lead.epoch:
        step_down(node, queue)
    elected = node.rules.is_elected(state, node.name, node.lease.incarnation, replica.promised)
    if elected and queue not in node.leaderships:
        _take_over(node, replica, state, revision)


def learn_options(node: NodeState, queue: str, options: QueueOptions, revision: int) -> None:
    """Take note of how a queue is replicated, as the store had it at a revision."""
    lead = node.leaderships.get(queue)
    if lead is not None and not node.rules.is_news(lead.revision, revision):
        return
    node.options[queue] = options
    replica = node.replicas.get(queue)
    if replica is None or replica.options == options:
        return
    replica.options = options
    if lead is not None:
        for mirror in [each for each in lead.mirrors if each not in options.replicas]:
            del lead.mirrors[mirror]
        # The state of the same value, which says who is waited for, comes next.


def forget(node: NodeState, queue: str) -> None:
    """Take no part in a queue any more."""
    step_down(node, queue)
    node.replicas.pop(queue, None)
    node.options.pop(queue, None)
    for link in node.from_leaders.values():
        link.attached.pop(queue, None)


def _learn_of_own_epoch(
    node: NodeState, lead: Leadership, state: QueueState, revision: int
) -> None:
    if not node.rules.is_news(lead.revision, revision):
        return
    hold(state.leader == node.name, "I2", lead.queue, f"{state.leader} leads my epoch {lead.epoch}")
    if revision != lead.revision:
        lead.moving = False
    lead.state = state
    lead.revision = revision
    lead.open_writes = node.rules.open_after_read(lead.open_writes, revision)
    commit.advance(node, lead)


def _take_over(node: NodeState, replica: Replica, state: QueueState, revision: int) -> None:
    """Promise the epoch and begin it; fences follow once both are on disk."""
    promise(node, replica, state.epoch)
    spans = ((state.epoch, replica.end + 1),)
    node.write_records(replica, replica.end, spans, 1, EpochStart.RECORD)
    lead = Leadership(replica, state, revision, node.written, node.now_ms)
    node.leaderships[replica.queue] = lead
    node.ready.roles[replica.queue] = Role.LEADER_ELECT
    commit.advance(node, lead)


def step_down(node: NodeState, queue: str) -> None:
    """Somebody else leads, or will: nothing is appended, confirmed or delivered here any more."""
    lead = node.leaderships.pop(queue, None)
    if lead is not None:
        commit.leave(node, lead)
        node.ready.roles[queue] = Role.MIRROR


def promise(node: NodeState, replica: Replica, epoch: int, source: str | None = None) -> None:
    """Promise an epoch, and refuse the queue on the link of every older leader first (R9, R11).

    ``source`` is the leader that asked for it; None where it is this node itself.
    """
    if epoch <= replica.promised:
        return
    node.write_promise(replica, epoch)
    lead = node.leaderships.get(replica.queue)
    if lead is not None and lead.epoch < epoch:
        step_down(node, replica.queue)
    if not node.rules.refuses_before_lsn():
        return
    for leader, link in node.from_leaders.items():
        if leader != source and link.attached.pop(replica.queue, None) is not None:
            node.ready.to_leaders.append((leader, Refused(replica.queue, epoch)))
