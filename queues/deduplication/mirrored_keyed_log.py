"""The log of a mirrored queue that also knows which keys the messages in the queue have.

What is appended has its key at once, committed or not, so a duplicate waits for what it repeats.

A new leader reads the keys of what it begins with, in steps, and publishes wait until all are read.
Messages leave the queue meanwhile, and some go to the disk. So it notes what has left, and no
message twice.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from persistence.positions import ranges_of
from persistence.record import Run
from persistence.settled import PositionSet
from queues.commits import CommitPoint
from queues.deduplication.keyed_log import KeyedLog, KeyMemory
from queues.log_port import KeepingLog, QueueSlice, RecoveredMessages
from queues.ports import Job, Later, WakeUp

NOTED_PER_STEP: Final = 256
"""Keys that one step reads."""

ASK_DISK_AGAIN_MS: Final = 1_000
"""After a failed read the disk is asked again after this time (ms)."""


class MirroredKeyedLog(KeyedLog):
    """A ``queues.log_port.CommittedLog`` before another one.

    Attributes:
        ask_disk_at_ms: when to read on after a failed read (instant); None is never.
    """

    def __init__(
        self, log: KeepingLog, header: str, memory: KeyMemory, later: Later | None, wake_up: WakeUp
    ) -> None:
        """Begin with an empty queue, whose publishes wait for ``recover``.

        Args:
            log: of the queue.
            header: whose value is the key.
            memory: counts what the keys take.
            later: carries on long work; None does it at once.
            wake_up: asks the queue for a drain, and so for its next deadline.
        """
        super().__init__(log, header, memory, later)
        self._kept = log
        self._wake_up = wake_up
        self.ask_disk_at_ms: int | None = None
        # While keys are read: what has left the queue since.
        self._left: PositionSet | None = None
        self._unread: _Unread | None = None
        self._is_dropped = False
        log.keys_are_known = False

    def recover(self, found: RecoveredMessages) -> None:
        """Begin to read the keys of the messages that the new leader has."""
        self._left = PositionSet()
        self._unread = _Unread(self._kept, found)
        self.read_on()

    def read_on(self) -> None:
        """Carry on the reading: at its begin, and when the disk may be asked again."""
        self.ask_disk_at_ms = None
        job = _Reading(self)
        if self._later is not None:
            self._later(job)
            return
        while not job.step(0):
            pass

    def read_some(self, now_ms: int) -> bool:
        """Read some keys; return whether there is nothing to do now."""
        unread = self._unread
        if unread is None or self._kept.has_ended:
            return True
        try:
            read = unread.next()
        except OSError:
            self.ask_disk_at_ms = now_ms + ASK_DISK_AGAIN_MS
            self._wake_up()
            return True
        if read is not None:
            self._note_found(*read)
            return False
        self._left = self._unread = None
        self.forget_run()
        self._kept.keys_are_known = True
        self._kept.on_admitted()
        return True

    def _note_found(self, positions: Sequence[int], records: Run) -> None:
        """Note the keys of messages, without those that have left and those that were noted."""
        left, known = self._left, self._keys
        assert left is not None, "keys are read"
        there = [
            at
            for at, position in enumerate(positions)
            if position not in known and position not in left
        ]
        if len(there) == len(positions):
            self._note(positions, records)
        else:
            self._note([positions[at] for at in there], [records[at] for at in there])

    def free(self, positions: Sequence[int]) -> None:
        """Forget the keys of messages that leave the queue, also those not read yet."""
        if self._left is not None:
            for each in ranges_of(positions):
                self._left.add(each)
        super().free(positions)

    def step(self, now_ms: int) -> bool:
        """Free some keys; return whether all are free that have to be."""
        if self._kept.has_ended and not self._is_dropped:
            # What they took was counted off with the queue.
            self._freeing.clear()
            return True
        return super().step(now_ms)

    def drop(self) -> int:
        """Forget everything, because the queue is gone."""
        self._is_dropped = True
        self._unread = None
        return super().drop()

    @property
    def repeated_at(self) -> CommitPoint:
        """When all that was appended is safe."""
        return self._kept.last_point

    # -- as a log ---------------------------------------------------------------------------------

    @property
    def on_committed(self) -> Callable[[], None]:
        """See ``queues.log_port.CommittedLog``."""
        return self._kept.on_committed

    @on_committed.setter
    def on_committed(self, call: Callable[[], None]) -> None:
        self._kept.on_committed = call

    @property
    def committed_below(self) -> int:
        """Every message before this position is committed."""
        return self._kept.committed_below

    @property
    def may_deliver(self) -> bool:
        """Whether what is committed may be delivered now."""
        return self._kept.may_deliver

    def lags(self, now_ms: int) -> bool:
        """Return whether something waits too long for its commit."""
        return self._kept.lags(now_ms)


class _Reading(Job):
    """Reads keys in the turns to come."""

    __slots__ = ("_log",)

    def __init__(self, log: MirroredKeyedLog) -> None:
        self._log = log

    def step(self, now_ms: int) -> bool:
        return self._log.read_some(now_ms)


class _Unread:
    """Messages of a queue whose keys are not read: those in memory, then chunks of the others."""

    def __init__(self, log: KeepingLog, found: RecoveredMessages) -> None:
        self._log = log
        self._read = deque[QueueSlice](each for lane in found.lanes for each in lane.unstored)
        self._at = 0
        self._lanes = deque(lane.lane for lane in found.lanes if lane.stored_count)
        self._from, self._stop = 0, found.next_position

    def next(self) -> tuple[Sequence[int], Run] | None:
        """Return some messages with their positions; None when there are no more.

        Raises:
            OSError: the disk could not be read; the next call tries again.
        """
        while self._read or self._reads_chunk():
            each, start, stop = self._read[0], self._at, self._at + NOTED_PER_STEP
            if start < len(each.positions):
                self._at = stop
                return each.positions[start:stop], each.records[start:stop]
            self._read.popleft()
            self._at = 0
        return None

    def _reads_chunk(self) -> bool:
        """Read the next chunk; return whether there was one."""
        while self._lanes:
            read = self._log.read_back(self._lanes[0], self._from, self._stop).messages
            if read is not None:
                self._from = read.positions[-1] + 1
                self._read.append(read)
                return True
            self._lanes.popleft()
            self._from = 0
        return False
