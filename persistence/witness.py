"""Notes how far a node's files were written, so that a start notices missing data.

A file that is missing, cut off or older than it was looks like a file that never had more. So a
small file says how far the others had been written:

    witness   byte 0            8        12        16         24                32
              | "HAREMQ I"      | crc32c | version | node tag | definitions LSN | ...
                8 octets          u32      u32       u64        u64
              32                  40                48
              | write-ahead log's LSN | checkpoint's LSN |
                u64                     u64

It is written after the data that it describes is on disk, in one sector and in place. Only a start
syncs it. So a power cut may bring back an older witness, but never one that promises more than
there is. With an older witness, or none, less is noticed, and nothing else is lost. The write-ahead
log tells it of every sync, and it writes that down about once a second.

The node tag, eight octets of the node's id, is in the headers of other files too: a file of another
node is never taken for one of this.
"""

import logging
import struct
from typing import Final, NamedTuple, Protocol

from crc32c import crc32c

from persistence.errors import StorageError
from persistence.files import File, Files

log = logging.getLogger(__name__)

WITNESS_PATH: Final = "witness"
VERSION: Final = 1
NO_TAG: Final = 0
"""The tag of a file from before there were tags; any node may own it."""

_MAGIC: Final = b"HAREMQ I"
_LAYOUT: Final = struct.Struct("<8sIIQQQQ")
_CRC_COVERS_FROM: Final = 12
_CRC_AT: Final = 8
_TAG_DIGITS: Final = 16


class Seen(NamedTuple):
    """How far the files had been written.

    Attributes:
        definitions_lsn: of the last change that was synced.
        wal_lsn: of the last batch of the write-ahead log that was synced; 0 is none yet.
        checkpoint_lsn: of the newest checkpoint; 0 is none yet.
    """

    definitions_lsn: int = 0
    wal_lsn: int = 0
    checkpoint_lsn: int = 0


class Witness(Protocol):
    """Notes how far the files are written; never raises."""

    @property
    def seen(self) -> Seen | None:
        """Its content when it was opened; None where there was no file."""

    @property
    def node_tag(self) -> int:
        """Of the node; ``NO_TAG`` matches any node."""

    @property
    def is_behind(self) -> bool:
        """Whether ``write`` has anything to write."""

    def note_definitions(self, lsn: int) -> None:
        """All changes up to this are synced."""

    def note_wal(self, lsn: int) -> None:
        """All batches up to this are synced; it is remembered until ``write``."""

    def note_checkpoint(self, lsn: int) -> None:
        """This checkpoint is on disk."""

    def write(self) -> None:
        """Write down what is only remembered."""


class NoWitness:
    """A witness that remembers nothing."""

    seen: Seen | None = None
    node_tag = NO_TAG
    is_behind = False

    def note_definitions(self, lsn: int) -> None:
        """Forget it."""

    def note_wal(self, lsn: int) -> None:
        """Forget it."""

    def note_checkpoint(self, lsn: int) -> None:
        """Forget it."""

    def write(self) -> None:
        """Do nothing."""


NO_WITNESS: Final = NoWitness()


class StoredWitness:
    """The witness of a data directory.

    Attributes:
        seen: what it said at the start; None where it said nothing.
        damage: why it could not be read; None if it could, or if there was none.

    Args:
        files: the data directory, locked.
        node_id: 32 hex digits.

    Raises:
        StorageError: it belongs to another node, or has another version.
        OSError: the disk refuses.
    """

    def __init__(self, files: Files, node_id: str) -> None:
        self.node_tag = tag_of(node_id)
        self.damage: str | None = None
        is_there = files.exists(WITNESS_PATH)
        self._file: File = files.open(WITNESS_PATH, create=True)
        try:
            self.seen = self._read() if is_there else None
            self._now = self.seen or Seen()
            self._wal_lsn = self._now.wal_lsn
            self._write_now()
            self._file.fsync()
            files.fsync_directory()
        except BaseException:
            self._file.close()
            raise

    @property
    def is_behind(self) -> bool:
        """See ``Witness``."""
        return self._wal_lsn != self._now.wal_lsn

    def note_definitions(self, lsn: int) -> None:
        """See ``Witness``."""
        self._note(self._now._replace(definitions_lsn=lsn, wal_lsn=self._wal_lsn))

    def note_wal(self, lsn: int) -> None:
        """See ``Witness``."""
        self._wal_lsn = lsn

    def note_checkpoint(self, lsn: int) -> None:
        """See ``Witness``."""
        self._note(self._now._replace(checkpoint_lsn=lsn, wal_lsn=self._wal_lsn))

    def write(self) -> None:
        """See ``Witness``."""
        if self.is_behind:
            self._note(self._now._replace(wal_lsn=self._wal_lsn))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _note(self, now: Seen) -> None:
        self._now = now
        try:
            self._write_now()
        except OSError as error:
            log.warning("the witness stays as it is error=%s", error)

    def _write_now(self) -> None:
        octets = bytearray(_LAYOUT.pack(_MAGIC, 0, VERSION, self.node_tag, *self._now))
        struct.pack_into("<I", octets, _CRC_AT, crc32c(octets[_CRC_COVERS_FROM:]))
        self._file.write_at(0, octets)

    def _read(self) -> Seen | None:
        octets = self._file.read_at(0, _LAYOUT.size)
        if len(octets) < _LAYOUT.size:
            self.damage = f"{WITNESS_PATH} is cut off"
            return None
        magic, crc, version, node_tag, *numbers = _LAYOUT.unpack(octets)
        if magic != _MAGIC or crc != crc32c(octets[_CRC_COVERS_FROM:]):
            self.damage = f"the checksum of {WITNESS_PATH} is wrong"
            return None
        if version != VERSION:
            raise StorageError(
                f"expected a {WITNESS_PATH} of version {VERSION}, found version {version}, which "
                f"another version of HareMQ wrote; start that version"
            )
        require_own(WITNESS_PATH, node_tag, self.node_tag)
        return Seen(*numbers)


def tag_of(node_id: str) -> int:
    """Return what stands for a node in headers."""
    return int(node_id[:_TAG_DIGITS], 16)


def require_own(path: str, found: int, expected: int) -> None:
    """Refuse a file of another node.

    Raises:
        StorageError: it is one; the text says what to do.
    """
    if NO_TAG not in {found, expected} and found != expected:
        raise StorageError(
            f"{path} is a file of node {found:0{_TAG_DIGITS}x}, and the data directory is that of "
            f"node {expected:0{_TAG_DIGITS}x}: nothing was changed; put the right file back, from a"
            f" backup if need be, or take it away to start without what was in it"
        )
