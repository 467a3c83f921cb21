"""Whose a message of a mirrored queue is: a front end, and the front end's number of it (R23).

What is submitted twice is known by these numbers: ``cluster.replication.publishers`` decides. Here
they are octets within records and snapshots, as ``persistence.format`` draws them, and the table
that a replica keeps at its base.
"""

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.format import ALIGNMENT_BYTES, OPERATION_HEAD, OperationKind

_NUMBERS: Final = struct.Struct("<QQ")

NODE_BYTES_MAX: Final = 255
"""The name of a node is not longer."""


class FrontNumber(NamedTuple):
    """The number that a front end gave to a message; it names no other message of the queue.

    Attributes:
        node: of the front end.
        incarnation: the create revision of that node's ``live`` key.
        number: from 1 on.
    """

    node: str
    incarnation: int
    number: int


class Published(NamedTuple):
    """How far the messages of a front end are in a log.

    Attributes:
        queue_id: 0, as in all records.
        last: the number of the last one.
        record_index: of the record that has it.
    """

    queue_id: int
    last: FrontNumber
    record_index: int


class PublishedTable:
    """For each node the latest of its front ends, and how far that one has come."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        """Begin with none."""
        self._rows: dict[str, Published] = {}

    def rows(self) -> tuple[Published, ...]:
        """Return one row for each node; the order says nothing."""
        return tuple(self._rows.values())

    def note(self, row: Published) -> None:
        """A record is in the log; what an older process of the node has published says nothing."""
        before = self._rows.get(row.last.node)
        if before is None or before.last.incarnation <= row.last.incarnation:
            self._rows[row.last.node] = row

    def octets(self, index: int) -> bytes:
        """Return the rows as operations, but for those whose record is behind an index."""
        rows = [row for row in self._rows.values() if row.record_index <= index]
        return b"".join(map(encode_published, rows))

    def restore(self, rows: Iterable[Published]) -> None:
        """Take the rows of a snapshot instead of all that are here."""
        self._rows = {row.last.node: row for row in rows}


def encode_front(front: FrontNumber) -> tuple[bytes, int]:
    """Return a front part, and how many octets of it are the name of the node."""
    name = front.node.encode()
    assert 0 < len(name) <= NODE_BYTES_MAX, "nodes have such names"
    padding = bytes(-len(name) % ALIGNMENT_BYTES)
    return _NUMBERS.pack(front.incarnation, front.number) + name + padding, len(name)


def decode_front(octets: Octets, name_bytes: int) -> tuple[FrontNumber, int]:
    """Return the front part that octets begin with, and how long it is.

    Raises:
        DamagedError: they do not begin with one.
    """
    size_bytes = _NUMBERS.size + name_bytes + -name_bytes % ALIGNMENT_BYTES
    if not 0 < name_bytes <= NODE_BYTES_MAX or size_bytes > len(octets):
        raise DamagedError(f"expected a node's name of {name_bytes}, got {len(octets)} octets")
    incarnation, number = _NUMBERS.unpack_from(octets)
    try:
        name = str(octets[_NUMBERS.size : _NUMBERS.size + name_bytes], "utf-8")
    except UnicodeDecodeError as error:
        raise DamagedError(f"expected a node's name: {error}") from None
    return FrontNumber(name, incarnation, number), size_bytes


def encode_published(row: Published) -> bytes:
    """Return the octets of a PUBLISHED."""
    front, name_bytes = encode_front(row.last)
    size_bytes = OPERATION_HEAD.size + len(front)
    kind = OperationKind.PUBLISHED
    return OPERATION_HEAD.pack(kind, 0, name_bytes, size_bytes, 0, row.record_index, 0, 0) + front
