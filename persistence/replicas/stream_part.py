"""The part of a replica's log that is there only if the replica is one of a stream.

What a replica is one of, its records say: whoever makes one does not know.
"""

from collections.abc import Sequence

from persistence.errors import DamagedError
from persistence.operations import Operation
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
        make: returns an empty content; called once at most.

    Attributes:
        content: None as long as no record is one of a stream.
    """

    def __init__(self, make: MakeContent) -> None:
        self.content: StreamContent | None = None
        self._make = make

    def needed(self) -> StreamContent:
        """Return the content; it is made where there is none yet."""
        if self.content is None:
            self.content = self._make()
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
        return 0 if self.content is None else self.content.kept.unneeded_bytes

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
        return (None, (), (), ()) if self.content is None else self.content.note()

    def restore(self, row: StreamRow | None) -> None:
        """Begin with the row of a checkpoint; None where it is no stream."""
        if row is not None:
            self.needed().restore(row)

    def clear(self) -> None:
        """Forget everything: the log of another leader has nothing of a stream yet."""
        if self.content is not None:
            self.content.kept.clear()
            self.content = None

    def drop(self) -> None:
        """Forget everything, because the stream is gone."""
        if self.content is not None:
            self.content.kept.drop()
