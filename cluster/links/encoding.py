"""Frames of the replication core as the heads of envelopes; the records follow as they are."""

from typing import Final

from cluster.links.errors import LinkError
from cluster.links.kinds import Kind
from cluster.links.layout import (
    ACK,
    APPEND,
    COMMIT_NOTE,
    ENDS,
    FENCE,
    FOLLOW,
    GOT,
    LET_GO,
    NAME_BYTES_MAX,
    NAMES_BYTES_MAX,
    PART,
    QUEUE,
    QUEUES_MAX,
    REFUSED,
    ROW,
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

_NO_QUEUE: Final = 0


class QueueNumbers:
    """The numbers that this side of a connection gave to queues."""

    __slots__ = ("_names", "_names_bytes", "_numbers")

    def __init__(self) -> None:
        """No queue was spoken of."""
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self._names_bytes = 0

    def of(self, name: str) -> tuple[int, bytes | None]:
        """Return a queue's number, and the body of the QUEUE that must tell it first.

        Raises:
            LinkError: the name is too long, or a connection cannot speak of more queues; the next
                connection counts anew.
        """
        number = self._numbers.get(name)
        if number is not None:
            return number, None
        octets = name.encode()
        self._names_bytes += len(octets)
        number = len(self._numbers) + 1
        if len(octets) > NAME_BYTES_MAX:
            raise LinkError(f"the name of a queue has {len(octets)} octets")
        if number > QUEUES_MAX or self._names_bytes > NAMES_BYTES_MAX:
            raise LinkError("this connection spoke of too many queues")
        self._numbers[name] = number
        self._names.append(name)
        return number, QUEUE.pack(number) + octets

    def name(self, number: int) -> str:
        """Return the queue that this side gave a number to.

        Raises:
            LinkError: it gave it to none.
        """
        if not 1 <= number <= len(self._names):
            raise LinkError(f"queue {number} was not spoken of")
        return self._names[number - 1]


def encode_leader_frame(frame: LeaderFrame, queue: int, size: int) -> tuple[Kind, bytes]:
    """Return kind and head of a leader's frame, whose records have ``size`` octets.

    Raises:
        LinkError: an epoch table is larger than a link carries.
    """
    match frame:
        case Append():
            return Kind.APPEND, APPEND.pack(
                queue,
                frame.epoch,
                frame.after,
                frame.after_epoch,
                frame.lsn,
                frame.commit,
                frame.count,
                size,
            )
        case Tail():
            head = TAIL.pack(
                queue,
                frame.epoch,
                frame.after,
                frame.after_epoch,
                frame.commit,
                frame.count,
                len(frame.spans),
                size,
            )
            return Kind.TAIL, head + _rows(frame.spans)
        case Snapshot():
            head = SNAPSHOT.pack(queue, frame.epoch, frame.position, len(frame.table), size)
            return Kind.SNAPSHOT, head + _rows(frame.table)
        case Part():
            return Kind.PART, PART.pack(
                queue,
                frame.epoch,
                frame.number,
                frame.start,
                frame.stop,
                frame.index,
                frame.index_epoch,
                size,
            )
        case CommitNote():
            return Kind.COMMIT_NOTE, COMMIT_NOTE.pack(queue, frame.epoch, frame.commit)
        case Fence():
            return Kind.FENCE, FENCE.pack(queue, frame.epoch)
        case LetGo():
            return Kind.LET_GO, LET_GO.pack(queue, frame.epoch)


def encode_mirror_frame(frame: MirrorFrame, queue: int = _NO_QUEUE) -> tuple[Kind, bytes]:
    """Return kind and body of a mirror's frame.

    Raises:
        LinkError: an epoch table is larger than a link carries.
    """
    match frame:
        case Ack():
            return Kind.ACK, ACK.pack(frame.lsn)
        case Got():
            return Kind.GOT, GOT.pack(queue, frame.epoch, frame.end)
        case Refused():
            return Kind.REFUSED, REFUSED.pack(queue, frame.promised)
        case Want():
            place = frame.position, frame.index, frame.index_epoch, int(frame.anew)
            return Kind.WANT, WANT.pack(queue, frame.epoch, frame.number, *place)
        case Follow():
            return Kind.FOLLOW, FOLLOW.pack(queue, frame.epoch, int(frame.is_on))
        case Ends():
            node, disk = frame.replica.node.encode(), frame.replica.disk.encode()
            head = ENDS.pack(
                queue, frame.epoch, frame.end, frame.base, len(node), len(disk), len(frame.table)
            )
            return Kind.ENDS, head + node + disk + _rows(frame.table)


def _rows(table: EpochTable) -> bytes:
    if len(table) > TABLE_ROWS_MAX:
        raise LinkError(f"an epoch table of {len(table)} rows, {TABLE_ROWS_MAX} are allowed")
    return b"".join([ROW.pack(epoch, first) for epoch, first in table])
