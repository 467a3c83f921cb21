"""The port of a stream to its log.

Implemented by shape: ``persistence.streams.log`` writes to the disk, ``queues.stream.memory_log``
keeps messages in memory (ADR 2). Both pass the same contract tests.

Offsets are given when messages are appended. Readers see messages when they are committed, so no
offset ever changes its content after a crash. Calls are for an append or an extent, and never for
each message. Instants (``now_ms``) are those of the node; times with ``timestamp`` in their name
are of the wall clock, in ms since 1970.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from persistence.streams.compaction import Compaction
from persistence.streams.extent import Extent, KeptSegment
from persistence.streams.gathering import Appended
from persistence.streams.retention import Retention
from queues.commits import CommitGroup


class StreamLog(Protocol):
    """Where the messages of a stream are kept.

    Attributes:
        on_readable: called when ``readable_offset`` has grown, in the turn of the commit, before
            anyone who waits for that commit is called. It must not raise.
    """

    on_readable: Callable[[], None]

    @property
    def commit_group(self) -> CommitGroup:
        """The group of LSNs that are returned from now on; earlier LSNs stay in their group."""

    @property
    def first_offset(self) -> int:
        """Of the first message that is kept; ``next_offset`` where there is none."""

    @property
    def next_offset(self) -> int:
        """That the next message gets."""

    @property
    def readable_offset(self) -> int:
        """Everything below it is committed and can be read."""

    @property
    def appended_lsn(self) -> int:
        """The LSN that the last append returned; 0 if there was none.

        A duplicate of a message is confirmed when the original is committed: by this LSN at the
        latest.
        """

    def wall_ms(self, now_ms: int) -> int:
        """Return the time of the wall clock at an instant, in ms since 1970."""

    @property
    def message_count(self) -> int:
        """How many messages it keeps; those of a damaged place count too."""

    @property
    def size_bytes(self) -> int:
        """The size of all chunks that are kept."""

    @property
    def segment_count(self) -> int:
        """How many segments it has; at least 1 once it has a message."""

    def segments_from(self, from_offset: int, max_count: int) -> Sequence[KeptSegment]:
        """Return some segments, from the one that goes beyond an offset on, or the last one.

        No file is looked at. The last one has messages that are not committed, too.

        Args:
            from_offset: where the first of them begins, or what it holds.
            max_count: the most to return, at least 1.
        """

    def append(self, appended: Appended, now_ms: int) -> int:
        """Append messages, which get ``next_offset`` and those behind it; return the LSN.

        0 where there is nothing to wait for.
        """

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Set the promise for appends from now on; earlier appends keep theirs.

        Args:
            is_fsynced: an append is committed when it is on disk; if False, when it is in the page
                cache.
        """

    def read(self, from_offset: int, max_bytes: int, *, checks: bool = False) -> Extent | None:
        """Return chunks from the one that holds an offset.

        Where no chunk holds it, because of retention or a gap, from the next one.

        Args:
            from_offset: the first that is wanted.
            max_bytes: of all chunks together; one chunk is returned whatever its size.
            checks: leave out chunks whose checksums are wrong, and log them once. Otherwise only
                headers are looked at; clients of the stream protocol check the data themselves.

        Returns:
            None where nothing from this offset on is readable.

        Raises:
            OSError: the disk could not be read; no message is lost by that.
        """

    def last_chunk_offset(self) -> int | None:
        """Return the first offset of the last readable chunk; None where there is none."""

    def offset_at(self, timestamp_ms: int) -> int | None:
        """Return the first offset of the first readable chunk that is not older than a time.

        None if all are older.
        """

    def publishing_id(self, reference: bytes) -> int | None:
        """Return the highest publishing id that was appended for a publisher; None is none."""

    def store_offset(self, reference: bytes, offset: int) -> None:
        """Store how far a consumer has come. Nobody waits for it; a power cut may lose it.

        At most 255 references are kept; the one that stored longest ago goes.
        """

    def stored_offset(self, reference: bytes) -> int | None:
        """Return the offset that was stored last for a consumer; None is none."""

    def tracking(self) -> tuple[list[tuple[bytes, int]], list[tuple[bytes, int]]]:
        """Return all stored offsets, and all highest publishing ids, by reference.

        At most 255 of each; the one that was noted longest ago comes first.
        """

    def set_retention(self, retention: Retention) -> None:
        """Set what is kept; ``retain`` has to be called next."""

    def set_filter_bytes(self, filter_bytes: int) -> None:
        """Set the size of filters from now on: 16 to 255; one without values has none."""

    def retain(self, now_ms: int) -> int | None:
        """Drop the segments that are due, and end one that is old enough.

        Returns:
            When to call it again at the latest (instant); None if nothing is due by age. Appends
            call it when a segment was begun, as RabbitMQ looks at retention then.
        """

    def set_compaction(self, compaction: Compaction | None) -> None:
        """Set how it is compacted; None is not at all. What is under way begins anew."""

    def compaction_due_ms(self, now_ms: int) -> int | None:
        """Return when to call ``compact`` (instant); None if there is nothing to do.

        Ask again when a segment has ended.
        """

    def compact(self, now_ms: int) -> bool:
        """Do a piece of a compaction, well under a millisecond for messages of usual sizes.

        Readers go on at their offsets. What is refused by the disk is tried again later.

        Returns:
            Whether nothing is left to do for now.
        """

    def drop(self) -> int:
        """Forget everything, because the stream and its definition are gone; return the LSN."""
