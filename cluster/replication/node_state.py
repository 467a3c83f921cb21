"""What the parts of a core share: one node's logs, leaderships, links, and the order of its WAL."""

from collections import deque

from cluster.replication.commit_line import CommitLine, LineKey
from cluster.replication.epoch_table import EpochTable
from cluster.replication.frames import Payload
from cluster.replication.identity import Identity
from cluster.replication.leadership import Leadership
from cluster.replication.lease import Lease
from cluster.replication.links import LinkFromLeader, LinkToMirror
from cluster.replication.ready import (
    AppendWrite,
    CompactWrite,
    InstallWrite,
    PromiseWrite,
    Ready,
    StateTransaction,
)
from cluster.replication.replica import Replica
from cluster.replication.rules import Rules
from cluster.replication.state import QueueOptions, ReplicaId

CATCH_UP_COUNT_MAX = 4_096
"""Records in one frame of a catch-up (R14)."""

STILL_MAX_MS = 500
"""So long a queue stands still at most before a planned move (R22)."""


class NodeState:
    """One node. Parts of the core change it; nothing else does."""

    def __init__(self, name: str, identity: Identity, lease: Lease, rules: Rules) -> None:
        """Begin without queues and links."""
        self.name = name
        self.identity = identity
        self.lease = lease
        self.rules = rules
        self.now_ms = 0
        self.catch_up_count_max = CATCH_UP_COUNT_MAX
        self.still_max_ms = STILL_MAX_MS
        self.options: dict[str, QueueOptions] = {}
        self.replicas: dict[str, Replica] = {}
        self.leaderships: dict[str, Leadership] = {}
        self.to_mirrors: dict[str, LinkToMirror] = {}
        self.from_leaders: dict[str, LinkFromLeader] = {}
        self.transactions: dict[int, StateTransaction] = {}
        self.lines: dict[LineKey, CommitLine[Leadership]] = {}
        self.alone: dict[str, Leadership] = {}
        self.not_calm: dict[str, Leadership] = {}
        self.handing_over: dict[str, Leadership] = {}
        self.damaged: dict[str, None] = {}
        self.submitted_at_ms: dict[int, int] = {}
        self.ready = Ready()
        self.written = 0
        self.fsynced = 0
        self.last_lsn = 0
        self.own_safe_lsn = 0
        self._lsn_of_writes: deque[tuple[int, int]] = deque()
        self._last_transaction = 0
        self._last_read = 0

    @property
    def replica_id(self) -> ReplicaId:
        """This node on its present disk."""
        return ReplicaId(self.name, self.identity.disk.disk)

    def write_promise(self, replica: Replica, epoch: int) -> None:
        """Promise an epoch, in the WAL."""
        replica.promised = epoch
        self.written += 1
        self.ready.writes.append(PromiseWrite(self.written, replica.queue, epoch))

    def write_records(
        self, replica: Replica, after: int, spans: EpochTable, count: int, payload: Payload
    ) -> None:
        """Cut a log and append to it, in the WAL."""
        replica.append(after, spans, count)
        self.written += 1
        write = AppendWrite(self.written, replica.queue, after, spans, count, payload)
        self.ready.writes.append(write)

    def write_snapshot(
        self, replica: Replica, position: int, table: EpochTable, payload: Payload
    ) -> None:
        """Replace a log, in the WAL."""
        replica.install(position, table)
        self.written += 1
        write = InstallWrite(self.written, replica.queue, position, table, payload)
        self.ready.writes.append(write)

    def write_compaction(self, replica: Replica, position: int) -> None:
        """Let records go, in the WAL."""
        replica.base = position
        self.written += 1
        self.ready.writes.append(CompactWrite(self.written, replica.queue, position))

    def next_lsn(self, count: int) -> int:
        """Return the LSN of the last of ``count`` records, which the last write holds (R5)."""
        self.last_lsn += count
        self._lsn_of_writes.append((self.written, self.last_lsn))
        self.note_safe_writes()
        return self.last_lsn

    def note_safe_writes(self) -> None:
        """Find how far the own disk has the own records, as one LSN."""
        writes = self._lsn_of_writes
        while writes and self.rules.counts_as_written(writes[0][0], self.fsynced):
            self.own_safe_lsn = writes.popleft()[1]

    def next_transaction(self) -> int:
        """Return the number of a new transaction."""
        self._last_transaction += 1
        return self._last_transaction

    def next_read(self) -> int:
        """Return the number of a new read."""
        self._last_read += 1
        return self._last_read

    def submit(self, transaction: StateTransaction) -> None:
        """Hand a transaction to the store, and wait for its answer."""
        self.transactions[transaction.number] = transaction
        self.submitted_at_ms[transaction.number] = self.now_ms
        self.ready.transactions.append(transaction)

    def is_leased(self, incarnation: int, at_ms: int | None = None) -> bool:
        """Return whether the lease of a leadership is valid on the own clock (R17).

        At an instant of that clock; None is that of the last tick.
        """
        mine = self.rules.lease_is_of(incarnation, self.lease.incarnation)
        return mine and self.lease.is_running(self.now_ms if at_ms is None else at_ms)
