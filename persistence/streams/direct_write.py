"""A write of chunks straight to a segment, for a group that is too large to be written twice."""

from collections.abc import Sequence

from persistence.direct_memory import gather
from persistence.gathering import FileWrite
from persistence.streams.chunk import ChunkHeader
from persistence.streams.open_files import OpenFile
from persistence.streams.segments import Segment


class DirectWrite:
    """Chunks that are on their way straight to a segment.

    Attributes:
        write: for the commit group.
        chunks: their headers.
        gathered: the octets of the chunks in one piece, if they go past the page cache.
    """

    __slots__ = ("_opened", "_segment", "chunks", "gathered", "write")

    def __init__(
        self, write: FileWrite, segment: Segment, opened: OpenFile, chunks: Sequence[ChunkHeader]
    ) -> None:
        self.write = write
        self.chunks = chunks
        self.gathered: memoryview | None = None
        self._segment = segment
        self._opened = opened

    def gather(self, size_bytes: int) -> None:
        """Have the write go past the page cache, if there is memory for it.

        Args:
            size_bytes: of the chunks.
        """
        memory = gather(self.write.parts, self.write.position)
        if memory is not None:
            self.write = self.write._replace(parts=[memory])
            # A header of the file may be before them.
            self.gathered = memory[len(memory) - size_bytes :]

    def carried_out(self, *, is_fsynced: bool) -> None:
        """Note that it is in the file, and whether that and its name are on disk."""
        self._opened.release()
        if is_fsynced:
            self._segment.has_name = True
