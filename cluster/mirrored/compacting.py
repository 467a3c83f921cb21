"""When records are put into messages: each replica has a bound for them, and the node has one.

Records that are not compacted are in memory. One replica may have 4 MiB of them; ten thousand may
not. Where all replicas of the node together have too much, the largest are compacted first.
"""

from collections.abc import Callable, Mapping
from typing import Final

from cluster.replication.core import ReplicationCore
from cluster.replication.inputs import Compact
from persistence.replicas.log import ReplicaLog

RECORDS_BYTES_MAX: Final = 4 << 20
"""With more than this in records, what is committed of them is put into the messages."""

HELD_SHARE: Final = 4
"""So many times that, where a mirror that has got a snapshot needs the records behind it."""

NODE_BYTES_MAX: Final = 256 << 20
"""The records of all replicas of a node."""

_LOOKS: Final = 16
"""Where compaction does not help, as nothing is committed, so many looks double what there is."""


class Compacting:
    """The replicas of a node that are to be compacted.

    Args:
        core: of this node.
        replicas: what it has of each queue.
        holds_records: returns whether a mirror that has a snapshot of a queue needs its records.
        bytes_max: how much a replica has in records before they are compacted.
        node_bytes_max: as ``NODE_BYTES_MAX``.

    Attributes:
        total_bytes: of the records of all replicas.
    """

    def __init__(
        self,
        core: ReplicationCore,
        replicas: Mapping[str, ReplicaLog],
        holds_records: Callable[[str], bool],
        bytes_max: int,
        node_bytes_max: int = NODE_BYTES_MAX,
    ) -> None:
        self.total_bytes = 0
        self._core = core
        self._replicas = replicas
        self._holds_records = holds_records
        self._bytes_max = bytes_max
        self._node_bytes_max = self._look_at_bytes = node_bytes_max
        self._due: dict[str, None] = {}

    def ask(self, queue: str) -> None:
        """Compact a queue in this turn."""
        self._due[queue] = None

    def forget(self, queue: str) -> None:
        """A queue is gone; its replica is among the replicas still."""
        self._due.pop(queue, None)
        replica = self._replicas.get(queue)
        if replica is not None:
            self.total_bytes -= replica.records_bytes

    def note(self, queue: str, before_bytes: int) -> None:
        """The records of a queue were so long before a write, and are longer or shorter now."""
        size_bytes = self._replicas[queue].records_bytes
        self.total_bytes += size_bytes - before_bytes
        if size_bytes < before_bytes:
            self._look_at(self.total_bytes)
        elif size_bytes > self._bytes_max:
            is_too_much = size_bytes > HELD_SHARE * self._bytes_max
            if is_too_much or not self._holds_records(queue):
                self._due[queue] = None
        if self.total_bytes > self._look_at_bytes:
            self._ask_largest()

    def go_on(self) -> bool:
        """Compact what is due; return whether anything was."""
        if not self._due:
            return False
        due, self._due = self._due, {}
        for queue in due:
            self._core.step(Compact(queue))
        return True

    def _ask_largest(self) -> None:
        """Have the largest compacted, until a quarter of the bound is free."""
        sizes = {queue: each.records_bytes for queue, each in self._replicas.items()}
        left_bytes = self.total_bytes - self._node_bytes_max * 3 // 4
        for queue in sorted(sizes, key=sizes.__getitem__, reverse=True):
            if left_bytes <= 0:
                break
            self._due[queue] = None
            left_bytes -= sizes[queue]
        self._look_at(self.total_bytes)

    def _look_at(self, size_bytes: int) -> None:
        """Look again when there is more than the bound, and some more than now."""
        self._look_at_bytes = max(self._node_bytes_max, size_bytes + size_bytes // _LOOKS)
