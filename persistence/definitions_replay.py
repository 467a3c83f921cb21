"""Reads the definitions at a start: the newest snapshot, and the journal behind it.

A batch that is not whole is the torn end if no whole batch follows. It was never reported as safe.
If a whole batch follows, the broken one had been synced, because a batch is written only after the
one before it is synced. Then this is damage. Octets that can be read are used. The others are
copied to a file of their own and reported. The copy also tells later starts that definitions were
lost.

    snapshot n | journal n                     as it should be
    snapshot n | none, but journal n - 1       the crash came before journal n was begun
    none, for n > 1, or any other journal      a file is missing: damage
    less than the witness has seen             the end is missing, or all of it: damage
"""

from typing import NamedTuple

from persistence.definitions_format import (
    BATCH_HEADER,
    DAMAGED_PREFIX,
    DIRECTORY,
    FIRST_BATCH_AT,
    FileKind,
    Key,
    apply_changes,
    decode_batch,
    decode_header,
    decode_key,
    find_batch,
    kind_and_number,
    node_tag_in,
    path_of,
)
from persistence.errors import DamagedError
from persistence.files import Files, write_whole
from persistence.witness import NO_WITNESS, Witness, require_own


class DefinitionsDamage(NamedTuple):
    """Definitions that are lost.

    Attributes:
        path: of the file that held them.
        position, size_bytes: of the octets that cannot be read. For a missing file, or one that was
            cut off, the size is 0 at the end of what is left.
        kept_in: a copy of these octets.
    """

    path: str
    position: int
    size_bytes: int
    kept_in: str

    def __str__(self) -> str:
        if not self.size_bytes:
            return f"{self.path} ends at {self.position}: the definitions behind it are lost"
        return (
            f"{self.path}: {self.size_bytes} octets at {self.position} are damaged, the definitions"
            f" in them are lost; the octets are kept in {self.kept_in}"
        )


class DefinitionsReplay:
    """The definitions on disk.

    Reading only copies the octets of damage and changes nothing else. So a crash meanwhile costs
    nothing: the next start finds the same again.

    Attributes:
        values: by encoded key, in the order in which the keys first came.
        number: of the newest pair of files.
        last_lsn: the highest of any batch; 0 without a batch.
        snapshot_bytes: how long the snapshot is; 0 where there is none.
        journal_salt: of the journal; None if it has yet to be begun.
        journal_end: the byte behind its last whole batch.
        torn_bytes: how much of the journal is behind that.
        damages: found by this start.
        damaged_paths: copies of damage, from this start and from earlier ones, that were not
            removed.

    Args:
        files: the data directory, with the folder of the definitions.
        witness: how far they had been written, and which node must own them.

    Raises:
        StorageError: another version or another node wrote them; the text says what to do.
        OSError: the disk refuses.
    """

    def __init__(self, files: Files, witness: Witness = NO_WITNESS) -> None:
        self._files = files
        self._node_tag = witness.node_tag
        self.values: dict[bytes, bytes] = {}
        self.last_lsn = 0
        self.snapshot_bytes = 0
        self.journal_salt: int | None = None
        self.journal_end = 0
        self.torn_bytes = 0
        self._torn = b""
        self.damages: list[DefinitionsDamage] = []
        self.damaged_paths = [
            f"{DIRECTORY}/{name}"
            for name in files.names(DIRECTORY)
            if name.startswith(DAMAGED_PREFIX)
        ]
        found = {kind_and_number(name) for name in files.names(DIRECTORY)}
        present = {each for each in found if each is not None}
        self.number = max([number for _, number in present], default=1)
        if ("snapshot", self.number) in present:
            self._read_snapshot()
        elif self.number > 1:
            self._note_damage(path_of("snapshot", self.number), 0, b"")
        if ("journal", self.number) in present:
            self._read_journal()
        elif self.number > 1 and ("journal", self.number - 1) not in present:
            self._note_damage(path_of("journal", self.number), 0, b"")
        if witness.seen is not None:
            self._compare(witness.seen.definitions_lsn)

    def items(self) -> dict[Key, bytes]:
        """Return the values by key."""
        return {decode_key(key_octets): value for key_octets, value in self.values.items()}

    def _compare(self, seen_lsn: int) -> None:
        """Note synced definitions that are missing: a file was cut off, or is an older copy."""
        if self.last_lsn < seen_lsn:
            path = path_of("journal", self.number)
            self._note_damage(path, self.journal_end, self._torn)
            # LSNs from here on are newer than all that were lost.
            self.last_lsn = seen_lsn

    def _read_snapshot(self) -> None:
        octets = self._read("snapshot")
        self.snapshot_bytes = len(octets)
        salt = self._salt_of("snapshot", octets)
        if salt is None:
            return
        end = self._apply_all("snapshot", octets, salt)
        if end < len(octets) or not _is_complete(octets, salt, end):
            self._note_damage(path_of("snapshot", self.number), end, octets[end:])

    def _read_journal(self) -> None:
        octets = self._read("journal")
        if len(octets) <= FIRST_BATCH_AT and not _has_header(octets, self.number):
            return  # no batch yet: its header is on disk before any batch is written
        self.journal_salt = self._salt_of("journal", octets)
        if self.journal_salt is not None:
            self.journal_end = self._apply_all("journal", octets, self.journal_salt)
            self._torn = octets[self.journal_end :]
            self.torn_bytes = len(self._torn)

    def _read(self, kind: FileKind) -> bytes:
        file = self._files.open(path_of(kind, self.number))
        try:
            # Read the disk, and not pages that a failed sync left in the page cache.
            file.fsync()
            file.done_with(0, file.size_bytes)
            return file.read_at(0, file.size_bytes)
        finally:
            file.close()

    def _salt_of(self, kind: FileKind, octets: bytes) -> int | None:
        require_own(path_of(kind, self.number), node_tag_in(octets), self._node_tag)
        try:
            return decode_header(octets, self.number)
        except DamagedError:
            self._note_damage(path_of(kind, self.number), 0, octets)
            return None

    def _apply_all(self, kind: FileKind, octets: bytes, salt: int) -> int:
        """Apply every batch that can be read; return where the last one ends."""
        end = FIRST_BATCH_AT
        while (batch := find_batch(octets, salt, end)) is not None:
            if batch.start > end:
                self._note_damage(path_of(kind, self.number), end, octets[end : batch.start])
            self.last_lsn = max(self.last_lsn, batch.last_lsn)
            apply_changes(self.values, batch.changes)
            end = batch.stop
        return end

    def _note_damage(self, path: str, position: int, octets: bytes) -> None:
        """Copy the octets of damage; a repeated start makes the same file again."""
        name = path.rpartition("/")[2]
        kept_in = f"{DIRECTORY}/{DAMAGED_PREFIX}{name}-{position:08x}"
        write_whole(self._files, kept_in, octets)
        self._files.fsync_directory(DIRECTORY)
        self.damages.append(DefinitionsDamage(path, position, len(octets), kept_in))
        if kept_in not in self.damaged_paths:
            self.damaged_paths.append(kept_in)


def _has_header(octets: bytes, number: int) -> bool:
    try:
        decode_header(octets, number)
    except DamagedError:
        return False
    return True


def _is_complete(octets: bytes, salt: int, end: int) -> bool:
    """Whether a snapshot ends with the empty batch of a complete one."""
    last = end - BATCH_HEADER.size
    if last < FIRST_BATCH_AT:
        return False
    try:
        return not decode_batch(octets, salt, last).changes
    except DamagedError:
        return False
