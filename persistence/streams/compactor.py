"""When a stream is compacted: as soon as what is dirty is as large as what is clean.

So each octet is written a bounded number of times, however long the stream gets. A node compacts
one stream at a time, because the keys of a compaction are in memory.
"""

import logging
import zlib
from collections.abc import Iterator
from typing import Final

from persistence.errors import DamagedError
from persistence.streams.compacting import Compacting, OvertakenError
from persistence.streams.compaction import KEYS_MAX, Compaction
from persistence.streams.kept import KeptChunks

log = logging.getLogger(__name__)

BUSY_MS: Final = 1_000
"""When to ask again while another stream is compacted."""

REFUSED_MS: Final = 30_000
"""When to try again after the disk has refused."""


class CompactionRoom:
    """The memory of a node for compactions.

    Args:
        keys_max: keys that may be in memory.

    Attributes:
        keys_max: the same.
        holder: who compacts now; None is nobody.
    """

    def __init__(self, keys_max: int = KEYS_MAX) -> None:
        self.keys_max = keys_max
        self.holder: object = None


class Compactor:
    """Compacts one stream, piece by piece.

    Args:
        kept: its chunks.
        room: of the node.
    """

    def __init__(self, kept: KeptChunks, room: CompactionRoom) -> None:
        self._kept = kept
        self._room = room
        self._compaction: Compaction | None = None
        self._under_way: tuple[Compacting, Iterator[None]] | None = None
        self._not_before_ms = 0

    def set(self, compaction: Compaction | None) -> None:
        """Compact like this from now on; None is not at all."""
        self.stop()
        self._compaction = compaction
        if compaction is not None:
            segments = self._kept.segments
            key_tag = zlib.crc32(compaction.key_name)
            if segments.key_tag != key_tag:
                # What is clean by another key is not by this one.
                segments.key_tag, segments.clean_offset = key_tag, 0

    def due_ms(self, readable_offset: int, wall_ms: int) -> int | None:
        """Return when to call ``step``; None if there is nothing to do."""
        if self._under_way is not None:
            return wall_ms
        if not self._is_due(readable_offset):
            return None
        free_ms = wall_ms if self._room.holder is None else wall_ms + BUSY_MS
        return max(free_ms, self._not_before_ms)

    def step(self, readable_offset: int, wall_ms: int) -> bool:
        """Do a piece; return whether nothing is left to do for now."""
        if self._under_way is None:
            due_ms = self.due_ms(readable_offset, wall_ms)
            if self._compaction is None or due_ms is None or due_ms > wall_ms:
                return True
            self._room.holder = self
            begun = Compacting(self._kept, self._compaction, self._room.keys_max, readable_offset)
            self._under_way = (begun, begun.pieces())
        compacting, pieces = self._under_way
        compacting.wall_ms = wall_ms
        try:
            next(pieces)
        except (StopIteration, OvertakenError):
            self.stop()
            return not self._is_due(readable_offset)
        except (OSError, DamagedError) as error:
            folder = self._kept.directory
            log.warning("a stream cannot be compacted folder=%s error=%s", folder, error)
            self.stop()
            self._not_before_ms = wall_ms + REFUSED_MS
            return True
        return False

    def stop(self) -> None:
        """Give up what is under way, if anything."""
        if self._under_way is not None:
            _, pieces = self._under_way
            self._under_way = None
            self._room.holder = None
            getattr(pieces, "close", _ignore)()

    def _is_due(self, readable_offset: int) -> bool:
        if self._compaction is None:
            return False
        segments = self._kept.segments
        dirty_bytes = clean_bytes = 0
        for segment in segments.closed_below(readable_offset):
            if segment.next_offset > segments.clean_offset:
                dirty_bytes += segment.content_bytes
            else:
                clean_bytes += segment.content_bytes
        return dirty_bytes > 0 and dirty_bytes >= clean_bytes


def _ignore() -> None:
    pass
