"""Bodies of envelopes as frames of the replication core; records stay where they are.

Each count and length is held against its bound, and against the octets that are there, before it is
used. What does not fit is a ``LinkError``, whatever the octets are.
"""

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError  # noqa: N812 -- it is a class
from typing import Any

from cluster.links.errors import LinkError
from cluster.links.kinds import Flag, Kind
from cluster.links.layout import (
    ACK,
    APPEND,
    COMMIT_NOTE,
    CREDIT,
    ENDS,
    FENCE,
    FOLLOW,
    GOT,
    LET_GO,
    NAME_BYTES_MAX,
    NAMES_BYTES_MAX,
    PART,
    PIECE,
    QUEUE,
    QUEUES_MAX,
    REASON_BYTES_MAX,
    REFUSED,
    ROW,
    SEEN,
    SNAPSHOT,
    TABLE_ROWS_MAX,
    TAIL,
    WANT,
)
from cluster.replication.epoch_table import EpochTable
from cluster.replication.frames import (
    Ack,
    Append,
    CommitNote,
    Ends,
    Fence,
    Follow,
    Got,
    LeaderFrame,
    LetGo,
    MirrorFrame,
    Part,
    Refused,
    Snapshot,
    Tail,
    Want,
)
from cluster.replication.ready import EpochStart
from cluster.replication.state import ReplicaId


class QueueNames:
    """The queues that the other side of a connection told, by number."""

    __slots__ = ("_names", "_names_bytes")

    def __init__(self) -> None:
        """No queue was told."""
        self._names: list[str] = []
        self._names_bytes = 0

    def learn(self, body: memoryview) -> None:
        """Take the body of a QUEUE.

        Raises:
            LinkError: it is not the next number, or the names are too long or too many.
        """
        (number,) = _unpack(QUEUE, body)
        name = body[QUEUE.size :]
        self._names_bytes += len(name)
        if number != len(self._names) + 1:
            raise LinkError(f"queue {number} is told after {len(self._names)} others")
        if len(name) > NAME_BYTES_MAX:
            raise LinkError(f"the name of a queue has {len(name)} octets")
        if number > QUEUES_MAX or self._names_bytes > NAMES_BYTES_MAX:
            raise LinkError("too many queues on one connection")
        self._names.append(_text(name))

    def of(self, number: int) -> str:
        """Return the name of a queue.

        Raises:
            LinkError: no name was told.
        """
        if not 1 <= number <= len(self._names):
            raise LinkError(f"queue {number} has no name")
        return self._names[number - 1]


@dataclass(slots=True)
class Begun:
    """A leader's frame, and how many octets its records have; ``octets`` are the first of them."""

    frame: LeaderFrame
    number: int
    size: int
    octets: memoryview


def decode_leader_frame(kind: int, flags: int, body: memoryview, names: QueueNames) -> Begun:
    """Return a leader's frame; its payload is the octets that came with it, or an ``EpochStart``.

    Raises:
        LinkError: it is broken.
    """
    is_start = flags == Flag.EPOCH_START
    if flags and not is_start:
        raise LinkError(f"unknown flags {flags}")
    begun = _leader_frame(kind, is_start, body, names)
    if len(begun.octets) > begun.size:
        raise LinkError(f"{len(begun.octets)} octets of records, {begun.size} were announced")
    if is_start and (begun.size or not isinstance(begun.frame, Append | Tail)):
        raise LinkError("the beginning of an epoch has no octets")
    return begun


def _leader_frame(kind: int, is_start: bool, body: memoryview, names: QueueNames) -> Begun:  # noqa: FBT001
    match kind:
        case Kind.APPEND:
            number, epoch, after, after_epoch, lsn, commit, count, size = _unpack(APPEND, body)
            octets = body[APPEND.size :]
            _check_count(count, size, is_start=is_start)
            if not count:
                raise LinkError("a run without records")
            payload = EpochStart.RECORD if is_start else octets
            name = names.of(number)
            run = Append(name, epoch, after, after_epoch, count, payload, lsn, commit)
            return Begun(run, number, size, octets)
        case Kind.TAIL:
            number, epoch, after, after_epoch, commit, count, rows, size = _unpack(TAIL, body)
            spans, octets = _table(body[TAIL.size :], rows)
            _check_count(count, size, is_start=is_start)
            _check_spans(spans, epoch, after, count)
            payload = EpochStart.RECORD if is_start else octets
            name = names.of(number)
            tail = Tail(name, epoch, after, after_epoch, spans, count, payload, commit)
            return Begun(tail, number, size, octets)
        case Kind.SNAPSHOT:
            number, epoch, position, rows, size = _unpack(SNAPSHOT, body)
            table, octets = _table(body[SNAPSHOT.size :], rows)
            _check_table(table, epoch, position)
            snapshot = Snapshot(names.of(number), epoch, position, table, octets)
            return Begun(snapshot, number, size, octets)
        case Kind.PART:
            number, epoch, read, start, stop, index, index_epoch, size = _unpack(PART, body)
            octets, name = body[PART.size :], names.of(number)
            part = Part(name, epoch, read, start, stop, index, index_epoch, octets)
            return Begun(part, number, size, octets)
        case Kind.COMMIT_NOTE:
            number, epoch, commit = _exactly(COMMIT_NOTE, body)
            return Begun(CommitNote(names.of(number), epoch, commit), number, 0, body[:0])
        case Kind.FENCE:
            number, epoch = _exactly(FENCE, body)
            return Begun(Fence(names.of(number), epoch), number, 0, body[:0])
        case Kind.LET_GO:
            number, epoch = _exactly(LET_GO, body)
            return Begun(LetGo(names.of(number), epoch), number, 0, body[:0])
        case _:
            raise LinkError(f"kind {kind} is none of a leader")


def decode_mirror_frame(kind: int, body: memoryview, names: QueueNames) -> MirrorFrame:
    """Return a mirror's frame.

    Raises:
        LinkError: it is broken.
    """
    match kind:
        case Kind.ACK:
            return Ack(_exactly(ACK, body)[0])
        case Kind.GOT:
            number, epoch, end = _exactly(GOT, body)
            return Got(names.of(number), epoch, end)
        case Kind.REFUSED:
            number, promised = _exactly(REFUSED, body)
            return Refused(names.of(number), promised)
        case Kind.WANT:
            number, epoch, read, position, index, index_epoch, anew = _exactly(WANT, body)
            return Want(names.of(number), epoch, read, position, index, index_epoch, bool(anew))
        case Kind.FOLLOW:
            number, epoch, is_on = _exactly(FOLLOW, body)
            return Follow(names.of(number), epoch, bool(is_on))
        case Kind.ENDS:
            return _ends(body, names)
        case _:
            raise LinkError(f"kind {kind} is none of a mirror")


def decode_piece(body: memoryview) -> tuple[int, memoryview]:
    """Return the number of a queue, and the next octets of its frame."""
    (number,) = _unpack(PIECE, body)
    if len(body) == PIECE.size:
        raise LinkError("a piece without octets")
    return number, body[PIECE.size :]


def decode_seen(body: memoryview) -> int:
    """Return the revision that the other node has.

    Raises:
        LinkError: it is broken.
    """
    return int(_exactly(SEEN, body)[0])


def decode_credit(body: memoryview) -> tuple[int, int]:
    """Return the number of a queue, or 0 for live runs, and how many octets were worked off."""
    number, octets = _exactly(CREDIT, body)
    return number, octets


def decode_reason(body: memoryview) -> str:
    """Return why the other node ends the connection; printable, whatever the octets are."""
    text = str(body[:REASON_BYTES_MAX], "utf-8", "replace")
    return "".join(char if char.isprintable() else "?" for char in text)


def _ends(body: memoryview, names: QueueNames) -> Ends:
    number, epoch, end, base, node_bytes, disk_bytes, rows = _unpack(ENDS, body)
    disk_at = ENDS.size + node_bytes
    table_at = disk_at + disk_bytes
    if len(body) < table_at:
        raise LinkError("a name is longer than its frame")
    replica = ReplicaId(_text(body[ENDS.size : disk_at]), _text(body[disk_at:table_at]))
    table, rest = _table(body[table_at:], rows)
    if len(rest):
        raise LinkError(f"{len(rest)} octets behind a frame")
    _check_table(table, None, end)
    if base > end:
        raise LinkError(f"a log from {base} to {end}")
    return Ends(names.of(number), epoch, replica, table, end, base)


def _unpack(layout: Struct, body: memoryview) -> tuple[Any, ...]:
    try:
        return layout.unpack_from(body)
    except StructError:
        raise LinkError(f"a frame of {len(body)} octets, at least {layout.size} expected") from None


def _exactly(layout: Struct, body: memoryview) -> tuple[Any, ...]:
    try:
        return layout.unpack(body)
    except StructError:
        raise LinkError(f"a frame of {len(body)} octets, {layout.size} expected") from None


def _text(octets: memoryview) -> str:
    try:
        return str(octets, "utf-8")
    except UnicodeDecodeError:
        raise LinkError("a name that is not UTF-8") from None


def _table(octets: memoryview, rows: int) -> tuple[EpochTable, memoryview]:
    if rows > TABLE_ROWS_MAX:
        raise LinkError(f"an epoch table of {rows} rows, {TABLE_ROWS_MAX} are allowed")
    size = rows * ROW.size
    if len(octets) < size:
        raise LinkError("an epoch table is longer than its frame")
    table: EpochTable = tuple(ROW.iter_unpack(octets[:size]))
    return table, octets[size:]


def _check_table(table: EpochTable, epoch_max: int | None, end: int) -> None:
    """Epochs and indices grow; none is beyond the end of its log."""
    last_epoch = last_first = 0
    for epoch, first in table:
        if epoch <= last_epoch or first <= last_first:
            raise LinkError("an epoch table that does not grow")
        last_epoch, last_first = epoch, first
    if last_first > end:
        raise LinkError(f"an epoch begins at {last_first}, the log ends at {end}")
    if epoch_max is not None and last_epoch > epoch_max:
        raise LinkError(f"epoch {last_epoch} in a frame of epoch {epoch_max}")


def _check_spans(spans: EpochTable, epoch: int, after: int, count: int) -> None:
    """Records have their epochs, and these begin with the first of them."""
    _check_table(spans, epoch, after + count)
    if bool(spans) != bool(count) or (spans and spans[0][1] != after + 1):
        raise LinkError("epochs that are not those of the records")


def _check_count(count: int, size: int, *, is_start: bool) -> None:
    """No record is without octets, but for the beginning of an epoch."""
    if is_start:
        if count != 1:
            raise LinkError(f"an epoch begins with one record, not {count}")
    elif count > size or (size and not count):
        raise LinkError(f"{count} records in {size} octets")
