"""Appends whose octets are fixed when their group is sealed.

    append ─ append ─ append ──▶ Source ──▶ seal ─┬─ an operation of the write-ahead log
    LSN 7    LSN 7    LSN 7                       └─ a write straight to a file, and its sync

A source that gets many small appends makes one thing of all that came in a group. A large one need
not be written twice: it goes straight to its file.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from persistence.files import File, Octets


class WritableFile(Protocol):
    """What a write needs of ``persistence.files.File``."""

    def write_at(self, position: int, data: Sequence[Octets]) -> None:
        """Write all parts, one behind the other."""


class FileWrite(NamedTuple):
    """A write that goes straight to its place, because it is too large to be written twice.

    Attributes:
        path: names the file; later writes of the same path are synced with it.
        file: the file to write to; it stays open while the group is under way.
        position: of the first octet.
        parts: the octets to write, one part behind the other.
        fsync: returns when this file, and its name if it is new, are on disk. It may be called long
            after the write, when ``file`` is closed or the file removed. A failed sync is a
            ``FatalStorageError``; any other error is a shortage, and it is called again.
        named: ``file``, if its name is on disk: a sync of this is then enough.
    """

    path: str
    file: WritableFile
    position: int
    parts: Sequence[Octets]
    fsync: Callable[[], None]
    named: File | None = None


class Gathered(NamedTuple):
    """All that a source has gathered in one group: one of the two, or nothing.

    Attributes:
        operation: of the write-ahead log; a multiple of 8 octets.
        write: straight to a file.
    """

    operation: Sequence[Octets] = ()
    write: FileWrite | None = None


class Source(Protocol):
    """Gathers what is appended to it, until the group is sealed."""

    def seal(self) -> Gathered:
        """Return what was gathered since the last call; it must not raise, or change it later."""
