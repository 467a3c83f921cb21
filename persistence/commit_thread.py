"""The threads that wait for the disk, and the loop's side of them.

    pump() ── seal ─┬─ one write into the file that is there, a sync ── DiskWriter ─┬─ finish, seal
                    └─ more than that: a file to begin, definitions ─── Worker ─────┘
    begin_here() ── seal ── one write into the file that is there ─┬─ end_here(): a sync ── finish
                                                                   └─ end_on_thread() ── as above

Most groups are a single write, and this has a thread of its own. No checkpoint delays it. With the
kernel, a busy loop that holds the interpreter lock does not delay it either. Only one group is
under way at a time, on either thread or on the loop.

On the loop, write and sync are two calls. With the kernel the disk begins to work after the first,
and the loop does something else before it waits.

``DiskWriter`` is the interpreted twin, and the specification, of that in
``persistence._commit_thread``.
"""

from collections.abc import Callable, Sequence
from errno import EIO
from queue import SimpleQueue
from threading import Thread
from typing import Protocol, TypeAlias

from persistence.errors import FatalStorageError
from persistence.files import File, Octets
from persistence.group_commit import GroupCommit
from persistence.group_writing import Group, PlannedWrite, write_error
from persistence.kernels import COMPILED

Done: TypeAlias = Callable[[int, bool], None]
"""Takes an errno, 0 for none, and whether it was the sync that failed."""


class Loop(Protocol):
    """The port that this needs of the event loop."""

    def call_soon_threadsafe(self, callback: Callable[..., object], *arguments: object) -> object:
        """Call on the loop's thread, in another turn; only this may be used by other threads."""

    def add_reader(self, descriptor: int, callback: Callable[..., object]) -> object:
        """Call whenever this can be read."""

    def remove_reader(self, descriptor: int) -> object:
        """Stop these calls."""


class DiskWriter:
    """Writes and syncs on a thread of its own, one job at a time.

    Args:
        loop: calls ``done``.
        done: gets the result of a job.
    """

    def __init__(self, loop: Loop, done: Done) -> None:
        self._worker = Worker(loop, "haremq-commit")
        self._done = done

    def takes(self, file: File) -> bool:  # noqa: ARG002 - the kernel's signature
        """Return whether it can write to this file; the kernel needs a file of the system."""
        return True

    def start(self, file: File, position: int, parts: Sequence[Octets], fsync: bool) -> None:  # noqa: FBT001
        """Begin to write all parts at a position, and to sync behind it.

        The parts must not change until ``done`` is called.
        """
        progress: list[str] = []

        def work() -> None:
            file.write_at(position, parts)
            progress.append("written")
            if fsync:
                file.fsync()

        def ended(error: Exception | None) -> None:
            error_number = 0
            if error is not None:
                error_number = error.errno or EIO if isinstance(error, OSError) else EIO
            self._done(error_number, bool(error_number and progress))

        self._worker.submit(work, ended)

    def begin_fsync(self, file: File, position: int) -> None:
        """Have the disk begin to write what is behind a position, without waiting for it.

        A hint, which the kernel gives to the system. Nothing is safe before a sync.
        """

    def stop(self) -> None:
        """Wait for the job under way, report it, and end the thread."""
        self._worker.stop()


class Worker:
    """Carries out jobs on a thread, in order.

    Args:
        loop: calls the second function of a job.
        name: of the thread.
    """

    def __init__(self, loop: Loop, name: str) -> None:
        self._loop = loop
        self._jobs: SimpleQueue[tuple[Callable[[], None], Callable[[], None]] | None] = (
            SimpleQueue()
        )
        self._unreported: list[Callable[[], None]] = []
        self._thread: Thread | None = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], None], ended: Callable[[Exception | None], None]) -> None:
        """Carry out on the thread, then call on the loop with its error, or None."""
        raised: list[Exception] = []

        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is, the loop must hear of it
                raised.append(error)

        def report() -> None:
            if report in self._unreported:
                self._unreported.remove(report)
                ended(raised[0] if raised else None)

        self._unreported.append(report)
        self._jobs.put((guarded, report))

    def stop(self) -> None:
        """Wait for all submitted jobs, report them in this call, and end the thread."""
        if self._thread is None:
            return
        self._jobs.put(None)
        self._thread.join()
        self._thread = None
        for report in list(self._unreported):
            report()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, report = job
            work()
            self._loop.call_soon_threadsafe(report)


class CommitThread:
    """Carries groups out, one after the other, as long as there are any.

    Args:
        commit: has the pending operations, and their waiters.
        loop: the event loop that everything else runs on.
        committed: called after each group, when its waiters have been called.
        disk_full: called when a group found no space; ``retry`` must be called later.
        failed: called once, when the node must stop; nothing is committed any more.
    """

    def __init__(
        self,
        commit: GroupCommit,
        loop: Loop,
        committed: Callable[[], None],
        disk_full: Callable[[], None],
        failed: Callable[[FatalStorageError], None],
    ) -> None:
        self._commit = commit
        self._committed = committed
        self._disk_full = disk_full
        self._failed = failed
        self._group: Group | None = None
        self._write: PlannedWrite | None = None
        self._is_begun_here = False
        self._is_stopping = False
        self._worker = Worker(loop, "haremq-storage")
        self._writer = DiskWriter(loop, self._written)

    def pump(self) -> bool:
        """Carry out everything pending, unless a group is under way; return whether one begins."""
        if self._may_begin() and (group := self._commit.seal()) is not None:
            self._begin(group)
            return True
        return False

    def begin_here(self) -> bool:
        """Write everything pending in this call, but do not sync it.

        Nothing happens while a group is under way. A group of several writes goes to a thread.

        Returns:
            Whether ``end_here`` or ``end_on_thread`` must follow; if not, the loop has no group.
        """
        if not self._may_begin() or (group := self._commit.seal()) is None:
            return False
        write = self._commit.writer.plan(group)
        if write is None:
            self._begin(group)
            return False
        self._group, self._write = group, write
        error_number = _write(write.file, write.position, write.parts)
        if error_number or not group.fsync:
            self._note(error_number, failed_in_fsync=False)
            return False
        if self._writer.takes(write.file):
            self._writer.begin_fsync(write.file, write.position)
        self._is_begun_here = True
        return True

    def end_here(self) -> None:
        """Sync what ``begin_here`` wrote in this call, which waits for the disk.

        What was appended meanwhile stays pending.
        """
        write = self._begun_here()
        error_number = _fsync(write.file)
        self._note(error_number, failed_in_fsync=bool(error_number))

    def end_on_thread(self) -> None:
        """Sync what ``begin_here`` wrote on the thread."""
        write = self._begun_here()
        if self._writer.takes(write.file):
            self._writer.start(write.file, write.position, (), True)  # noqa: FBT003 - it is to sync
        else:
            error_number = _fsync(write.file)
            self._written(error_number, bool(error_number))

    def _begun_here(self) -> PlannedWrite:
        assert self._is_begun_here, "begin_here said so, and neither end was called yet"
        assert self._write is not None, "it was written"
        self._is_begun_here = False
        return self._write

    def retry(self) -> None:
        """Try the group that found no space again; nothing happens if there is none."""
        if self._may_begin() and (group := self._commit.retry()) is not None:
            self._begin(group)

    def call(self, work: Callable[[], None], ended: Callable[[Exception | None], None]) -> None:
        """Do other work that waits for the disk; groups overtake it where they can.

        Args:
            work: called on a thread.
            ended: called on the loop, with the error of ``work``, or None.
        """
        self._worker.submit(work, ended)

    def stop(self) -> None:
        """Commit everything pending, then end the threads; ``committed`` is still called.

        A group that found no space is not tried again, and everything behind it stays unwritten.
        """
        self._is_stopping = True
        if self._is_begun_here:
            self.end_here()
        self._worker.stop()
        self._writer.stop()
        while self._group is None and (group := self._commit.seal()) is not None:
            self._group = group
            try:
                self._commit.writer.write(group)
            except (OSError, FatalStorageError) as error:
                self._ended(error)
                return
            self._ended(None)

    def _may_begin(self) -> bool:
        return self._group is None and not self._is_stopping

    def _begin(self, group: Group) -> None:
        self._group = group
        write = self._write = self._commit.writer.plan(group)
        if write is not None and self._writer.takes(write.file):
            self._writer.start(write.file, write.position, write.parts, group.fsync)
        else:
            self._worker.submit(lambda: self._commit.writer.write(group), self._ended_on_worker)

    def _written(self, error_number: int, failed_in_fsync: bool) -> None:  # noqa: FBT001
        """The writer's report."""
        self._note(error_number, failed_in_fsync=failed_in_fsync)
        self.pump()

    def _note(self, error_number: int, *, failed_in_fsync: bool) -> None:
        """Finish the group that was a single write."""
        write, self._write = self._write, None
        assert self._group is not None, "it was given a group"
        assert write is not None, "and what the group comes to"
        if error_number:
            self._ended(write_error(error_number, in_fsync=failed_in_fsync))
        else:
            self._commit.writer.note_written(self._group, write)
            self._ended(None)

    def _ended_on_worker(self, error: Exception | None) -> None:
        self._ended(error)
        self.pump()

    def _ended(self, error: Exception | None) -> None:
        group, self._group = self._group, None
        assert group is not None, "a group was under way"
        try:
            self._commit.finish(group, error)
        except FatalStorageError as fatal:
            self._failed(fatal)
            return
        if self._commit.is_disk_full:
            self._disk_full()
        else:
            self._committed()


def _write(file: File, position: int, parts: Sequence[Octets]) -> int:
    """Write in this call; return an errno, 0 for none."""
    try:
        file.write_at(position, parts)
    except OSError as error:
        return error.errno or EIO
    return 0


def _fsync(file: File) -> int:
    """Sync in this call; return an errno, 0 for none."""
    try:
        file.fsync()
    except OSError as error:
        return error.errno or EIO
    return 0


if COMPILED:
    from persistence import _commit_thread  # type: ignore[attr-defined]

    DiskWriter = _commit_thread.DiskWriter  # type: ignore[misc]
