"""The log of a queue that also knows which keys the messages in the queue have.

    append ─▶ the queue's log, then the keys of its messages are *present*
    settle ─▶ the queue's log; the keys are free
    die    ─▶ the key is free, though the message stays in the log until its copies are elsewhere

A key is known by the message that has it, so there is nothing to store: a restart reads the queue.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from persistence.record import PERSISTENT, Run
from queues.commits import SAFE_NOW, CommitGroup, CommitPoint, point_at
from queues.deduplication.message_key import KeyFinder
from queues.log_port import QueueLog, QueueReadBack, QueueSlice, RecoveredMessages
from queues.moves import Dying, Moves
from queues.ports import Later
from queues.tail import NodeMemory

KEYS_MAX: Final = 10_000_000
"""Keys of one queue; those of more messages are not known, so their duplicates come in."""

SHORT_BYTES_MAX: Final = 8 << 20
"""What the keys of a queue may take while the node is short of memory."""

KNOWN_BYTES: Final = 280
"""Memory of a key beside its octets, about."""

FREED_PER_STEP: Final = 4_096
"""Keys that one step frees; a purge may free any number."""

_POSITION_MAX: Final = 1 << 62


class KeyMemory(Protocol):
    """Counts what keys take."""

    @property
    def node(self) -> NodeMemory:
        """Counts it too."""

    @property
    def used_bytes(self) -> int:
        """What they take."""

    def add(self, more_bytes: int) -> None:
        """Count more, or less."""


class KeyedLog:
    """A ``QueueLog`` before another one.

    Attributes:
        duplicates_count: messages that were not taken, as their key was present.
    """

    def __init__(self, log: QueueLog, header: str, memory: KeyMemory, later: Later | None) -> None:
        """Begin with an empty queue.

        Args:
            log: of the queue.
            header: whose value is the key.
            memory: counts what the keys take.
            later: carries on the freeing of many keys; None frees them at once.
        """
        self._log = log
        self._find = KeyFinder(header).find
        self._memory = memory
        self._later = later
        # Position, twice, and one more if the message is persistent.
        self._marks: dict[bytes, int] = {}
        # Where a persistent message came beside a transient one: those of the messages before.
        self._earlier: dict[bytes, list[int]] = {}
        self._keys: dict[int, bytes] = {}
        self._found: dict[bytes, bytes | None] = {}
        self._freeing: list[range] = []
        self._found_in: Run | None = None
        self._last_lsn = 0
        self.duplicates_count = 0

    # -- keys -------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many keys are known."""
        return len(self._keys)

    @property
    def memory_bytes(self) -> int:
        """What they take, about."""
        return self._memory.used_bytes

    def keys_of(self, run: Run) -> list[bytes | None]:
        """Return the key of each message, which are about to be appended; None has none."""
        find, found = self._find, self._found
        if run is not self._found_in:
            found.clear()
            self._found_in = run
        keys: list[bytes | None] = []
        for record in run:
            header = record.header
            if header not in found:
                found[header] = find(header).key
            keys.append(found[header])
        return keys

    def forget_run(self) -> None:
        """The run whose keys were asked for is published: forget it."""
        self._found.clear()
        self._found_in = None

    @property
    def repeated_at(self) -> CommitPoint:
        """When each message that has a key is safe, and so what a duplicate repeats."""
        if self._last_lsn <= self._log.committed_lsn:
            return SAFE_NOW
        return point_at(self._log.commit_group, self._last_lsn)

    def is_present(self, key: bytes, persistent: int) -> bool:
        """Whether a message in the queue has this key, and is as safe as the new one.

        Args:
            key: of a message.
            persistent: 1 if it is, otherwise 0.
        """
        mark = self._marks.get(key)
        if mark is None or mark & 1 < persistent:
            return False
        return not any([mark >> 1 in positions for positions in self._freeing])

    def recover(self, found: RecoveredMessages) -> None:
        """Read the keys of the messages that a restart found; must be the first call."""
        for lane in found.lanes:
            read = self._log.read_back(lane.lane, 0, _POSITION_MAX).messages
            while read is not None:
                self._note(read.positions, read.records)
                after = read.positions[-1] + 1
                read = self._log.read_back(lane.lane, after, _POSITION_MAX).messages
            for each in lane.unstored:
                self._note(each.positions, each.records)
        self._found.clear()

    def free(self, positions: Sequence[int]) -> None:
        """Forget the keys of messages that leave the queue."""
        if not self._keys:
            return
        if len(positions) <= FREED_PER_STEP or self._later is None:
            self._free(positions)
        elif isinstance(positions, range):
            self._freeing.append(positions)
            if len(self._freeing) == 1:
                self._later(self)
        else:
            for start in range(0, len(positions), FREED_PER_STEP):
                self._free(positions[start : start + FREED_PER_STEP])

    def step(self, _now_ms: int) -> bool:
        """Free some keys; return whether all are free that have to be."""
        positions = self._freeing[0]
        self._free(positions[:FREED_PER_STEP])
        if len(positions) > FREED_PER_STEP and self._keys:
            self._freeing[0] = positions[FREED_PER_STEP:]
        else:
            del self._freeing[0]
        return not self._freeing

    # -- as a log ---------------------------------------------------------------------------------

    @property
    def commit_group(self) -> CommitGroup:
        """That of the log."""
        return self._log.commit_group

    @property
    def committed_lsn(self) -> int:
        """Everything appended up to this LSN is safe."""
        return self._log.committed_lsn

    @property
    def read_back_count(self) -> int:
        """How many chunks were read back so far."""
        return self._log.read_back_count

    def append(self, first_position: int, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        """Append to the log, then note the keys."""
        lsn = self._log.append(first_position, run, expires_at_ms)
        if self._note(range(first_position, first_position + len(run)), run):
            self._last_lsn = lsn or self._last_lsn
        return lsn

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Set the promise for appends from now on."""
        self._log.set_fsynced(is_fsynced=is_fsynced)

    def settle(self, positions: range, *, is_promised: bool = False) -> int:
        """Settle in the log; the keys are free."""
        lsn = self._log.settle(positions, is_promised=is_promised)
        self.free(positions)
        return lsn

    def requeued(self, positions: range, delivery_count: int) -> int:
        """Record how often these positions were requeued; their keys stay present."""
        return self._log.requeued(positions, delivery_count)

    def spill(
        self, lane: int, slices: Sequence[QueueSlice], *, among_unacked: bool = False
    ) -> bool:
        """Store messages; their keys stay in memory."""
        return self._log.spill(lane, slices, among_unacked=among_unacked)

    def read_back(self, lane: int, from_position: int, stop_position: int) -> QueueReadBack:
        """Return the next stored messages; the keys of those that are lost are free."""
        found = self._log.read_back(lane, from_position, stop_position)
        if found.lost_count:
            stop = stop_position if found.messages is None else found.messages.positions[0]
            self._free([at for at in self._keys if from_position <= at < stop])
        return found

    def drop(self) -> int:
        """Forget everything, because the queue is gone."""
        lsn = self._log.drop()
        if self._keys:
            self.free(range(min(self._keys), max(self._keys) + 1))
        return lsn

    # -- inside -----------------------------------------------------------------------------------

    def _note(self, positions: Sequence[int], run: Run) -> bool:
        """Note the keys of messages; return whether any has one."""
        marks, keys, found = self._marks, self._keys, self._found
        is_keyed = False
        added_bytes = 0
        for position, record in zip(positions, run, strict=True):
            header = record.header
            key = found[header] if header in found else self._find(header).key
            if key is None:
                continue
            is_keyed = True
            if self._is_full:
                continue
            mark = position << 1 | record.flags & PERSISTENT
            if key in marks:
                # A restart finds messages by lanes, and stored ones beside others.
                self._earlier.setdefault(key, []).append(min(mark, marks[key]))
                mark = max(mark, marks[key])
            marks[key] = mark
            keys[position] = key
            added_bytes += len(key) + KNOWN_BYTES
        self._memory.add(added_bytes)
        return is_keyed

    @property
    def _is_full(self) -> bool:
        memory = self._memory
        if len(self._keys) >= KEYS_MAX:
            return True
        return memory.node.is_short and memory.used_bytes > SHORT_BYTES_MAX

    def _free(self, positions: Sequence[int]) -> None:
        marks, keys = self._marks, self._keys
        freed_bytes = 0
        if len(positions) > len(keys):
            positions = [at for at in keys if at in positions]
        for position in positions:
            key = keys.pop(position, None)
            if key is not None:
                freed_bytes += len(key) + KNOWN_BYTES
                if key in self._earlier:
                    self._free_one_of_several(key, position)
                else:
                    del marks[key]
        self._memory.add(-freed_bytes)

    def _free_one_of_several(self, key: bytes, position: int) -> None:
        present = [*self._earlier.pop(key), self._marks.pop(key)]
        present = sorted([mark for mark in present if mark >> 1 != position])
        if present:
            self._marks[key] = present.pop()
        if present:
            self._earlier[key] = present


class FreeingMoves(Moves):
    """Messages of a queue that died; their keys are free, so that a copy may come back at once."""

    __slots__ = ("_log",)

    def __init__(self, log: KeyedLog) -> None:
        super().__init__()
        self._log = log

    def add(self, dying: Dying) -> None:
        """Put messages behind the others."""
        self._log.free(dying.positions)
        super().add(dying)
