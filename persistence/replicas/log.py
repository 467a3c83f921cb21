"""The log of one replica of a mirrored queue, on its node's disk.

    records (base, end]      as they came, committed or not; a leader may have them cut again
    messages at base         what the committed records up to base say: ``persistence.log_state``

Every change is an operation of the write-ahead log, in one order, and is seen in memory at once.
Only what is committed may leave the write-ahead log for segments (R1): so ``compact``, which puts
records into the messages, takes only committed ones. Live set and position are of one moment (R14).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.front_numbers import Published, PublishedTable
from persistence.log import Appending
from persistence.log_form import LogForm
from persistence.log_state import EVERYTHING_BYTES, LogState
from persistence.operations import (
    Enqueue,
    Epoch,
    Operation,
    Requeued,
    Settle,
    Submitted,
    decode_operations,
    encode_drop,
)
from persistence.replica_operations import (
    EpochTable,
    ReplicaCompact,
    ReplicaInstall,
    ReplicaOperation,
    ReplicaPromise,
    ReplicaRecords,
    encode_compact,
    encode_install,
    encode_promise,
    encode_records,
    with_epochs,
)
from persistence.replicas.building import Building, Gathering, still_unneeded
from persistence.replicas.content import Content, decode_content
from persistence.replicas.messages import Damage, ReplicaMessages
from persistence.replicas.records import Piece, Records
from persistence.replicas.row import ReplicaSnapshot
from persistence.replicas.stream_content import MakeContent
from persistence.replicas.stream_part import StreamPart
from persistence.replicas.taking import Taken, rest_of
from persistence.slices import Slice
from persistence.stored_log import Noted, UnneededFile
from persistence.stream_operations import STREAM_MARK, StreamSubmitted, stream_snapshot

NO_QUEUE: Final = 0
"""The queue id within records: each node has another id for the queue."""

READ_BYTES_MAX: Final = 1 << 20
"""A read of several records ends here; links count so much as one frame (R14)."""


class Committing(Appending, Gathering, Protocol):
    """What a replica needs of ``persistence.group_commit.GroupCommit``."""


class ReplicaLog:
    """A ``persistence.stored_log.StoredLog``.

    Attributes:
        queue_id: never given to another queue of this node.
        change: the number of the last change.
        promised: no leader of an epoch below it is obeyed.
        table: which epoch began with which index.
        state: the messages at ``base``.
        messages: the way to those that are in segments; nothing is appended to it.
        published: how far front ends had published at ``base`` (R23). A record that is cut was
            never in it.
        stream: what the records up to ``base`` say, where they are those of a stream.
        damage: says whether what cannot be read is given up.
    """

    def __init__(
        self,
        queue_id: int,
        make_state: Callable[[int], LogState],
        make_stream: MakeContent,
        commit: Committing,
    ) -> None:
        """Begin empty.

        Args:
            queue_id: of the queue on this node.
            make_state: returns a state without messages, whose segments begin at this number.
            make_stream: returns an empty content of a stream; asked where this is one.
            commit: takes operations of the write-ahead log.
        """
        self.queue_id = queue_id
        self.change = 0
        self.promised = 0
        self.table: EpochTable = ()
        self.published = PublishedTable()
        self._make_state = make_state
        self.damage = Damage()
        self.stream = StreamPart(make_stream, self.damage)
        self._commit = commit
        self._records = Records()
        self._unneeded: list[UnneededFile] = []
        self.on_disk_full: Callable[[], None] = _ignore
        """Called when a chunk found no room; the listener must not touch the queue then."""
        self._begin_state(make_state(0))

    @property
    def base(self) -> int:
        """The index up to which records are in the messages."""
        return self._records.base

    @property
    def end(self) -> int:
        """The index of the last record."""
        return self._records.end

    @property
    def records_bytes(self) -> int:
        """How many octets the records have that are not in the messages yet."""
        return self._records.size_bytes

    # -- changes: each returns its LSN ----------------------------------------------------------

    def promise(self, epoch: int) -> int:
        """Obey no leader below this epoch any more."""
        change = self.change + 1
        self.repeat(ReplicaPromise(self.queue_id, change, epoch))
        return self._written([encode_promise(self.queue_id, change, epoch)])

    def append(self, after: int, spans: EpochTable, count: int, octets: Octets) -> int:
        """Cut the log behind an index, then append records of these epochs."""
        change = self.change + 1
        self.repeat(ReplicaRecords(self.queue_id, change, after, spans, count, octets))
        return self._written(encode_records(self.queue_id, change, after, spans, count, octets))

    def install(
        self, position: int, table: EpochTable, content: Content, building: Building | None = None
    ) -> int:
        """Replace records and messages by a snapshot; the promise stays.

        Args:
            position: where it is in the log.
            table: the epochs up to there.
            content: the messages.
            building: has those of them that are in chunks; they are on the disk before this counts.

        Raises:
            DamagedError: it is no snapshot for this replica; the node must stop.
        """
        change, octets = self.change + 1, content.encode()
        if building is not None:
            building.bring_to_disk()
        self.repeat(ReplicaInstall(self.queue_id, change, position, table, octets))
        if building is not None and content.since:
            self.give_up(building)
        return self._written(encode_install(self.queue_id, change, position, table, octets))

    def install_stream(self, position: int, table: EpochTable, octets: Octets) -> int:
        """Take a piece of a stream; the promise stays.

        Raises:
            DamagedError: it does not follow what is here; the node must stop.
        """
        change = self.change + 1
        self.repeat(ReplicaInstall(self.queue_id, change, position, table, octets))
        return self._written(encode_install(self.queue_id, change, position, table, octets))

    def build(self, since: int, index: int, epoch: int) -> Building:
        """Begin to get messages for a snapshot; see ``Building``."""
        return Building(self.state, self._commit, since, index, epoch)

    def give_up(self, building: Building) -> None:
        """Let the chunks of a building go, as far as nothing else has them."""
        self._unneeded += building.drop()

    def compact(self, position: int) -> int:
        """Put the records up to here, which are committed, into the messages.

        Raises:
            DamagedError: a record is none; the node must stop.
        """
        change = self.change + 1
        self.repeat(ReplicaCompact(self.queue_id, change, position))
        return self._written([encode_compact(self.queue_id, change, position)])

    def drop(self) -> int:
        """Forget everything, because the queue is gone."""
        self.state.drop()
        self.stream.drop()
        self._records = Records()
        return self._written([encode_drop(self.queue_id)])

    def repeat(self, operation: ReplicaOperation) -> None:
        """Make a change in memory: a new one, or one that a restart finds.

        Raises:
            DamagedError: its content is not what it says.
        """
        match operation:
            case ReplicaRecords():
                after, spans = operation.after, operation.spans
                self._records.append(after, operation.record_count, operation.octets)
                self.table = with_epochs(self.table, after, spans)
            case ReplicaPromise():
                self.promised = operation.epoch
            case ReplicaCompact():
                self._fold(self._records.take(operation.position))
                self.stream.mark(operation.position)
            case ReplicaInstall():
                self._replace(operation)
        self.change = operation.change

    # -- reading --------------------------------------------------------------------------------

    def stream_piece(self, behind: int) -> tuple[int, bytes]:
        """Return what a mirror of the stream lacks next; see ``StreamContent.piece``."""
        position, parts = self.stream.needed().piece(behind, self.base)
        # Rows of later records come with these, whoever leads then.
        return position, b"".join((STREAM_MARK, *parts, self.published.octets(position)))

    def read(self, after: int, count: int, bytes_max: int = READ_BYTES_MAX) -> tuple[int, bytes]:
        """Return how many records behind an index were read, and their octets; see ``Records``."""
        return self._records.read(after, count, bytes_max)

    def records_between(self, after: int, last: int) -> list[Piece]:
        """Return the records behind an index up to another one, as far as they are not at base."""
        return self._records.between(max(after, self.base), last)

    def content(self, since: int, taken: Taken) -> Content:
        """Return the last of a snapshot at ``base``; see ``persistence.replicas.taking``."""
        return rest_of(self.state, self.published, since, taken)

    # -- for the store: see ``persistence.stored_log.StoredLog`` --------------------------------

    @property
    def form(self) -> LogForm:
        """That of a mirrored queue."""
        return LogForm.MIRRORED

    @property
    def directory(self) -> str:
        """The folder of its segments."""
        return self.state.stored.segments.directory

    @property
    def is_dropped(self) -> bool:
        """Whether the queue is gone."""
        return self.state.is_dropped

    @property
    def due_bytes(self) -> int:
        """How much a checkpoint would free of the disk."""
        unneeded_bytes = self.state.unneeded_bytes + self.stream.unneeded_bytes
        return unneeded_bytes + sum([each.size_bytes for each in self._unneeded])

    def start(self, commit: Committing) -> None:
        """Append to this from now on."""
        self._commit = commit

    def note_delivered(self, delivered_below: int) -> None:
        """Keep nothing: who leads next does not know what was delivered."""

    def store_some(self, max_bytes: int) -> bool:
        """Store some messages of the write-ahead log; return whether the rest may stay there."""
        if not self.stream.store_some() and max_bytes < EVERYTHING_BYTES:
            return False
        return self.state.store_some(max_bytes)

    def note(self) -> Noted:
        """Drop everything settled, and return the state at this moment."""
        messages = self.state.snapshot()
        segments = self.state.stored.segments
        dirty, directories = segments.take_dirty()
        unneeded, self._unneeded = self._unneeded, []
        unneeded += self.state.stored.take_unneeded()
        content, files, folders, gone = self.stream.note()
        row = ReplicaSnapshot(
            self.change,
            self.promised,
            self.base,
            self.table,
            list(self._records),
            messages,
            self.published.rows(),
            content,
        )
        return Noted(row, [*dirty, *files], [*directories, *folders], [*unneeded, *gone])

    # -- for a restart --------------------------------------------------------------------------

    def restore(self, row: ReplicaSnapshot) -> None:
        """Begin with the replica's state in a checkpoint."""
        self.change, self.promised, self.table = row.change, row.promised, row.table
        self._records = Records(row.base)
        for piece in row.pieces:
            self._records.append(piece.after, piece.record_count, piece.octets)
        self.published.restore(row.published)
        self.state.restore(row.messages)
        self.stream.restore(row.stream)

    def begin_after(self, next_segment: int) -> None:
        """Begin as a new queue of an id whose earlier queue is gone; older files are its files."""
        self.state.begin_after(next_segment)

    # -- inside ---------------------------------------------------------------------------------

    def _written(self, parts: Sequence[Octets]) -> int:
        return self._commit.append_operation([memoryview(each) for each in parts], fsync=True)

    def _begin_state(self, state: LogState) -> None:
        self.state = state
        self.messages = ReplicaMessages(state, self._commit, self.damage)
        self.messages.on_disk_full = lambda: self.on_disk_full()  # noqa: PLW0108 -- as it is then

    def _replace_stream(self, operation: ReplicaInstall, after: int | None) -> None:
        """Take a piece of a stream, which goes on behind an index; see ``StreamState``."""
        if after is None:
            self.stream.begin_anew(operation.change)
        elif after > self.base:
            self._fold(self._records.take(min(after, self.end)))
        self.published.restore(())
        self._fold([Piece(0, 0, operation.octets[len(STREAM_MARK) :])])
        self.stream.mark(operation.position)
        self._records = Records(operation.position)
        self.table = operation.table

    def _replace(self, operation: ReplicaInstall) -> None:
        """Take a snapshot; files of messages that go with it go with the next checkpoint."""
        stream = stream_snapshot(operation.octets)
        if stream is not None:
            self._replace_stream(operation, stream.after)
            return
        content = decode_content(self.queue_id, operation.octets)
        before = self.state
        if not content.since:
            before.settle(range(before.settled.floor, max(before.next_position, 1)))
            before.sweep()
            self._unneeded += before.stored.take_unneeded()
            self._begin_state(self._make_state(before.stored.segments.begin_another()))
            self.stream.begin_anew(operation.change)
        elif content.since != before.next_position:
            raise DamagedError(f"a snapshot from {content.since} on {before.next_position}")
        self.state.overtake(content.messages)
        segments = self.state.stored.segments
        self._unneeded = still_unneeded(self._unneeded, segments, content.messages.chunks)
        self.published.restore(content.published)
        self._records = Records(operation.position)
        self.table = operation.table

    def _fold(self, pieces: Iterable[Piece]) -> None:
        """Put records into the messages."""
        state, note = self.state, self.published.note
        for piece in pieces:
            operations = decode_operations(memoryview(piece.octets))
            for index, operation in enumerate(operations, piece.after + 1):
                match operation:
                    case Submitted():
                        _enqueue(state, operation.enqueue)
                        note(Published(NO_QUEUE, operation.last, index))
                    case Enqueue():
                        _enqueue(state, operation)
                    case Settle():
                        state.repeat_settle(operation.positions)
                    case Requeued():
                        state.repeat_requeued(operation.positions, operation.delivery_count)
                    case _:
                        self._take_other(operation, index)

    def _take_other(self, operation: Operation, index: int) -> None:
        match operation:
            case Epoch():
                pass
            case Published():
                self.published.note(operation)
            case StreamSubmitted():
                self.stream.take(operation)
                self.published.note(Published(NO_QUEUE, operation.last, index))
            case _:
                self.stream.take(operation)


def _ignore() -> None:
    pass


def _enqueue(state: LogState, operation: Enqueue) -> None:
    first, count = operation.first_position, operation.message_count
    positions = range(first, first + count)
    whole = Slice(operation.run(), positions, operation.expires_at_ms or 0)
    state.repeat_append(whole, may_be_stored=False)
