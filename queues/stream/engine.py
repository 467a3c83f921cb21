"""The state machine of a stream: a log that readers replay, each from a place of its own.

A publish appends, and a consumer gets messages when they are committed, so that no offset ever has
another content after a crash. A settlement gives a consumer its credit back and takes nothing out
of the stream. Its offset is stored if the consumer asked for that.

Source: RabbitMQ, streams; ``rabbit_stream_queue`` of 3.13.
"""

import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, cast

from persistence.record import Run
from persistence.streams.gathering import Appended
from queues.batch import Batch
from queues.commits import CommitGroup
from queues.consumer_port import ConsumerHandle, Lane
from queues.counters import QueueCounters, QueueCounts
from queues.log_port import RecoveredMessages
from queues.looking import LOOK_COUNT_MAX, Looked, LookPlace, Passed
from queues.moves import Dying, Moves
from queues.offset_spec import OffsetKind, OffsetSpec
from queues.options import Durability, QueueOptions
from queues.outcomes import NOTHING_PURGED, PublishOutcome, PurgeOutcome, all_taken
from queues.ports import EngineParts, Positions, QueueState, ReaderPosition
from queues.stream.compacting import CompactingStream
from queues.stream.groups import Groups
from queues.stream.looking import look, passing_by
from queues.stream.place import Pieces, Place
from queues.stream.publishing import appends_of
from queues.stream.read_options import read_options
from queues.stream.reader import Reader
from queues.stream.retaining import Retaining
from queues.stream.serving import Serving
from queues.stream_beginning import first_offset_of
from queues.stream_log import StreamLog
from queues.stream_port import StreamReader

log = logging.getLogger(__name__)

AGAIN_MS: Final = 1_000
"""When to read again what the disk refused."""

CANCELLED_MAX: Final = 1_024
"""Consumers that were cancelled and may still ack, of those whose offset is stored."""


class StreamEngine:
    """The engine of one stream; see ``queues.ports.QueueEngine``.

    Attributes:
        log: of the stream; the stream protocol reads and appends there too.

    Invariant: a reader with a place is ready, at the end, or held back, and only one of these.
    """

    keeps_transient: Final = True
    has_lone_readers: Final = True

    def __init__(self, parts: EngineParts[StreamLog]) -> None:
        """Make the engine of a stream with these parts."""
        self.name = parts.name
        self.options = parts.options
        self.moves = Moves()
        self.subscription_count = 0
        self.log: StreamLog = parts.log
        self.log.on_readable = self._more_is_readable
        self._wake_up = parts.wake_up
        self._queue_name = parts.name.encode("utf-8", "surrogateescape")
        self._retaining = Retaining(self.log)
        self._compacting = CompactingStream(self.log, parts.later, self._look_by)
        self._pieces = Pieces()
        self._readers: dict[ConsumerHandle, Reader] = {}
        self._cancelled: OrderedDict[ConsumerHandle, Reader] = OrderedDict()
        self._groups = Groups()
        self._serving = Serving()
        self._shut: dict[Lane, dict[Reader, None]] = {}
        self._holder: object = None
        self._counters = QueueCounters()
        self._published_count = 0
        self._log_again_ms = 0
        self._is_deleted = False
        self._configure(parts.options)

    # -- counts -----------------------------------------------------------------------------

    @property
    def commit_group(self) -> CommitGroup:
        """The commit group of its log from now on."""
        return self.log.commit_group

    @property
    def ready_count(self) -> int:
        """Messages that are kept and committed; the message-count of declare-ok."""
        return self.log.message_count - (self.log.next_offset - self.log.readable_offset)

    @property
    def consumer_count(self) -> int:
        """0: RabbitMQ never tells the consumers of a stream in declare-ok."""
        return 0

    @property
    def delivered_below(self) -> int:
        """No delivery of a stream is ever a redelivery."""
        return 0

    def counts(self) -> QueueCounts:
        """Return how the stream is, and what happened in it."""
        counters = self._counters
        return QueueCounts(
            ready_count=self.ready_count,
            ready_bytes=self.log.size_bytes,
            unacked_count=counters.unacked_count,
            unacked_bytes=counters.unacked_bytes,
            consumer_count=len(self._readers) + self.subscription_count,
            published=self._published_count,
            delivered=counters.taken_count,
            acked=counters.settled_count - counters.requeued_count - counters.discarded_count,
            requeued=counters.requeued_count,
            discarded=counters.discarded_count,
        )

    def state(self) -> QueueState:
        """Return how its consumers are: all read for themselves, or for their group."""
        return QueueState(
            may_deliver=bool(self._readers),
            position_of=self._position_of,
            reads_for_group=self._reads_for_group,
        )

    def look(self, place: LookPlace | None, max_count: int = LOOK_COUNT_MAX) -> Looked:
        """Return the next messages behind a place, which is an offset."""
        return look(self.log, self._queue_name, place, max_count)

    def passing_by(self, count: int) -> Passed:
        """Return the place behind the first messages: offsets tell it, but for gaps."""
        return passing_by(self.log, count)

    def _reads_for_group(self, handle: ConsumerHandle) -> bool | None:
        reader = self._readers.get(handle)
        if reader is None or not reader.options.group:
            return None
        return reader.place is not None

    def _position_of(self, handle: ConsumerHandle) -> ReaderPosition | None:
        reader = self._readers.get(handle)
        if reader is None or reader.place is None:
            return None
        offset = reader.place.offset
        return ReaderPosition(offset, max(self.log.readable_offset - offset, 0))

    # -- in ---------------------------------------------------------------------------------

    def recover(self, found: RecoveredMessages, now_ms: int) -> None:
        """Go on with what a restart found: the log has it already."""
        self._look(now_ms)

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Append a run, whatever its delivery mode says, but for what was published before."""
        # A message that was published before waits for its first copy.
        lsn = self.log.appended_lsn
        for appended in appends_of(run, self.log.publishing_id):
            lsn = self.append(appended, now_ms)
        return all_taken(self.log.commit_group, lsn)

    def only_appends(self, run: Run, now_ms: int) -> bool:
        """Return True: that is all that it does."""
        return True

    def append(self, appended: Appended, now_ms: int) -> int:
        """Append what is in the form of a chunk already; return the LSN."""
        lsn = self.log.append(appended, now_ms)
        self._published_count += appended.record_count
        if self._retaining.has_appended():
            self._wake_up()
        return lsn

    def _more_is_readable(self) -> None:
        # A segment that has ended now may be compacted, also if nothing more is appended.
        has_ended = self._compacting.is_on and self._retaining.has_appended()
        if self._serving.more_came() or has_ended:
            self._wake_up()

    # -- out --------------------------------------------------------------------------------

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Deliver at most about so many messages, to the readers in turn."""
        return self._serving.serve(max_messages, now_ms)

    def first_offset_of(self, spec: OffsetSpec, now_ms: int) -> int:
        """Return the offset of the first message that a reader with this specification gets."""
        return first_offset_of(spec, self.log, self.log.wall_ms(now_ms))

    def attach(self, reader: StreamReader) -> None:
        """Serve a reader of another protocol; also one that was held back and may go on.

        Nobody is served once the stream is deleted.
        """
        if not self._is_deleted:
            self._serving.resume(reader)
            self._wake_up()

    def detach(self, reader: StreamReader) -> None:
        """Serve it no more."""
        self._serving.leave(reader)

    def hold_back(self, reader: Reader) -> None:
        """Let a consumer wait for its own credit or for its lane."""
        handle = reader.handle
        if handle.has_own_room():
            self._shut.setdefault(handle.lane, {})[reader] = None
        else:
            handle.is_blocked = True

    def read_again(self, error: OSError, now_ms: int) -> None:
        """Have a refused read tried again; log it once in a while, however many readers wait."""
        if now_ms >= self._log_again_ms:
            self._log_again_ms = now_ms + AGAIN_MS
            log.warning("stream %r cannot be read, its readers wait: %s", self.name, error)
        self._retaining.look_by(now_ms + AGAIN_MS)

    def get(self, now_ms: int, *, no_ack: bool = False) -> tuple[Batch, int] | None:
        """Refused by its row."""
        raise AssertionError("the row of streams refuses it")

    def purge(self) -> PurgeOutcome:
        """Refused by its row; nothing is purged."""
        return NOTHING_PURGED

    # -- settlements ------------------------------------------------------------------------

    def must_drain_before(self, holder: object) -> bool:
        """Note the consumer; each reads for itself, so nobody must be served before."""
        self._holder = holder
        return False

    def settle(self, positions: Positions, settled_body_bytes: int) -> int:
        """Give nothing up: the consumer has its credit back, and its offset may be stored."""
        counters = self._counters
        counters.settled_count += len(positions)
        counters.settled_bytes += settled_body_bytes
        if not self._is_deleted:
            holder = cast("ConsumerHandle", self._holder)
            reader = self._readers.get(holder) or self._cancelled.get(holder)
            if reader is not None and reader.progress is not None:
                self._store(reader, positions)
        return 0

    def _store(self, reader: Reader, positions: Positions) -> None:
        assert isinstance(positions, range), "deliveries of a stream are ranges of offsets"
        assert reader.progress is not None, "its offset is stored"
        if not reader.progress.settled(positions):
            return
        offset, reference = reader.progress.offset - 1, reader.options.reference
        if reader.handle in self._cancelled:
            # Another consumer may have come further under this name.
            known = self.log.stored_offset(reference)
            if known is not None and known >= offset:
                return
        self.log.store_offset(reference, offset)

    def reject(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Count them: in a stream it is the same as an ack, but for the stored offset."""
        self._give_back(batches)
        self._counters.discarded_count += sum(map(len, batches))

    def requeue(self, batches: Sequence[Batch], now_ms: int) -> None:
        """Count them: nothing is delivered again."""
        self._give_back(batches)
        self._counters.requeued_count += sum(map(len, batches))

    def _give_back(self, batches: Sequence[Batch]) -> None:
        self._counters.settled_count += sum(map(len, batches))
        self._counters.settled_bytes += sum([batch.body_bytes for batch in batches])

    def begin_refill(self) -> None:
        """Go on: nothing comes back."""

    def end_refill(self) -> None:
        """Go on: nothing came back."""

    def moved(self, dying: Dying) -> None:
        """Refused: nothing dies in a stream."""
        raise AssertionError("nothing dies in a stream")

    # -- consumers --------------------------------------------------------------------------

    def consume(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Add a consumer, at the place that it asks for."""
        handle.is_blocked = False
        reader = Reader(handle, read_options(handle), self, self._counters)
        self._readers[handle] = reader
        group = reader.options.group
        if not group or self._groups.join(group, reader):
            self._begin(reader, now_ms)

    def _begin(self, reader: Reader, now_ms: int) -> None:
        """Let a reader read: behind what is stored for it, or where it asks to begin."""
        spec, wanted, reference, _ = reader.options
        stored = self.log.stored_offset(reference) if reference else None
        if stored is None:
            offset = self.first_offset_of(spec, now_ms)
            if spec.kind is OffsetKind.OFFSET:
                # One that the stream has not come to is waited for.
                offset = max(offset, spec.value)
        else:
            offset = max(stored + 1, self.log.first_offset)
        reader.begin(Place(self.log, self._pieces, self._queue_name, offset, wanted))
        self.attach(reader)

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Remove a consumer; the next one of its group reads on."""
        reader = self._readers.pop(handle, None)
        if reader is None:
            return
        self._serving.leave(reader)
        self._leave_shut(reader)
        if reader.progress is not None:
            self._cancelled[handle] = reader
            if len(self._cancelled) > CANCELLED_MAX:
                self._cancelled.popitem(last=False)
        group = reader.options.group
        if group and (following := self._groups.leave(group, reader)) is not None:
            self._begin(following, now_ms)
        if not self._readers:
            self._pieces.clear()

    def _leave_shut(self, reader: Reader) -> bool:
        lane = reader.handle.lane
        waiting = self._shut.get(lane)
        if waiting is None or reader not in waiting:
            return False
        del waiting[reader]
        if not waiting:
            del self._shut[lane]
        return True

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """Serve a consumer again that was held back."""
        reader = self._readers.get(handle)
        if reader is None:
            return
        if handle.is_blocked or self._leave_shut(reader):
            handle.is_blocked = False
            if reader.place is not None:
                self.attach(reader)

    def lane_opened(self, lane: Lane) -> None:
        """Serve the consumers of a lane again."""
        for reader in self._shut.pop(lane, ()):
            self.attach(reader)

    def serves(self, lane: Lane) -> bool:
        """Whether any consumer of this lane is here."""
        return any([handle.lane is lane for handle in self._readers])

    # -- the stream itself ------------------------------------------------------------------

    def touch(self, now_ms: int) -> None:
        """Nothing counts as use."""

    def expire(self, now_ms: int) -> None:
        """Drop and compact segments that are due; try again what the disk refused."""
        self._look(now_ms)
        self._more_is_readable()

    def _look(self, now_ms: int) -> None:
        self._retaining.look(now_ms)
        self._compacting.look(now_ms)

    def _look_by(self, due_ms: int) -> None:
        self._retaining.look_by(due_ms)
        self._wake_up()

    def next_deadline_ms(self) -> int | None:
        """Return when ``expire`` must be called next."""
        return self._retaining.due_ms

    def reconfigure(self, options: QueueOptions, now_ms: int) -> None:
        """Apply changed policies."""
        self.options = options
        self._configure(options)
        self._wake_up()

    def _configure(self, options: QueueOptions) -> None:
        self.log.set_fsynced(is_fsynced=options.durability is Durability.FSYNC)
        self._retaining.configure(options)
        self._compacting.configure(options)

    def delete(self) -> None:
        """Forget everything, in the log too."""
        self._is_deleted = True
        self._readers.clear()
        self._cancelled.clear()
        self._serving.clear()
        self._shut.clear()
        self._pieces.clear()
        self.log.drop()
