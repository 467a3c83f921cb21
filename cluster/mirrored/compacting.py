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

LOOK_MS: Final = 500
"""So often the records of all replicas are counted: a write does not pay for that."""


class Compacting:
    """The replicas of a node that are to be compacted.

    Args:
        core: of this node.
        replicas: what it has of each queue.
        holds_records: returns whether a mirror that has a snapshot of a queue needs its records.
        bytes_max: how much a replica has in records before they are compacted.
        node_bytes_max: as ``NODE_BYTES_MAX``.

    Attributes:
        due: what is to be compacted; without any ``go_on`` need not be called.
    """

    def __init__(
        self,
        core: ReplicationCore,
        replicas: Mapping[str, ReplicaLog],
        holds_records: Callable[[str], bool],
        bytes_max: int,
        node_bytes_max: int = NODE_BYTES_MAX,
    ) -> None:
        self.bytes_max = bytes_max
        self._core = core
        self._replicas = replicas
        self._holds_records = holds_records
        self._node_bytes_max = node_bytes_max
        self._looked_at_ms = 0
        self.due: dict[str, None] = {}

    def ask(self, queue: str, *, may_wait: bool = False) -> None:
        """Compact a queue in this turn.

        Args:
            queue: its name.
            may_wait: not while a mirror that has got a snapshot needs the records behind it.
        """
        if not (may_wait and self._holds_records(queue)):
            self.due[queue] = None

    def forget(self, queue: str) -> None:
        """A queue is gone."""
        self.due.pop(queue, None)

    def note_long(self, queue: str, size_bytes: int) -> None:
        """The records of a queue are longer than ``bytes_max``."""
        if size_bytes > HELD_SHARE * self.bytes_max or not self._holds_records(queue):
            self.due[queue] = None

    def tick(self) -> None:
        """From time to time, have the largest compacted where all have too much together.

        With few replicas the bound of each is enough.
        """
        now_ms = self._core.node.now_ms
        if now_ms - self._looked_at_ms < LOOK_MS:
            return
        self._looked_at_ms = now_ms
        if len(self._replicas) * self.bytes_max <= self._node_bytes_max:
            return
        sizes = {queue: each.records_bytes for queue, each in self._replicas.items()}
        total_bytes = sum(sizes.values())
        if total_bytes <= self._node_bytes_max:
            return
        left_bytes = total_bytes - self._node_bytes_max // 2
        for queue in sorted(sizes, key=sizes.__getitem__, reverse=True):
            if left_bytes <= 0:
                break
            self.due[queue] = None
            left_bytes -= sizes[queue]

    def go_on(self) -> bool:
        """Compact what is due; return whether anything was."""
        if not self.due:
            return False
        due, self.due = self.due, {}
        for queue in due:
            self._core.step(Compact(queue))
        return True
