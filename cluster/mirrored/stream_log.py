"""The log of a mirrored stream on its leader: what is appended becomes chunks, and records.

    append ─▶ chunks ─▶ a record ─▶ MirroredLog ─▶ the core
                 ╰────▶ coming: in memory, until the replica has them at its base
    committed, and compacted ─▶ ``persistence.replicas.stream_content`` ─▶ segments

Each append is a chunk of its own, or several, with the offsets and the time that this leader gives.
A mirror keeps the same octets, so offsets and times are the same whoever leads. Readers get what is
committed: older chunks from the replica's content, later ones from memory.

What is kept the leader decides: a record says from which offset on. All nodes drop whole segments
below it. A record says too that the newest segment ends, as it is old: it does on all nodes.

Only what is compacted is in a segment. So the leader has it compacted as soon as what is coming
would end a segment, where something may be due to go then.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from cluster.mirrored.committed_reads import CommittedReads
from cluster.mirrored.groups import MirrorGroup
from cluster.mirrored.log import NEVER_SAFE, MirroredLog
from persistence.stream_operations import encode_stream_kept, encode_stream_offset
from persistence.streams.chunk_filter import FILTER_BYTES_DEFAULT
from persistence.streams.gathering import Appended, Gathering
from persistence.streams.references import References
from persistence.streams.retention import Retention, due_count
from queues.commits import CommitGroup, CommitPoint, is_safe, wait_for

NO_QUEUE: Final = 0

_FAILED: Final = MirrorGroup(0)
_FAILED.fail()

AGAIN_MS: Final = 1_000
"""When to look again whether what goes is gone."""


class MirroredStreamLog(CommittedReads):
    """Implements ``queues.stream.mirrored_stream.MirroredLog`` for one leadership.

    Args:
        log: of the leadership. Front halves submit to it as to that of any mirrored queue.

    Attributes:
        on_readable: see the port.
        next_offset: that the next message gets.
        readable_offset: everything below it is committed, and was so while it could be delivered.
    """

    def __init__(self, log: MirroredLog) -> None:
        super().__init__(log.replica)
        content = self._content
        self.on_readable: Callable[[], None] = _ignore
        self.next_offset = content.next_offset
        self._log = log
        self._has_refused = False
        self._filter_bytes = FILTER_BYTES_DEFAULT
        self._retention = Retention()
        self._kept_from = content.first_offset
        self._segment_bytes_max = content.segment_bytes_max
        self._ending_at = 0
        self._publishing_ids = References()
        self._publishing_ids.note_all(content.publishing_ids)
        self._stored_offsets = References()
        self._stored_offsets.note_all(content.stored_offsets)
        self._unsaid, self._is_saying = References(), False
        log.on_committed = self._more_is_committed

    # -- in -------------------------------------------------------------------------------------

    @property
    def commit_group(self) -> CommitGroup:
        """The group that ``appended_lsn`` is of; a failed one where the last append was refused."""
        return self.safe_at.group

    @property
    def appended_lsn(self) -> int:
        """Of the last append, or of a note behind it; 0 if there was none."""
        return self.safe_at.lsn

    @property
    def safe_at(self) -> CommitPoint:
        """When all that was appended so far is safe; never where the last append is refused."""
        point = self._log.last_point
        is_refused = self._has_refused and not self._log.takes_publishes
        if is_refused or self._log.has_ended:
            return CommitPoint(_FAILED, NEVER_SAFE)
        return point if point.lsn else CommitPoint(self._log.commit_group, 0)

    def append(self, appended: Appended, now_ms: int) -> int:
        """Append messages, which get ``next_offset`` and those behind it; return the LSN.

        While the stream is handed over (R22), or is not led here any more, nothing is appended, and
        the LSN is never safe. Front halves are told before: what they submit is judged.
        """
        self._has_refused = not self._log.takes_publishes
        if self._has_refused:
            return NEVER_SAFE
        return self.append_run((appended,), appended.record_count, now_ms)

    def append_run(self, appends: Sequence[Appended], message_count: int, now_ms: int) -> int:
        """Append all that comes of a run, in one record, so that all of it is there or none.

        Args:
            appends: at least one.
            message_count: of the run, with those that are not appended.
            now_ms: the instant.
        """
        self._has_refused = False
        first_offset = self.next_offset
        gathering = Gathering(first_offset, self.wall_ms(now_ms), self._segment_bytes_max)
        for appended in appends:
            gathering.add(appended)
            if appended.publisher:
                self._publishing_ids.note_highest(appended.publisher, appended.publishing_id)
        self.next_offset = gathering.next_offset
        chunks: list[bytes] = []
        for header, parts in gathering.draw(self._filter_bytes, 0):
            octets = b"".join(parts)
            self._coming.add(header, octets)
            chunks.append(octets)
        lsn = self._log.append_stream(first_offset, chunks, message_count)
        self._forget_compacted()
        return lsn

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Promise as before: what a mirror has answered for is on its disk (R1)."""

    def _more_is_committed(self) -> None:
        """More is committed, or may be delivered again (R16)."""
        committed = self._log.committed_below
        if committed > self.readable_offset and self._log.may_deliver:
            self.readable_offset = committed
            self.on_readable()
        if self._ends_segment():
            self._log.compact(may_wait=True)

    # -- out: see ``CommittedReads`` ---------------------------------------------------------------

    @property
    def segment_count(self) -> int:
        """How many segments there are on this node; one more where what is coming ends one."""
        return super().segment_count + self._ends_segment()

    @property
    def message_count(self) -> int:
        """How many messages it keeps."""
        return self.next_offset - self.first_offset

    # -- numbers by reference ---------------------------------------------------------------------

    def publishing_id(self, reference: bytes) -> int | None:
        """Return the highest publishing id that was appended for a publisher; None is none."""
        return self._publishing_ids.get(reference)

    def store_offset(self, reference: bytes, offset: int) -> None:
        """Store how far a consumer has come, on all nodes; nobody waits for it.

        While earlier ones are not committed, the last one of each reference waits for that.
        """
        self._stored_offsets.note(reference, offset)
        self._unsaid.note(reference, offset)
        if not self._is_saying:
            self._say()

    def _say(self) -> None:
        """Append what was stored since the last time."""
        unsaid = list(self._unsaid)
        self._unsaid.clear()
        self._is_saying = bool(unsaid) and not self._log.has_ended
        if self._is_saying:
            for reference, offset in unsaid:
                self._append_note(b"".join(encode_stream_offset(NO_QUEUE, reference, offset)))
            point = self._log.last_point
            wait_for(point, partial(self._said, point))

    def _said(self, point: CommitPoint) -> None:
        self._is_saying = False
        if is_safe(point):
            self._say()

    def stored_offset(self, reference: bytes) -> int | None:
        """Return the offset that was stored last for a consumer; None is none."""
        return self._stored_offsets.get(reference)

    def tracking(self) -> tuple[list[tuple[bytes, int]], list[tuple[bytes, int]]]:
        """Return all stored offsets, and all highest publishing ids, by reference."""
        return list(self._stored_offsets), list(self._publishing_ids)

    def _append_note(self, octets: bytes) -> None:
        if not self._log.has_ended:
            self._log.append_of_stream(octets)

    # -- what is kept -----------------------------------------------------------------------------

    def set_retention(self, retention: Retention) -> None:
        """Set what is kept; ``retain`` has to be called next."""
        self._retention = retention
        if retention.segment_bytes_max != self._segment_bytes_max:
            self._segment_bytes_max = retention.segment_bytes_max
            self._append_note(encode_stream_kept(self._kept_from, self._segment_bytes_max))

    def set_filter_bytes(self, filter_bytes: int) -> None:
        """Set the size of filters from now on."""
        self._filter_bytes = filter_bytes

    def retain(self, now_ms: int) -> int | None:
        """Say from which offset on messages are kept; they go once that is compacted."""
        content, wall_ms = self._content, self.wall_ms(now_ms)
        self._end_old_segment(wall_ms)
        segments = content.kept.segments.all
        sizes = [segment.content_bytes for segment in segments]
        unwritten_bytes = self._unwritten_bytes()
        if sizes and unwritten_bytes and segments[-1].is_full(self._segment_bytes_max):
            # The newest segment, which stays, is the one that begins with what is unwritten.
            sizes.append(unwritten_bytes)
        elif sizes:
            sizes[-1] += unwritten_bytes
        count = due_count(
            self._retention, wall_ms, sizes, lambda index: segments[index].last_timestamp_ms
        )
        first_offset = segments[count - 1].next_offset if count else 0
        if first_offset > self._kept_from:
            self._kept_from = first_offset
            self._append_note(encode_stream_kept(first_offset, self._segment_bytes_max))
            wait_for(self._log.last_point, partial(self._log.compact, may_wait=True))
        if self._is_ending or self._kept_from > content.first_offset or self._ends_segment():
            self._log.compact(may_wait=True)
            return now_ms + AGAIN_MS
        return self._due_ms(now_ms, len(sizes))

    def _unwritten_bytes(self) -> int:
        """Return the size of what is in no segment."""
        self._forget_compacted()
        return self._content.kept.tail.size_bytes + self._coming.size_bytes

    def _ends_segment(self) -> bool:
        """Return whether a segment would end, and something may be due, were all compacted."""
        retention, segments = self._retention, self._content.kept.segments
        if retention.max_bytes is None and retention.max_age_ms is None:
            return False
        unwritten_bytes, ends_at_bytes = self._unwritten_bytes(), self._segment_bytes_max
        for newest in segments.all[-1:]:
            if not newest.is_full(ends_at_bytes):
                ends_at_bytes -= newest.content_bytes
        if unwritten_bytes < ends_at_bytes:
            return False
        total_bytes = segments.content_bytes + unwritten_bytes
        return retention.max_age_ms is not None or total_bytes > (retention.max_bytes or 0)

    @property
    def _is_ending(self) -> bool:
        """Whether the record that ends a segment is not compacted yet."""
        return self._log.replica.base < self._ending_at

    def _end_old_segment(self, wall_ms: int) -> None:
        """Say that the newest segment ends, if it is old; that is done once it is compacted."""
        ends_ms = self._ends_by_age_ms()
        if ends_ms is None or wall_ms < ends_ms or self._is_ending:
            return
        size_bytes = self._segment_bytes_max
        self._append_note(encode_stream_kept(self._kept_from, size_bytes, ends_segment=True))
        self._ending_at = self._log.led.last_index
        wait_for(self._log.last_point, partial(self._log.compact, may_wait=True))

    def _ends_by_age_ms(self) -> int | None:
        """Return when the newest segment is old (wall clock); None: never, or there is none."""
        age_ms, kept = self._retention.segment_age_ms, self._content.kept
        if age_ms is None:
            return None
        for newest in kept.segments.all[-1:]:
            if len(newest.index) and not newest.is_full(self._segment_bytes_max):
                return newest.first_timestamp_ms + age_ms
        self._forget_compacted()
        unwritten = kept.tail.from_offset(kept.segments.next_offset) or self._coming.chunks
        return unwritten[0].header.timestamp_ms + age_ms if unwritten else None

    def _due_ms(self, now_ms: int, segment_count: int) -> int | None:
        """Return when anything is due by age (instant), of so many segments."""
        segments, age_ms = self._content.kept.segments.all, self._retention.max_age_ms
        due = [] if (ends_ms := self._ends_by_age_ms()) is None else [ends_ms]
        if segment_count > 1 and age_ms is not None:  # The newest one stays.
            due.append(segments[0].last_timestamp_ms + age_ms + 1)
        offset_ms = self.wall_ms(now_ms) - now_ms
        return max(min(due) - offset_ms, now_ms + 1) if due else None


def _ignore() -> None:
    pass
