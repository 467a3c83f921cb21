"""The disk's side of the loop: commits at the end of turns, checkpoints in steps, a second look.

    a turn ends            what was appended becomes a group, unless one is under way
    a group is committed   its waiters are called, and write; later appends are the next group
    a file of the log ends a checkpoint: steps on the loop, parts on the thread, one by one
    every second           unsynced acks are synced, writes without room are tried again
    no room for a write    the disk alarm: publishers wait until there is room for all of them;
                           no free descriptor or no kernel memory has the same effect

A failed sync ends the node, because the content of the disk is not known any more. From then on
nothing is confirmed as safe.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Final, Literal

from amqp_server.net.disk_monitor import DiskMonitor
from amqp_server.net.loop_commit import LoopCommit
from amqp_server.net.timers import NowMs, now_ms
from persistence.commit_thread import CommitThread
from persistence.errors import FatalStorageError, is_shortage
from persistence.group_commit import GroupCommit
from persistence.store import Checkpoint, Store
from persistence.wal import Wal

log = logging.getLogger(__name__)

CHECKPOINT_LOOK_MS: Final = 1_000
"""How often to check whether a checkpoint would free anything."""


class Refused(Enum):
    """Work that the disk had no room for; each kind is tried again in its own way."""

    COMMIT = auto()
    CHECKPOINT = auto()
    SPILL = auto()


class Storage:
    """Drives a node's disk from its loop; a ``Timed``.

    Attributes:
        failure: why nothing is committed any more; None as long as the disk works.

    Invariant: at most one checkpoint is being made.
    Invariant: the alarm is on as long as any write is refused.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        commit: GroupCommit,
        wal: Wal,
        store: Store,
        monitor: DiskMonitor,
        *,
        on_failure: Callable[[], None],
        settled_sync_interval_ms: int = CHECKPOINT_LOOK_MS,
        clock: NowMs = now_ms,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        """Start the threads that wait for the disk.

        Args:
            loop: the loop that everything here is called on.
            commit: of the node.
            wal: the log that it writes to.
            store: the queues in it.
            monitor: told about a full disk before it measures one.
            on_failure: called once, when the node must stop.
            settled_sync_interval_ms: longest time until writes without a waiter are synced.
            clock: monotonic, in ms.
            clock_ns: the same, in ns.
        """
        self._loop = loop
        self._commit = commit
        self._wal = wal
        self._store = store
        self._monitor = monitor
        self._on_failure = on_failure
        self._interval_ms = min(settled_sync_interval_ms, CHECKPOINT_LOOK_MS)
        self._clock = clock
        self._due_ms = clock() + self._interval_ms
        self._wal_number = wal.number
        self._is_checkpointing = False
        self._is_stopping = False
        self._refused: set[Refused] = set()
        self._is_trying_room = False
        store.on_disk_full = self._spill_refused
        self.failure: FatalStorageError | None = None
        self._thread = CommitThread(commit, loop, self._committed, self._disk_full, self._failed)
        self._loop_commit = LoopCommit(loop, commit, self._thread, clock_ns)
        self.input_ended = self._loop_commit.input_ended
        self.turn_ended = self._loop_commit.turn_ended

    def on_waited(self, call: Callable[[], None]) -> None:
        """Call this whenever the loop has waited for the disk, so that confirms leave at once."""
        self._loop_commit.on_waited = call

    # ── the loop's timers ──

    def next_deadline_ms(self) -> int | None:
        """Return when to look at the disk again."""
        return None if self._is_stopping or self.failure is not None else self._due_ms

    def on_deadline(self, now_ms: int) -> None:
        """Sync writes without a waiter, try refused ones again, begin a checkpoint if due."""
        self._due_ms = now_ms + self._interval_ms
        if self._commit.is_disk_full:
            self._thread.retry()
            return
        self._commit.request_fsync()
        self._thread.pump()
        if self._store.witness.is_behind:
            self._thread.call(self._store.witness.write, _ignore)
        self._begin_checkpoint_if_due()
        self._try_room_if_refused()

    # ── reports of the threads ──

    def _committed(self) -> None:
        self._loop_commit.committed()
        self._release(Refused.COMMIT)
        if self._wal.number != self._wal_number:
            self._wal_number = self._wal.number
            self._begin_checkpoint_if_due()

    def _disk_full(self) -> None:
        log.error("%s: nothing is confirmed until that has passed", self._commit.shortage)
        self._trip(Refused.COMMIT)

    def _failed(self, error: FatalStorageError) -> None:
        log.critical("the disk failed, the node stops: %s", error)
        self.failure = error
        self._on_failure()

    # ── no room ──

    def _spill_refused(self) -> None:
        """Trip the alarm, but not within an operation of a queue, because it calls connections."""
        if Refused.SPILL not in self._refused:
            self._refused.add(Refused.SPILL)
            self._loop.call_soon(self._trip, Refused.SPILL)

    def _trip(self, what: Refused) -> None:
        self._refused.add(what)
        self._monitor.trip(self._clock())

    def _release(self, what: Refused) -> None:
        if what in self._refused:
            self._refused.remove(what)
            if not self._refused:
                self._monitor.release(self._clock())

    def _try_room_if_refused(self) -> None:
        """Check for room: commits may work without it, as their files have their length already."""
        if self._refused and not self._is_trying_room:
            self._is_trying_room = True
            self._thread.call(self._store.try_room, self._room_tried)

    def _room_tried(self, error: Exception | None) -> None:
        self._is_trying_room = False
        if error is not None:
            return
        self._release(Refused.SPILL)
        if not self._is_checkpointing and not self._store.checkpoint_is_due():
            self._release(Refused.CHECKPOINT)  # Its room is not needed any more.

    # ── checkpoints ──

    def _begin_checkpoint_if_due(self) -> None:
        if self._is_checkpointing or self._is_stopping:
            return
        if not self._store.checkpoint_is_due(is_short=self._monitor.is_low):
            return
        self._is_checkpointing = True
        self._loop.call_soon(self._step, self._store.begin_checkpoint())

    def _step(self, checkpoint: Checkpoint) -> None:
        """Do a part of the loop's work; the next part comes after the turns of others."""
        if self._is_stopping or self.failure is not None:
            return
        try:
            is_last = self._store.step(checkpoint)
        except OSError as error:
            self._end_checkpoint(checkpoint, error)
            return
        if not is_last:
            self._loop.call_soon(self._step, checkpoint)
            return
        self._commit.wait(
            checkpoint.snapshot.lsn,
            lambda: self._persist(checkpoint, self._store.persist(checkpoint)),
        )
        self._thread.pump()

    def _persist(self, checkpoint: Checkpoint, parts: Iterator[Literal[False]]) -> None:
        """Do the next part on the thread; groups may go in between."""
        if self._is_stopping:
            return
        done: list[bool] = []

        def ended(error: Exception | None) -> None:
            if error is not None or done[0]:
                self._end_checkpoint(checkpoint, error)
            else:
                self._persist(checkpoint, parts)

        self._thread.call(lambda: done.append(next(parts, True)), ended)

    def _end_checkpoint(self, checkpoint: Checkpoint, error: Exception | None) -> None:
        self._is_checkpointing = False
        try:
            self._store.finish(checkpoint, error)
        except FatalStorageError as fatal:
            self._failed(fatal)
            return
        if error is None:
            self._release(Refused.CHECKPOINT)
        elif isinstance(error, OSError) and is_shortage(error):
            self._trip(Refused.CHECKPOINT)

    # ── the end ──

    def stop(self) -> None:
        """Commit everything pending, and write a checkpoint for the next start.

        Called when no connection is left. After a failure nothing is written any more, and the
        next start recovers as after a crash.
        """
        self._is_stopping = True
        if self.failure is None:
            self._commit.request_fsync()
        self._thread.stop()
        if self.failure is not None or self._commit.is_disk_full:
            return
        if self._is_checkpointing:
            log.info("stopped within a checkpoint: the next start replays the log")
            return
        try:
            self._last_checkpoint()
        except (OSError, FatalStorageError) as error:
            log.warning("no checkpoint at the end, the next start replays the log: %s", error)

    def _last_checkpoint(self) -> None:
        checkpoint = self._store.begin_checkpoint()
        while not self._store.step(checkpoint):
            pass
        while (group := self._commit.seal()) is not None:
            self._commit.writer.write(group)
            self._commit.finish(group, None)
        for _ in self._store.persist(checkpoint):
            pass
        self._store.finish(checkpoint, None)
        self._store.mark_clean_stop(checkpoint)


def _ignore(_error: Exception | None) -> None:
    """Ignore the result of work that has no waiter."""
