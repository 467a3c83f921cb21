"""Rebuilds the log of one replica: its row in the checkpoint, then the write-ahead log.

Every change has a number. Those up to the row's are in it; the others must follow without a gap. A
replica of which anything that was synced is missing is lost, and counts as another disk (R3): what
it has may be less than what it has answered for.
"""

from typing import NamedTuple

from persistence.errors import DamagedError, is_shortage
from persistence.operations import Operation
from persistence.replica_operations import (
    ReplicaCompact,
    ReplicaInstall,
    ReplicaPromise,
    ReplicaRecords,
)
from persistence.replicas.log import ReplicaLog
from persistence.replicas.row import ReplicaSnapshot
from persistence.stored_log import Row


class RecoveredReplica(NamedTuple):
    """A replica as a restart finds it.

    Attributes:
        log: continues where it was.
        message_count: messages at its base.
        is_whole: False where something is missing: it takes no part as the disk that it was.
        lost_count: messages that were there once; nobody can tell, the other replicas have them.
    """

    log: ReplicaLog
    message_count: int
    is_whole: bool = True
    lost_count: int = 0


class ReplicaRecovery:
    """Rebuilds the log of a replica; a ``persistence.recovery.LogRecovery``.

    Args:
        known: the log of the replica, empty yet.
        damages: takes what is lost; one sentence each.
    """

    def __init__(self, known: ReplicaLog, damages: list[str]) -> None:
        self.known = known
        self._damages = damages
        self._is_whole = True
        self._has_begun = False

    def restore(self, row: Row) -> None:
        """Begin with the replica's row in a checkpoint."""
        assert isinstance(row, ReplicaSnapshot), "rows are matched with logs"
        self._has_begun = True
        try:
            self.known.restore(row)
        except DamagedError as error:
            self._lose(str(error))
        except OSError as error:
            if is_shortage(error):
                raise
            self._lose(str(error))

    def restore_from_files(self) -> None:
        """Give up: what is in segments says nothing of promises and records."""
        self._lose("its row in the checkpoint cannot be read")

    def replay(self, operation: Operation) -> None:
        """Repeat a change of the replica, unless the checkpoint has it."""
        known = self.known
        if not self._is_whole:
            return
        self._begin()
        if not isinstance(
            operation, ReplicaRecords | ReplicaPromise | ReplicaInstall | ReplicaCompact
        ):
            self._lose("an operation is for another kind of queue")
        elif operation.change > known.change + 1:
            self._lose(f"change {known.change + 1} is missing")
        elif operation.change == known.change + 1:
            try:
                known.repeat(_copied(operation))
            except DamagedError as error:
                self._lose(str(error))

    @property
    def next_segment(self) -> int:
        """Number of the queue's next segment."""
        return self.known.state.stored.segments.next_number

    def begin_after(self, next_segment: int) -> None:
        """Begin as a new queue of an id whose earlier queue is gone; older files are its files."""
        self.known.begin_after(next_segment)

    def finish(self, *, was_clean: bool) -> RecoveredReplica:
        """Count what there is, and tidy up."""
        del was_clean
        self._begin()
        state = self.known.state
        state.end_replay()
        try:
            self.known.stream.check_whole()
        except DamagedError as error:
            self._lose(str(error))
        count = state.settled.count_missing(state.settled.floor, state.next_position)
        return RecoveredReplica(self.known, count, self._is_whole)

    def _begin(self) -> None:
        """Begin with nothing, where the checkpoint had no row."""
        if not self._has_begun:
            self._has_begun = True
            self.known.stream.restore(None)

    def _lose(self, what: str) -> None:
        self._is_whole = False
        self._damages.append(f"the replica of queue {self.known.queue_id} is lost: {what}")


def _copied(
    operation: ReplicaRecords | ReplicaPromise | ReplicaInstall | ReplicaCompact,
) -> ReplicaRecords | ReplicaPromise | ReplicaInstall | ReplicaCompact:
    """Return a change whose records outlive the batch that they were read from."""
    if isinstance(operation, ReplicaRecords | ReplicaInstall):
        return operation._replace(octets=bytes(operation.octets))
    return operation
