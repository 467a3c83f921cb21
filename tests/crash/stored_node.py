"""A node's storage on a disk in memory, and what a naive model says must be there after a crash."""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from persistence.errors import StorageError
from persistence.files import Files
from persistence.group_commit import GROUP_BYTES_MAX, GroupCommit
from persistence.group_writing import Group
from persistence.log import Log
from persistence.log_form import LogForm
from persistence.log_making import StoreLimits
from persistence.log_state import LogOptions
from persistence.opening import OpenedStore, open_store
from persistence.queue_recovery import RecoveredQueue
from persistence.record import Record
from persistence.slices import Slice
from persistence.wal import Wal
from persistence.wal_replay import next_lsn_after
from persistence.witness import Seen, StoredWitness, Witness
from tests.support.commit import carry_out

NODE_ID: Final = "00c0ffee" * 4
JOURNAL_PATH: Final = "definitions"
WAL_FILE_BYTES: Final = 6_144
LIMITS: Final = StoreLimits(segment_size_bytes=2_048, unneeded_bytes_max=4_096)

_STREAM: Final = -2
"""Stands for the priority of a stream."""

_MIRRORED: Final = -3
"""Stands for that of a replica of a mirrored queue."""

_TOMBSTONE: Final = -4
"""Stands for that of a queue whose replica was dropped."""

_MIRRORED_LANES: Final = -5
"""Less its maximum priority it stands for a replica of a priority queue."""

_FORMS: Final = {_STREAM: LogForm.STREAM, _MIRRORED: LogForm.MIRRORED}

_CHANGE: Final = struct.Struct("<Q?h")
_ROW: Final = struct.Struct("<QI")


class Journal:
    """Definitions of queues, one change behind the other; a ``DefinitionsJournal``."""

    def __init__(self, files: Files, witness: Witness) -> None:
        self._witness = witness
        is_new = not files.exists(JOURNAL_PATH)
        self._file = files.open(JOURNAL_PATH, create=True)
        if is_new:
            self._file.fsync()
            files.fsync_directory("")
        self.known: dict[int, LogOptions] = {}
        self.tombstones: set[int] = set()
        self.last_lsn = 0
        self._end = 0
        octets = self._file.read_at(0, self._file.size_bytes)
        row_bytes = _ROW.size + _CHANGE.size
        while len(row := octets[self._end : self._end + row_bytes]) == row_bytes:
            lsn, crc = _ROW.unpack_from(row)
            change = row[_ROW.size :]
            if zlib.crc32(change) != crc:
                break
            self.last_lsn = lsn
            self._take(change)
            self._end += row_bytes
        # What a killed process left may be in the page cache alone, and is believed from now on.
        self._file.fsync()

    def write(self, changes: Sequence[tuple[int, bytes]]) -> None:
        rows = [_ROW.pack(lsn, zlib.crc32(change)) + change for lsn, change in changes]
        self._file.write_at(self._end, b"".join(rows))
        self._end += sum(map(len, rows))
        self.last_lsn = changes[-1][0]

    def fsync(self) -> None:
        self._file.fsync()
        self._witness.note_definitions(self.last_lsn)

    def _take(self, change: bytes) -> None:
        queue_id, is_there, max_priority = _CHANGE.unpack(change)
        if max_priority == _TOMBSTONE:
            self.tombstones.add(queue_id)
        elif is_there:
            top = None if max_priority < 0 else max_priority
            form = _FORMS.get(max_priority, LogForm.QUEUE)
            if max_priority <= _MIRRORED_LANES:
                top, form = _MIRRORED_LANES - max_priority, LogForm.MIRRORED
            self.known[queue_id] = LogOptions(max_priority=top, form=form)
        else:
            self.known.pop(queue_id, None)


def change_of(queue_id: int, options: LogOptions | None) -> bytes:
    """Return a change of the definitions; None deletes the queue."""
    if options is None:
        return _CHANGE.pack(queue_id, False, -1)
    top = -1 if options.max_priority is None else options.max_priority
    if options.form is LogForm.STREAM:
        top = _STREAM
    if options.form is LogForm.MIRRORED:
        lanes = options.max_priority
        top = _MIRRORED if lanes is None else _MIRRORED_LANES - lanes
    return _CHANGE.pack(queue_id, True, top)


def tombstone_of(queue: str, dropped_at_ms: int | None) -> bytes:
    """Return a change of the definitions that puts a tombstone; no life lets one go."""
    assert dropped_at_ms is not None, "none is so old"
    return _CHANGE.pack(int(queue), True, _TOMBSTONE)


@dataclass(slots=True)
class Expected:
    """One message, as the model knows it; LSN 0 is what was safe before this life.

    Attributes:
        record: what was published.
        expires_at_ms: instant since 1970; 0 is never.
        lsn: of the append.
        settle_lsn: of the settlement; None while it has none.
        is_promised: whether its end is as safe as an append once that is committed.
        requeued: (LSN, delivery count) of each time it came back.
    """

    record: Record
    expires_at_ms: int
    lsn: int
    settle_lsn: int | None = None
    requeued: list[tuple[int, int]] = field(default_factory=list)
    is_promised: bool = False


@dataclass(slots=True)
class ExpectedQueue:
    """One queue, as the model knows it.

    Attributes:
        declare_lsn: of its definition; 0 if it was there before.
        delete_lsn: of its deletion; None while it has none.
        messages: persistent ones by position.
        transient: positions of the others that are not settled.
        classes: (LSN, whether what came after it was promised to be on disk), ascending.
    """

    log: Log
    declare_lsn: int = 0
    delete_lsn: int | None = None
    messages: dict[int, Expected] = field(default_factory=dict)
    transient: dict[int, Expected] = field(default_factory=dict)
    classes: list[tuple[int, bool]] = field(default_factory=lambda: [(-1, True)])

    def set_class(self, after_lsn: int, *, is_fsynced: bool) -> None:
        """Change the promise for appends after this LSN."""
        self.log.set_fsynced(is_fsynced=is_fsynced)
        self.classes.append((after_lsn, is_fsynced))

    def is_fsynced(self, lsn: int) -> bool:
        """Return whether an append was promised to be on disk once it was confirmed."""
        return [is_fsynced for after_lsn, is_fsynced in self.classes if after_lsn < lsn][-1]

    def unsettled(self) -> dict[int, Expected]:
        """Return all that is ready, transient ones too, by position."""
        live = {at: kept for at, kept in self.messages.items() if kept.settle_lsn is None}
        return dict(sorted({**live, **self.transient}.items()))


class StoredNode:
    """One life of a node: from an open to a crash."""

    def __init__(
        self,
        files: Files,
        new_salt: Callable[[], int],
        wall_offset_ms: int,
        group_bytes_max: int = GROUP_BYTES_MAX,
        limits: StoreLimits = LIMITS,
    ) -> None:
        self.wall_offset_ms = wall_offset_ms
        self.witness = witness = StoredWitness(files, NODE_ID)
        seen = witness.seen or Seen()
        journal = self.journal = Journal(files, witness)
        _require(journal.last_lsn >= seen.definitions_lsn, "nothing was seen that is not there")
        self.known = dict(journal.known)
        self.opened: OpenedStore = open_store(
            files, self.known, limits, lambda: self.wall_offset_ms, witness=witness
        )
        self.store = self.opened.store
        highest_lsn = max(self.opened.replay.highest_lsn, journal.last_lsn, *seen)
        next_lsn = next_lsn_after(highest_lsn)
        self.wal = Wal(files, WAL_FILE_BYTES, new_salt, self.opened.replay, next_lsn, witness)
        self.commit = GroupCommit(self.wal, journal, next_lsn, group_bytes_max=group_bytes_max)
        self.store.start(self.wal, self.commit)
        self.fsynced_lsn = self.commit.committed_lsn
        self.queues: dict[int, ExpectedQueue] = {}
        self._sealed: Group | None = None
        self.may_lose = False
        """Whether a power cut may leave gaps: of what a stream of class os writes directly."""

    def declare(self, options: LogOptions) -> ExpectedQueue:
        """Declare a queue: its definition comes before all else of it."""
        made = self.store.new_log(options)
        lsn = self.commit.append_definition(change_of(made.queue_id, options))
        assert made.queue_id not in self.queues, "an id is given once"
        queue = self.queues[made.queue_id] = ExpectedQueue(made, lsn)
        return queue

    def delete(self, queue: ExpectedQueue) -> None:
        """Delete a queue: first its definition, then its log."""
        queue.delete_lsn = self.commit.append_definition(change_of(queue.log.queue_id, None))
        queue.log.drop()

    def seal(self) -> None:
        """Seal a group, which ``commit_group`` carries out later."""
        self._sealed = self._sealed or self.commit.seal()

    def commit_group(self) -> bool:
        """Carry one group out, or try to; return whether there was one."""
        group = self.commit.retry() or self._sealed or self.commit.seal()
        self._sealed = None
        if group is None:
            return False
        try:
            carry_out(self.commit, group)
        except (OSError, StorageError) as error:
            self.commit.finish(group, error)
            return True
        if group.fsync:
            self.fsynced_lsn = group.last_lsn
            self.witness.write()
        self.commit.finish(group, None)
        return True


class BrokenPromiseError(AssertionError):
    """A restart did not find the promised data."""


def expect_promises_kept(
    before: StoredNode, after: StoredNode, *, power_was_lost: bool
) -> dict[int, ExpectedQueue]:
    """Compare what a restart found with what the life before it had promised.

    Returns:
        The queues of the new life.

    Raises:
        BrokenPromiseError: something is lost, unexpected, resurrected, out of order or miscounted.
    """
    report = after.opened.report
    may_lose = power_was_lost and before.may_lose
    _require(may_lose or not report.damages, f"nothing is damaged by a crash: {report.damages}")
    _require(may_lose or report.lost_count == 0, f"{report.lost_count} messages lost")
    committed = before.commit.committed_lsn
    found: dict[int, ExpectedQueue] = {}
    for queue_id, expected in before.queues.items():
        was_declared = expected.declare_lsn <= committed
        is_deleted = expected.delete_lsn is not None
        _require(queue_id in after.opened.queues or not was_declared or is_deleted, "queue lost")
    for queue_id, recovered in after.opened.queues.items():
        queue = before.queues.get(queue_id)
        if queue is None:
            raise BrokenPromiseError(f"queue {queue_id} was never declared")
        was_deleted = queue.delete_lsn is not None and queue.delete_lsn <= committed
        _require(not was_deleted, f"queue {queue_id} is back")
        found[queue_id] = _compare(queue, recovered, before, after, power_was_lost)
    return found


def _compare(
    queue: ExpectedQueue,
    recovered: RecoveredQueue,
    before: StoredNode,
    after: StoredNode,
    power_was_lost: bool,
) -> ExpectedQueue:
    committed = before.commit.committed_lsn
    on_disk = before.fsynced_lsn if power_was_lost else committed
    messages = messages_of(recovered, after.wall_offset_ms)
    kept: dict[int, Expected] = {}
    for position, (record, expires_at_ms) in messages.items():
        expected = queue.messages.get(position)
        where = f"position {position} of queue {recovered.log.queue_id}"
        if expected is None:
            raise BrokenPromiseError(f"unexpected: {where}: {record}")
        _require(record == expected.record, f"{where} is {record}, was {expected.record}")
        _require(expires_at_ms == expected.expires_at_ms, f"{where} expires another time")
        if (settle_lsn := expected.settle_lsn) is not None:
            is_synced = expected.is_promised and queue.is_fsynced(settle_lsn)
            is_settled = settle_lsn <= (committed if is_synced else on_disk)
            _require(not is_settled, f"{where} is resurrected")
        _check_requeued(expected, recovered.requeued.get(position, 0), on_disk, where)
        count = recovered.requeued.get(position, 0)
        requeued = [(0, count)] if count else []
        kept[position] = Expected(expected.record, expires_at_ms, 0, None, requeued)
    for position, expected in queue.messages.items():
        safe = committed if queue.is_fsynced(expected.lsn) else on_disk
        is_safe = expected.lsn <= safe and expected.settle_lsn is None
        _require(position in messages or not is_safe, f"lost: position {position}")
    _require(recovered.next_position > max(messages, default=-1), "a position would be given twice")
    _require(set(recovered.requeued) <= set(messages), "only what is there came back")
    after_restart = ExpectedQueue(recovered.log, messages=kept)
    after_restart.set_class(after.commit.last_lsn, is_fsynced=queue.classes[-1][1])
    return after_restart


def _check_requeued(expected: Expected, count: int, on_disk: int, where: str) -> None:
    least = max([noted for lsn, noted in expected.requeued if lsn <= on_disk], default=0)
    noted = {0, *[noted for _, noted in expected.requeued]}
    _require(count in noted and count >= least, f"{where} came back {count} times, not {least}")


def messages_of(recovered: RecoveredQueue, wall_offset_ms: int) -> dict[int, tuple[Record, int]]:
    """Return every message with its expiry since 1970, in order, as the counts promise."""
    found: dict[int, tuple[Record, int]] = {}
    for lane in recovered.lanes:
        slices = stored_slices(recovered.log, lane.lane)
        count = sum(len(each.positions) for each in slices)
        body_bytes = sum(len(record.body) for each in slices for record in each.records)
        _require(count == lane.stored_count, f"{count} stored, counted {lane.stored_count}")
        _require(body_bytes == lane.stored_body_bytes, "bytes are those of the stored messages")
        last = -1
        for each in [*slices, *lane.unstored]:
            expires = each.expires_at_ms
            instants = [expires] * len(each.positions) if isinstance(expires, int) else expires
            for position, record, at in zip(each.positions, each.records, instants, strict=True):
                _require(position > last, f"position {position} comes after {last}")
                last = position
                found[position] = (record, at and at + wall_offset_ms)
    return found


def stored_slices(log: Log, lane: int, from_position: int = 0) -> list[Slice]:
    """Return all that a lane has stored from a position on."""
    slices: list[Slice] = []
    while True:
        back = log.read_back(lane, from_position)
        if back.lost_count:
            raise BrokenPromiseError(f"{back.lost_count} messages cannot be read")
        if back.messages is None:
            return slices
        slices.append(back.messages)
        from_position = back.messages.positions[-1] + 1


def _require(is_kept: bool, promise: str) -> None:
    if not is_kept:
        raise BrokenPromiseError(promise)
