"""The replication core of one node: ``step`` an input, ``tick`` the clock, take a ``Ready``.

The publisher's side (R23) stands in front of ``append``: ``judge`` says what a front end submits a
second time, and what would overtake an older message.
"""

from cluster.replication import catch_up, commit, handing_over, inputs, membership, steps
from cluster.replication.errors import BrokenInvariantError
from cluster.replication.frames import Append, Payload
from cluster.replication.identity import DiskIdentity, Identity
from cluster.replication.leadership import Leadership
from cluster.replication.lease import MARGIN_MS, Lease
from cluster.replication.node_state import CATCH_UP_COUNT_MAX, STILL_MAX_MS, NodeState
from cluster.replication.publishers import Publishers, Submission, Verdict
from cluster.replication.ready import Ready
from cluster.replication.replica import Replica
from cluster.replication.rules import Mode, Rules
from cluster.replication.state import QueueOptions, ReplicaId, StoredReplica
from cluster.replication.timers import Timers, decide

RULES = Rules()


class NotServingError(Exception):
    """This node admits nothing into the queue now: it does not lead it, or is moving it."""


class ReplicationCore:
    """One node's part in all its queues, without I/O, clock and chance.

    Inputs come through ``step``, the time through ``tick``, and what is to be done is in
    ``ready``. A core is made anew at every start of its node, from what is on disk.
    """

    def __init__(
        self,
        name: str,
        disk: DiskIdentity,
        *,
        rules: Rules = RULES,
        catch_up_count_max: int = CATCH_UP_COUNT_MAX,
        lease_margin_ms: int = MARGIN_MS,
        still_max_ms: int = STILL_MAX_MS,
        timers: Timers | None = None,
    ) -> None:
        """Begin as a node that takes part in nothing yet; ``add_replica`` and a lease follow.

        Without ``timers`` a tick decides nothing, and every decision is an input.
        """
        self.node = NodeState(name, Identity(disk), Lease(lease_margin_ms), rules)
        self.node.catch_up_count_max = catch_up_count_max
        self.node.still_max_ms = still_max_ms
        self._timers = timers

    def add_replica(self, queue: str, options: QueueOptions, stored: StoredReplica) -> None:
        """Take part in a queue, with what its disk has of it."""
        node = self.node
        last_epoch = max((epoch for epoch, _ in stored.table), default=0)
        promised = node.rules.promised_at_start(stored.promised, last_epoch)
        node.replicas[queue] = Replica(queue, options, stored, promised)
        node.options[queue] = options

    def know_queue(self, queue: str, options: QueueOptions) -> None:
        """Know of a queue that has no replica here: the controller elects for all."""
        self.node.options.setdefault(queue, options)

    def tick(self, now_ms: int) -> None:
        """Set the own monotonic clock, which never goes back, and decide what is due.

        A turn of the shell begins with it. What may be delivered or confirmed is as of the last
        tick, so a process that was frozen must not ask before the next one.
        """
        self.node.now_ms = now_ms
        handing_over.look(self.node)
        if self._timers is not None:
            decide(self.node, self._timers)

    def set_damaged(self, queue: str, *, is_damaged: bool) -> None:
        """Note whether some of what this node has of a queue cannot be read any more.

        A leader with such a replica does not take the last other member out (R8).
        """
        if is_damaged:
            self.node.damaged[queue] = None
        else:
            self.node.damaged.pop(queue, None)

    def is_idle(self) -> bool:
        """Return whether there is nothing to be done since the last time."""
        return self.node.ready.is_idle()

    def ready(self) -> Ready:
        """Take out what is to be done since the last time."""
        taken = self.node.ready
        self.node.ready = Ready()
        return taken

    def judge(self, queue: str, publishers: Publishers, submission: Submission) -> Verdict:
        """Say what is to be done with a run of a front end: ask before ``append`` (R23).

        ``publishers`` is the table at the end of the log. Only what is FRESH may be refused
        instead of appended. NotServingError decides nothing: the front end asks again, elsewhere.
        """
        if not self.may_append(queue):
            raise NotServingError(queue)
        return publishers.judge(submission, self.node.rules)

    def may_confirm(self, queue: str, index: int) -> bool:
        """Return whether what is in the log up to here may be confirmed now (R10, R17).

        For a run that was found IN_LOG: what is committed already needs the lease again, where
        the queue has the guard. ``committed`` says so for all others.
        """
        lead = self.lead_of(queue)
        return lead is not None and index <= lead.commit and commit.is_granted(self.node, lead)

    def is_leased(self, queue: str, at_ms: int) -> bool:
        """Return whether no other node can lead the queue at an instant of the own clock (R17)."""
        lead = self.lead_of(queue)
        return lead is not None and commit.is_leased(self.node, lead, at_ms)

    def is_elsewhere(self, queue: str, index: int) -> bool:
        """Return whether another in-sync member has the queue up to here, or there is none."""
        node, lead = self.node, self.lead_of(queue)
        if lead is None:
            return False
        others = lead.state.in_sync_set - {node.replica_id}
        return not others or any(commit.safe_index(node, lead, each) >= index for each in others)

    def append(self, queue: str, count: int, payload: Payload) -> tuple[int, int]:
        """Append a run of ``count`` records; return the index and the LSN of its last (R2, R5).

        Own WAL and every live mirror get it in one order. It is confirmed once ``committed``
        reaches the index. NotServingError where this node admits nothing.
        """
        if not self.may_append(queue):
            raise NotServingError(queue)
        return self._append(queue, count, payload)

    def append_settlement(self, queue: str, count: int, payload: Payload) -> tuple[int, int]:
        """Append what was delivered in this epoch; a planned move does not hold it back (R16)."""
        if queue not in self.node.leaderships:
            raise NotServingError(queue)
        return self._append(queue, count, payload)

    def _append(self, queue: str, count: int, payload: Payload) -> tuple[int, int]:
        node, lead = self.node, self.node.leaderships[queue]
        log = lead.replica
        after, before = log.end, log.epoch_at(log.end)
        if log.promised > lead.epoch:
            raise BrokenInvariantError("I2", queue, f"{log.promised} is promised: not {lead.epoch}")
        node.write_records(log, after, ((lead.epoch, after + 1),), count, payload)
        lsn = node.next_lsn(count)
        commit.note_run(node, lead, lsn)
        frame = Append(queue, lead.epoch, after, before, count, payload, lsn, lead.commit)
        for mirror, progress in lead.mirrors.items():
            if progress.mode is Mode.LIVE:
                node.ready.to_mirrors.append((mirror, frame))
        return log.end, lsn

    # ---- what may be done now ----

    def lead_of(self, queue: str) -> Leadership | None:
        """Return what this node knows as the leader of a queue; None where it does not lead."""
        return self.node.leaderships.get(queue)

    def may_append(self, queue: str) -> bool:
        """Return whether messages are admitted: serving, and not handing over (R22)."""
        lead = self.lead_of(queue)
        return lead is not None and lead.is_serving() and not self._stands_still(lead)

    def may_deliver(self, queue: str) -> bool:
        """Return whether committed messages may be delivered (R16).

        With the lease of this leadership, or, as the store may be away, while every member is
        connected; with ``lease_guard`` the lease alone counts. Never while a move is open or near.
        """
        node, lead = self.node, self.lead_of(queue)
        if lead is None or self._stands_still(lead):
            return False
        if node.is_leased(lead.state.incarnation):
            return True
        others = {replica.node for replica in lead.waited_for()} - {node.name}
        return not lead.replica.options.lease_guard and others <= node.to_mirrors.keys()

    def _stands_still(self, lead: Leadership) -> bool:
        is_near = lead.handing_over is not None
        return self.node.rules.stands_still(is_open=lead.moving, is_near=is_near)

    def deliverable(self, queue: str) -> int:
        """Return up to which index messages may be delivered; 0 where this node does not lead."""
        lead = self.lead_of(queue)
        return self.node.rules.deliverable(lead.commit, lead.replica.end) if lead else 0

    def readable(self, queue: str) -> int:
        """Return up to which index a mirror may show what it has (streams)."""
        lead = self.lead_of(queue)
        return lead.commit if lead else self.node.replicas[queue].known_commit

    def may_attach(self, mirror: str, queue: str) -> bool:
        """Return whether a mirror can be fenced for a queue now."""
        return catch_up.may_attach(self.node, mirror, queue)

    def may_shrink(self, queue: str, replica: ReplicaId) -> bool:
        """Return whether a member may be taken out of the in-sync set now."""
        lead = self.lead_of(queue)
        return lead is not None and membership.may_shrink(self.node, lead, replica)

    def may_grow(self, queue: str, mirror: str) -> bool:
        """Return whether a mirror may be taken into the in-sync set now."""
        lead = self.lead_of(queue)
        return lead is not None and membership.may_grow(self.node, lead, mirror)

    def may_let_go(self, queue: str, mirror: str) -> bool:
        """Return whether a mirror may be told that nobody counts on what it has."""
        lead = self.lead_of(queue)
        return lead is not None and membership.may_let_go(self.node, lead, mirror)

    def may_touch(self, queue: str) -> bool:
        """Return whether a write of unknown outcome waits to be settled."""
        lead = self.lead_of(queue)
        return lead is not None and membership.may_touch(self.node, lead)

    def may_move(self, queue: str, target: str) -> bool:
        """Return whether the queue can be handed to a member now."""
        lead = self.lead_of(queue)
        return lead is not None and membership.may_move(self.node, lead, target)

    def may_give_up(self, queue: str, target: ReplicaId) -> bool:
        """Return whether the queue can be given up to a member now (R24)."""
        lead = self.lead_of(queue)
        return lead is not None and membership.may_give_up(self.node, lead, target)

    def may_hand_over(self, queue: str, target: str) -> bool:
        """Return whether the queue can be handed to a member now, or could be in a moment."""
        lead = self.lead_of(queue)
        if lead is None or lead.handing_over is not None:
            return False
        may_begin = handing_over.may_begin(self.node, lead, target)
        return may_begin or membership.may_move(self.node, lead, target)

    def may_change(self, queue: str, options: QueueOptions) -> bool:
        """Return whether the queue may be replicated so, by its leader, now."""
        lead = self.lead_of(queue)
        return lead is not None and membership.may_change(self.node, lead, options)

    # ---- inputs ----

    def step(self, happened: inputs.Input) -> None:
        """Take one input. Inputs that are of an older connection or leadership do nothing."""
        steps.take(self.node, happened)
