"""Group commit: the appends of a time are written together, and synced once.

    append, append, ...  ->  seal  ->  writer.write      ->  finish  ->  waiters
    loop                     loop      the fsync thread       loop       loop

Every append gets the next LSN. ``seal`` takes everything pending as a *group*, and at most one is
under way. So with a slower disk each group holds more.

This has no thread. The caller runs ``GroupWriter.write``, and touches nothing else of the group
meanwhile.
"""

from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final

from persistence.errors import is_shortage, shortage_of
from persistence.gathering import Source
from persistence.group_writing import (
    BatchLog,
    DefinitionsJournal,
    Group,
    GroupWriter,
    fatal,
)

AT_ONCE: Final = 0
"""The LSN for a caller that need not wait."""

GROUP_BYTES_MAX: Final = 16 << 20
"""Default size from which on a group takes no further operation. Later operations are in the next
group."""

SMALL_OPERATIONS_MAX: Final = 4
"""Most operations of a small group: those of one client, and an ack or two."""

SMALL_BYTES_MAX: Final = 64 << 10
"""Most bytes of a small group: the disk takes hardly longer for them than for one byte."""

UNLIMITED_BYTES: Final = 1 << 62


class GroupCommit:
    """The LSN, which is the one order of safety, and its waiters.

    Invariant: committed_lsn <= last_lsn, and neither ever falls.
    Invariant: waiters are called in the order of their LSNs.

    Args:
        wal: takes batches of operations.
        journal: takes changes of definitions.
        next_lsn: above every LSN ever given, also before a restart.
        group_bytes_max: from this size on a group takes no further operation.

    Attributes:
        writer: brings a sealed group to the disk.
        is_behind: more than the limit waits to be written; see ``limit_unwritten``.
    """

    is_one_log: Final = True
    """What a crash leaves is a prefix of the LSNs."""

    def __init__(
        self,
        wal: BatchLog,
        journal: DefinitionsJournal,
        next_lsn: int,
        *,
        group_bytes_max: int = GROUP_BYTES_MAX,
    ) -> None:
        self.writer = GroupWriter(wal, journal)
        self._group_bytes_max = group_bytes_max
        self.last_lsn = next_lsn - 1
        """The last LSN; an append without an LSN of its own is as safe as this one."""
        self.committed_lsn = self.last_lsn
        """Every append up to it is as safe as requested."""
        self._open = Group()
        self._full: deque[Group] = deque()
        self._under_way: Group | None = None
        self._waiters: deque[tuple[int, Callable[[], None]]] = deque()
        self.is_disk_full = False
        """Whether the group under way is kept until a shortage is over; see ``retry``."""
        self.shortage = ""
        """The resource that is short, while ``is_disk_full``."""
        self.is_behind = False
        self._unwritten_bytes_max = UNLIMITED_BYTES
        self._on_behind: Callable[[bool], None] = _ignore
        self.has_failed = False
        """Whether commits have ended for good."""
        self.has_unsynced = False
        """Whether operations were committed to the page cache only, with no sync since."""

    @property
    def unwritten_bytes(self) -> int:
        """How much memory waits to be written, the group under way included."""
        under_way_bytes = self._under_way.size_bytes if self._under_way is not None else 0
        full_bytes = sum([group.size_bytes for group in self._full])
        return under_way_bytes + full_bytes + self._open.size_bytes

    @property
    def writing_bytes(self) -> int:
        """How much the disk is taking now; 0: nothing, or it is full."""
        group = self._under_way
        return 0 if group is None or self.is_disk_full else group.size_bytes

    @property
    def needs_fsync(self) -> bool:
        """Whether a caller waits for the disk, for appends of which no group was made yet."""
        return self._open.fsync

    def is_small(self, max_bytes: int = SMALL_BYTES_MAX) -> bool:
        """Return whether everything pending is a small group that should not wait for a thread.

        Args:
            max_bytes: the most that counts as small.

        A caller waits for it, or it needs no sync. In the second case it has acks: a thread would
        be woken for them, and the next publish would have to wait for it.
        """
        group = self._open
        return (
            (bool(self._waiters) or not group.fsync)
            and self._under_way is None
            and not self._full
            and bool(group.parts or group.gathering)
            and group.size_bytes <= max_bytes
            and self.last_lsn - self.committed_lsn <= SMALL_OPERATIONS_MAX
            and not group.definitions
        )

    def append_operation(self, parts: Sequence[bytes | memoryview], *, fsync: bool) -> int:
        """Append an operation of the write-ahead log; return its LSN.

        Args:
            parts: its octets, a multiple of 8 in all; they must not change until committed.
            fsync: whether a caller may wait for the disk; otherwise the page cache is enough.
        """
        group = self._open
        group.put(parts)
        if fsync:
            group.fsync = True
        return self._number(group)

    def gather(self, source: Source, size_bytes: int, *, fsync: bool) -> int:
        """Note that a source has gathered more; return the LSN of all that it has in this group.

        The source hands it over when the group is sealed, which may be in this call.

        Args:
            source: already has what is noted here; compared by identity.
            size_bytes: what was added.
            fsync: as in ``append_operation``.
        """
        group = self._open
        group.size_bytes += size_bytes
        group.gathered_bytes += size_bytes
        if fsync:
            group.fsync = True
        lsn = group.gathering.get(source)
        if lsn is None:
            lsn = group.gathering[source] = self.last_lsn + 1
            return self._number(group)
        self._end_if_full(group)
        return lsn

    def append_definition(self, change: bytes) -> int:
        """Append a change of the definitions, which is always synced; return its LSN."""
        group = self._open
        group.definitions.append((self.last_lsn + 1, change))
        group.size_bytes += len(change)
        return self._number(group)

    def _number(self, group: Group) -> int:
        lsn = self.last_lsn = group.last_lsn = self.last_lsn + 1
        self._end_if_full(group)
        return lsn

    def _end_if_full(self, group: Group) -> None:
        if group.size_bytes >= self._group_bytes_max:
            self._full.append(group)
            self._open = Group()
            if group.gathering:
                group.end_gathering()
            if not self.is_behind and self.unwritten_bytes >= self._unwritten_bytes_max:
                self._set_behind(is_behind=True)

    def limit_unwritten(self, max_bytes: int, on_behind: Callable[[bool], None]) -> None:
        """Report when more than a limit waits for the disk, and when it is down to half of it.

        This is checked whenever a group is full, so one more group may wait.

        Args:
            max_bytes: the limit.
            on_behind: called with True within an append, and with False when a group is finished.
        """
        self._unwritten_bytes_max = max_bytes
        self._on_behind = on_behind

    def _set_behind(self, *, is_behind: bool) -> None:
        self.is_behind = is_behind
        self._on_behind(is_behind)

    def append_fsync(self) -> int:
        """Request that all earlier appends, of any class, are brought to the disk.

        Returns:
            An LSN: once it is committed, all earlier appends are on the disk.
        """
        self._open.fsync = True
        return self._number(self._open)

    def request_fsync(self) -> None:
        """Request a sync of the next group, with everything written before it.

        Acks do not wait for the disk. Regular calls limit how many a power cut can undo.
        """
        if self.has_unsynced or self._open.parts or self._open.gathering:
            self._open.fsync = True

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call once everything up to this LSN is committed; at once if it is already.

        It is called in the turn that finishes the group, and must not raise. After a failure it is
        never called.
        """
        assert lsn <= self.last_lsn, "nobody can wait for what was never appended"
        if lsn <= self.committed_lsn:
            call()
        elif not self._waiters or self._waiters[-1][0] <= lsn:
            self._waiters.append((lsn, call))
        else:
            insort(self._waiters, (lsn, call), key=itemgetter(0))

    def seal(self) -> Group | None:
        """Return the next group; None if nothing is pending, or a group is under way."""
        if self._under_way is not None or self.has_failed:
            return None
        if self._full:
            self._under_way = self._full.popleft()
        elif self._open.is_empty():
            return None
        else:
            self._open.last_lsn = self.last_lsn
            self._under_way = self._open
            self._open = Group()
            if self._under_way.gathering:
                self._under_way.end_gathering()
        return self._under_way

    def finish(self, group: Group, error: Exception | None) -> None:
        """Note the result of the group under way, and call its waiters.

        Args:
            group: the sealed group.
            error: the error of ``GroupWriter.write``, or None. At a shortage the group stays under
                way, ``is_disk_full`` is true, and ``retry`` returns the group.

        Raises:
            FatalStorageError: the node must stop; nothing was or will be committed any more.
        """
        assert group is self._under_way, "one group at a time"
        if isinstance(error, OSError) and is_shortage(error):
            self.is_disk_full = True
            self.shortage = shortage_of(error)
            return
        if error is not None:
            self.has_failed = True
            self._waiters.clear()
            raise fatal(error)
        self._under_way = None
        self.is_disk_full = False
        self.has_unsynced = not group.fsync and (
            self.has_unsynced or bool(group.parts or group.writes)
        )
        self.committed_lsn = group.last_lsn
        waiters = self._waiters
        while waiters and waiters[0][0] <= self.committed_lsn:
            waiters.popleft()[1]()
        if self.is_behind and self.unwritten_bytes <= self._unwritten_bytes_max // 2:
            self._set_behind(is_behind=False)

    def retry(self) -> Group | None:
        """Return the group that found no space, for another try; None if there is none."""
        return self._under_way if self.is_disk_full and not self.has_failed else None


def _ignore(_is_behind: bool) -> None:  # noqa: FBT001 -- as the callback's
    """Stand in for a listener to a slow disk."""
