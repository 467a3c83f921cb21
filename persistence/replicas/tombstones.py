"""Queues whose replica was dropped on this disk, so that nothing makes it again, empty.

An empty replica of a queue that had messages here would answer for what it has lost (R3). A note of
the metadata store that comes late, or a restart in the middle of a drop, must not bring that about.
A queue's id is never given again. So a tombstone says no more than: this id has had its time here.

    tombstone ─▶ deletion of the definition ─▶ drop of the log        one order, by the group commit

A crash leaves a replica, with a tombstone or without, or a tombstone alone. A start drops what has
both. Tombstones are definitions, and are bounded: the eldest go.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol, TypeAlias

from persistence.definitions_format import Key, encode_change
from persistence.replicas.log import ReplicaLog

KIND: Final = "mirror tombstone"
"""The first word of their definitions; the second is the id of the queue."""

TOMBSTONES_MAX: Final = 20_000
"""With more of them the eldest go, whatever their age."""

KEPT_MS: Final = 7 * 24 * 3_600_000
"""They go after this time; no link, and no copy of the metadata store, is that late."""

EncodeTombstone: TypeAlias = Callable[[str, int | None], bytes]
"""Returns the change that puts a tombstone of this instant; None deletes it."""


class Changes(Protocol):
    """What is needed of ``persistence.group_commit.GroupCommit``."""

    def append_definition(self, change: bytes) -> int:
        """Append a change of the definitions, which is always synced; return its LSN."""


def stored_tombstones(definitions: Iterable[tuple[Key, bytes]]) -> dict[str, int]:
    """Return when replicas were dropped, by queue; other definitions are left out."""
    return {
        key[1]: int(value)
        for key, value in definitions
        if len(key) == 2 and key[0] == KIND  # noqa: PLR2004
    }


def tombstone_change(queue: str, dropped_at_ms: int | None) -> bytes:
    """Return the change of the definitions for a tombstone; None deletes it."""
    value = None if dropped_at_ms is None else str(dropped_at_ms).encode()
    return encode_change((KIND, queue), value)


class Tombstones:
    """The tombstones of a disk.

    Args:
        stored: when replicas were dropped (ms since 1970), by queue: ``stored_tombstones``.
        encode: makes changes of them.
        count_max: so many at most.
    """

    def __init__(
        self,
        stored: Mapping[str, int],
        *,
        encode: EncodeTombstone = tombstone_change,
        count_max: int = TOMBSTONES_MAX,
    ) -> None:
        self._at_ms = dict(sorted(stored.items(), key=lambda row: row[1]))
        self._encode = encode
        self._count_max = count_max

    def __contains__(self, queue: str) -> bool:
        """Return whether a replica of this queue was dropped here: make none again."""
        return queue in self._at_ms

    def __len__(self) -> int:
        return len(self._at_ms)

    def drop(
        self, queue: str, log: ReplicaLog, deletion: bytes, changes: Changes, now_ms: int
    ) -> int:
        """Drop a replica, and leave a tombstone; return the LSN of the last of it.

        Args:
            queue: its id in the cluster.
            log: the replica; a start that finds it beside its tombstone calls this once more.
            deletion: the change that deletes the replica's definition.
            changes: takes definitions.
            now_ms: the time of day, ms since 1970.
        """
        if queue not in self._at_ms:
            self._at_ms[queue] = now_ms
            changes.append_definition(self._encode(queue, now_ms))
        lsn = changes.append_definition(deletion)
        if not log.is_dropped:
            lsn = log.drop()
        self._forget_the_eldest(changes, now_ms)
        return lsn

    def _forget_the_eldest(self, changes: Changes, now_ms: int) -> None:
        at_ms = self._at_ms
        while at_ms:
            eldest = next(iter(at_ms))
            if len(at_ms) <= self._count_max and now_ms - at_ms[eldest] < KEPT_MS:
                return
            del at_ms[eldest]
            changes.append_definition(self._encode(eldest, None))
