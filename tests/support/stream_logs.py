"""Streams' logs for tests: entries, and the logs that pass the contract."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Protocol

from persistence.group_commit import GroupCommit
from persistence.log_form import LogForm
from persistence.log_making import StoreLimits
from persistence.log_state import LogOptions
from persistence.opening import open_store
from persistence.streams.chunk import CHUNK_HEADER, chunks_in
from persistence.streams.chunk_filter import WantedValues
from persistence.streams.extent import Extent
from persistence.streams.gathering import Appended
from persistence.streams.log import StreamLimits
from persistence.wal import Wal
from persistence.wal_replay import next_lsn_after
from queues.stream.memory_log import MemoryStreamLog
from queues.stream_log import StreamLog
from tests.support.commit import FakeDisk, FakeJournal, commit_all
from tests.support.fault_fs import FaultFS

EVERYTHING = 1 << 40
WALL_OFFSET_MS = 1_700_000_000_000


def entry(message: bytes) -> bytes:
    """Return a message as a chunk has it."""
    return len(message).to_bytes(4, "big") + message


def may_hold(
    chunk_filter: bytes | memoryview, values: Collection[bytes], *, match_unfiltered: bool = False
) -> bool:
    """Return whether a chunk may have a message that a reader of these values wants."""
    wanted = WantedValues(values, match_unfiltered=match_unfiltered)
    return bool(wanted.may_be_in(chunk_filter, 0, EVERYTHING))


def appended(
    *messages: bytes,
    filter_values: Collection[bytes] = (),
    publisher: bytes = b"",
    publishing_id: int = 0,
    has_values_beside: bool = False,
) -> Appended:
    """Return what appends these messages."""
    count = len(messages)
    return Appended(
        [entry(each) for each in messages],
        count,
        count,
        filter_values,
        publisher,
        publishing_id,
        has_values_beside,
    )


def messages_of(extent: Extent | None) -> list[tuple[int, bytes]]:
    """Return offset and octets of each message; sub-batches are not expected."""
    found: list[tuple[int, bytes]] = []
    if extent is None:
        return found
    for position, header in chunks_in(extent.octets):
        at = position + header.data_at
        for offset in range(header.first_offset, header.next_offset):
            size_bytes = int.from_bytes(extent.octets[at : at + 4], "big")
            found.append((offset, bytes(extent.octets[at + 4 : at + 4 + size_bytes])))
            at += 4 + size_bytes
    return found


def chunk_sizes(extent: Extent | None) -> list[int]:
    """Return how many messages each chunk has."""
    if extent is None:
        return []
    return [header.record_count for _, header in chunks_in(extent.octets)]


def all_messages(log: StreamLog, max_bytes: int = CHUNK_HEADER.size) -> list[tuple[int, bytes]]:
    """Return offset and octets of each readable message, read extent by extent."""
    found: list[tuple[int, bytes]] = []
    offset = log.first_offset
    while (extent := log.read(offset, max_bytes)) is not None:
        found += messages_of(extent)
        assert extent.next_offset > offset, "reading goes on"
        offset = extent.next_offset
    return found


class LogPlace(Protocol):
    """A log with what it stands on.

    Attributes:
        log: the log.
        is_at_once: whether an append is committed within the call.
    """

    log: StreamLog
    is_at_once: bool

    def commit(self) -> None:
        """Commit everything that was appended."""


class MemoryPlace:
    """A log in memory."""

    is_at_once = True

    def __init__(self) -> None:
        self.memory = MemoryStreamLog(lambda: WALL_OFFSET_MS)
        self.log: StreamLog = self.memory

    def commit(self) -> None:
        """Do nothing: it is committed."""


USUAL = StreamLimits()
USUAL_STORE = StoreLimits()
TINY = StreamLimits(
    direct_bytes_min=40,
    past_cache_bytes_min=200,
    tail_bytes_max=300,
    chunk_bytes_max=200,
    row_bytes_max=200,
)
"""Everything happens to a stream of a few messages."""

NEVER_DIRECT = StreamLimits(direct_bytes_min=1 << 60)
STREAM_ID = 1
WAL_FILE_BYTES = 64 << 10


class DiskPlace:
    """A log on a disk in memory, with the store and the commit group of one life of a node.

    Attributes:
        disk: below it.
        store, commit, wal: of this life.
        log: of stream 1.
        damages: what the start noted.
    """

    is_at_once = False
    usual_store = USUAL_STORE

    def __init__(
        self,
        limits: StreamLimits = USUAL,
        disk: FaultFS | None = None,
        store_limits: StoreLimits = USUAL_STORE,
    ) -> None:
        self.disk = FaultFS() if disk is None else disk
        self._limits = limits
        is_new = not self.disk.exists("queues")
        known = {} if is_new else {STREAM_ID: LogOptions(form=LogForm.STREAM)}
        opened = open_store(
            self.disk, known, store_limits._replace(streams=limits), lambda: WALL_OFFSET_MS
        )
        self.damages = opened.report.damages
        next_lsn = next_lsn_after(opened.replay.highest_lsn)
        self.wal = Wal(self.disk, WAL_FILE_BYTES, lambda: 7, opened.replay, next_lsn)
        self.commit_group = GroupCommit(self.wal, FakeJournal(FakeDisk()), next_lsn)
        self.store = opened.store
        self.store.start(self.wal, self.commit_group)
        self.stream = (
            self.store.new_stream_log(STREAM_ID) if is_new else opened.streams[STREAM_ID].log
        )
        self.log: StreamLog = self.stream

    def commit(self) -> None:
        """Commit everything that was appended."""
        commit_all(self.commit_group)

    def checkpoint(self) -> None:
        """Make a checkpoint."""
        checkpoint = self.store.begin_checkpoint()
        while not self.store.step(checkpoint):
            pass
        self.commit()
        for _ in self.store.persist(checkpoint):
            pass
        self.store.finish(checkpoint, None)

    def restarted(self, disk: FaultFS | None = None) -> "DiskPlace":
        """Return the next life, after a kill, or on what a power cut left."""
        return DiskPlace(self._limits, self.disk.killed() if disk is None else disk)


PLACES: dict[str, Callable[[], LogPlace]] = {
    "memory": MemoryPlace,
    "disk": DiskPlace,
    "disk, tiny": partial(DiskPlace, TINY),
    "disk, never direct": partial(DiskPlace, NEVER_DIRECT),
}
"""Each kind of log, by its name."""
