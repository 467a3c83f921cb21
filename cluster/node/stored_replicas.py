"""A node's disk as its cluster part sees it, on the store that all logs of the node are in.

    definitions    ("mirror", queue id) → the number of the queue's log on this disk, and behind a
                   space its maximum priority, if it is a priority queue
    identity       a file of its own

A definition is written before anything of its log, and deleted before the log is dropped: in one
order, by the group commit. So a crash leaves a replica with its definition, or neither.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol

from cluster.node.identity_file import read_identity, write_identity
from cluster.node.ports import KeptIdentity
from persistence.definitions_format import Key, encode_change
from persistence.files import Files
from persistence.log_form import LogForm
from persistence.log_state import LogOptions
from persistence.replicas.log import ReplicaLog
from persistence.replicas.recovery import RecoveredReplica
from persistence.replicas.tombstones import KIND as TOMBSTONE
from persistence.replicas.tombstones import Tombstones

KIND: Final = "mirror"
"""The first word of the definitions of replicas."""

OPTIONS: Final = LogOptions(form=LogForm.MIRRORED)
"""Of the log of a replica that has no lanes."""


class ReplicaLogs(Protocol):
    """What is needed of ``persistence.store.Store``."""

    def new_replica_log(self, options: LogOptions, queue_id: int) -> ReplicaLog:
        """Return the log of a new replica, whose definition has this id."""


class Changes(Protocol):
    """What is needed of ``persistence.group_commit.GroupCommit``."""

    last_lsn: int

    def append_definition(self, change: bytes) -> int:
        """Append a change of the definitions, which is always synced; return its LSN."""


def is_of_cluster(key: Key) -> bool:
    """Return whether a definition is that of a replica, or what is left of one."""
    return key[:1] in {(KIND,), (TOMBSTONE,)}


def stored_numbers(definitions: Iterable[tuple[Key, bytes]]) -> dict[str, int]:
    """Return the numbers of the logs of replicas, by queue id; other definitions are left out."""
    return {queue_id: int(words[0]) for queue_id, words in _stored(definitions)}


def stored_options(definitions: Iterable[tuple[Key, bytes]]) -> dict[int, LogOptions]:
    """Return the options of these logs, by number: what a start knows before it opens the store."""
    return {int(words[0]): _options_of(*map(int, words[1:])) for _, words in _stored(definitions)}


def _stored(definitions: Iterable[tuple[Key, bytes]]) -> Iterator[tuple[str, list[bytes]]]:
    for key, value in definitions:
        if len(key) == 2 and key[0] == KIND:  # noqa: PLR2004
            yield key[1], value.split()


def _options_of(max_priority: int | None = None) -> LogOptions:
    return OPTIONS if max_priority is None else OPTIONS._replace(max_priority=max_priority)


class StoredReplicas:
    """A ``cluster.node.ports.NodeDisk``.

    Args:
        files: the data directory, locked.
        logs: makes logs.
        changes: takes definitions.
        numbers: of the logs of stored replicas, by queue id: ``stored_numbers``.
        found: what the start found of each number.
        new_number: returns a number that no log of this disk ever had.
        tombstones: of queues that are gone. A replica that is found beside its tombstone, as a
            crash came in the middle of its drop, is dropped now.
        wall_ms: the time of day, in ms since 1970.
    """

    def __init__(
        self,
        files: Files,
        logs: ReplicaLogs,
        changes: Changes,
        *,
        numbers: Mapping[str, int],
        found: Mapping[int, RecoveredReplica],
        new_number: Callable[[], int],
        tombstones: Tombstones,
        wall_ms: Callable[[], int],
    ) -> None:
        self._files = files
        self._logs = logs
        self._changes = changes
        self._new_number = new_number
        self._found: dict[str, RecoveredReplica] = {
            queue_id: found[number] for queue_id, number in numbers.items()
        }
        self._made: dict[str, ReplicaLog] = {}
        self._tombstones = tombstones
        self._wall_ms = wall_ms
        for queue_id in [each for each in self._found if each in tombstones]:
            self.drop_replica(queue_id, is_gone=True)

    def identity(self) -> KeptIdentity | None:
        """Return what the disk says of itself; see the port."""
        return read_identity(self._files)

    def keep_identity(self, kept: KeptIdentity) -> None:
        """Put it on the disk, synced."""
        write_identity(self._files, kept)

    def replicas(self) -> Mapping[str, ReplicaLog]:
        """Return the replicas that are whole."""
        stored = {queue_id: each.log for queue_id, each in self._found.items() if each.is_whole}
        return {**stored, **self._made}

    def lost_replicas(self) -> tuple[str, ...]:
        """Return of which queues a replica is known, but not whole."""
        return tuple(queue_id for queue_id, each in self._found.items() if not each.is_whole)

    def make_replica(self, queue_id: str, max_priority: int | None = None) -> ReplicaLog:
        """Return the log of a new replica; see the port."""
        assert queue_id not in self._made, "a queue has one replica on a node"
        assert queue_id not in self._found, "a queue has one replica on a node"
        number = self._new_number()
        value = str(number) if max_priority is None else f"{number} {max_priority}"
        self._changes.append_definition(encode_change((KIND, queue_id), value.encode()))
        options = _options_of(max_priority)
        made = self._made[queue_id] = self._logs.new_replica_log(options, number)
        return made

    def was_dropped(self, queue_id: str) -> bool:
        """Return whether a queue is gone of which this disk had a replica."""
        return queue_id in self._tombstones

    def drop_replica(self, queue_id: str, *, is_gone: bool) -> int:
        """Drop a replica, whole or not; return the LSN of the last of it."""
        found = self._found.pop(queue_id, None)
        log = self._made.pop(queue_id) if found is None else found.log
        deletion = encode_change((KIND, queue_id), None)
        if is_gone:
            wall_ms = self._wall_ms()
            return self._tombstones.drop(queue_id, log, deletion, self._changes, wall_ms)
        lsn = self._changes.append_definition(deletion)
        return lsn if log.is_dropped else log.drop()

    def last_lsn(self) -> int:
        """Return the LSN of all that was made or dropped so far."""
        return self._changes.last_lsn
