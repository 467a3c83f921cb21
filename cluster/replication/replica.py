"""One queue's log as its node knows it: promise, epoch table, ends. The records are elsewhere."""

from cluster.replication import epoch_table
from cluster.replication.epoch_table import EpochTable
from cluster.replication.state import QueueOptions, StoredReplica


class Replica:
    """What is written of one queue here, on disk or not yet.

    ``known_commit`` is the commit index that the present leader told (R11: a fence forgets it).
    """

    __slots__ = ("base", "end", "known_commit", "options", "promised", "queue", "table")

    def __init__(
        self, queue: str, options: QueueOptions, stored: StoredReplica, promised: int
    ) -> None:
        """Begin with what a start found on disk, and the promise that holds."""
        self.queue = queue
        self.options = options
        self.promised = promised
        self.base = stored.base
        self.end = stored.end
        self.table: EpochTable = stored.table
        self.known_commit = 0

    def epoch_at(self, index: int) -> int:
        """Return the epoch of the record at an index."""
        return epoch_table.epoch_at(self.table, index)

    def append(self, after: int, spans: EpochTable, count: int) -> None:
        """Cut the log behind ``after`` and append ``count`` records of these epochs."""
        if after < self.end:
            self.table = epoch_table.cut_to(self.table, after)
        self.table = epoch_table.with_epochs(self.table, spans if count else ())
        self.end = after + count

    def install(self, position: int, table: EpochTable) -> None:
        """Replace the log by a snapshot; nothing is behind it."""
        self.base = self.end = self.known_commit = position
        self.table = table

    def stored(self) -> StoredReplica:
        """Return what a start would find, were all of it on disk."""
        return StoredReplica(self.promised, self.base, self.end, self.table)
