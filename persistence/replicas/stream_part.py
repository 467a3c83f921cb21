"""The part of a replica's log that is there only if the replica is one of a stream.

What a replica is one of, its records say: whoever makes one does not know.
"""

from collections.abc import Sequence

from persistence.errors import DamagedError
from persistence.operations import Operation
from persistence.replicas.messages import Damage
from persistence.replicas.stream_content import MakeContent, StreamContent, StreamRow
from persistence.stored_log import UnneededFile
from persistence.stream_operations import (
    StreamChunks,
    StreamKept,
    StreamOffset,
    StreamState,
    StreamSubmitted,
)


class StreamPart:
    """The content of a stream, once there is any.

    Args:
        make: returns an empty content; called once for each that takes the place of another.
        damage: is asked before a chunk that cannot be read is left out.

    Attributes:
        content: None as long as no record is one of a stream.
    """

    def __init__(self, make: MakeContent, damage: Damage) -> None:
        self.content: StreamContent | None = None
        self._make = make
        self._damage = damage
        self._begun_with = 0
        self._unneeded: list[UnneededFile] = []

    def needed(self) -> StreamContent:
        """Return the content; it is made where there is none yet."""
        if self.content is None:
            self.content = self._make(self._begun_with)
            self.content.damage = self._damage
        return self.content

    def take(self, operation: Operation) -> None:
        """Put a record into the content.

        Raises:
            DamagedError: it is none of a stream.
        """
        match operation:
            case StreamSubmitted():
                self.needed().take(operation.chunks)
            case StreamChunks() | StreamOffset() | StreamKept() | StreamState():
                self.needed().take(operation)
            case _:
                raise DamagedError(f"a record of a queue cannot be {operation}")

    def mark(self, index: int) -> None:
        """Note that the content is that at an index."""
        if self.content is not None:
            self.content.mark(index)

    def check_whole(self) -> None:
        """See that nothing is missing after a restart.

        Raises:
            DamagedError: something is.
        """
        if self.content is not None:
            self.content.check_whole()

    # -- for the store --------------------------------------------------------------------------

    @property
    def unneeded_bytes(self) -> int:
        """How much a checkpoint would free of the disk."""
        own = 0 if self.content is None else self.content.kept.unneeded_bytes
        return own + sum([each.size_bytes for each in self._unneeded])

    def store_some(self) -> bool:
        """Write what is in memory; return whether there was nothing.

        Raises:
            OSError: the disk refuses; it stays in memory.
        """
        return self.content is None or self.content.store_some()

    def note(
        self,
    ) -> tuple[StreamRow | None, Sequence[str], Sequence[str], Sequence[UnneededFile]]:
        """Return the row of the content, files and folders to sync, and unneeded files."""
        gone, self._unneeded = self._unneeded, []
        if self.content is None:
            return None, (), (), gone
        row, dirty, folders, unneeded = self.content.note()
        return row, dirty, folders, [*gone, *unneeded]

    def restore(self, row: StreamRow | None) -> None:
        """Begin a restart with the row of a checkpoint; None where it is no stream, or not yet.

        Files that the row does not list go: they are of records, or of a content, that the
        write-ahead log has or that count for nothing.
        """
        if row is None:
            self._make(0).restore_none()
            return
        self._begun_with = row.begun_with
        self.needed().restore(row)

    def begin_anew(self, change: int) -> None:
        """Forget everything: another history takes its place.

        The files stay until a checkpoint: only then the disk has for certain what took their place.
        What comes next goes to files of other names.

        Args:
            change: the number of the change that says so.
        """
        self._begun_with = change
        if self.content is not None:
            self._unneeded += self.content.kept.give_up()
            self.content = None

    def drop(self) -> None:
        """Forget everything, because the stream is gone."""
        if self.content is not None:
            self.content.kept.drop()
