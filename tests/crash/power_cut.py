"""Takes back what a power cut may take of a folder: a random part of what was not synced.

``disk_shim.c`` has noted every change of a broker that has been killed since. What a sync covers
stays. Of the rest, each sector (512 octets) is left as it was after any one of its writes, or
before all; a file is as long as it is, or as it was before any of them; and of each folder the
last few of the names that it got and lost are undone. That is what ``persistence.files`` says a
crash may take.
"""

import contextlib
import os
import random
import struct
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

SECTOR_BYTES: Final = 512
SHIM_SOURCE: Final = Path(__file__).with_name("disk_shim.c")
_HEAD: Final = struct.Struct("<BBHHHQQQQQ")
_NAMES: Final = frozenset("CMRUX")


class Change(NamedTuple):
    """A record of the journal; see ``disk_shim.c``."""

    at: int
    kind: str
    path: Path
    new_path: Path
    position: int
    length: int
    length_before: int
    inode: int
    old: bytes


def build_shim(folder: Path) -> Path:
    """Compile the library that stands between a process and the disk.

    Raises:
        FileNotFoundError: there is no C compiler.
        subprocess.CalledProcessError: it does not compile.
    """
    library = folder / "disk_shim.so"
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(library)]
    subprocess.run(["gcc", *options, str(SHIM_SOURCE), "-ldl", "-lpthread"], check=True)
    return library


def read_journal(octets: bytes) -> list[Change]:
    """Return the records; one that the kill cut short is left out."""
    changes: list[Change] = []
    at = 0
    while at + _HEAD.size <= len(octets):
        kind, _, path_bytes, new_bytes, _, *rest = _HEAD.unpack_from(octets, at)
        position, length, length_before, old_bytes, inode = rest
        start = at + _HEAD.size
        middle = start + path_bytes
        stop = middle + new_bytes
        if stop + old_bytes > len(octets):
            break
        path, new_path = (
            Path(os.fsdecode(name)) for name in (octets[start:middle], octets[middle:stop])
        )
        old = octets[stop : stop + old_bytes]
        changes.append(
            Change(at, chr(kind), path, new_path, position, length, length_before, inode, old)
        )
        at = stop + old_bytes
    return changes


class Safe(NamedTuple):
    """Positions in the journal; everything noted before them is safe."""

    octets: Mapping[int, int]
    """By the inode of a file."""
    names: Mapping[Path, int]
    """By the path of a folder: folders get no other name."""


def safe_until(changes: Sequence[Change]) -> Safe:
    """Return up to where syncs have made the changes safe."""
    octets: dict[int, int] = {}
    names: dict[Path, int] = {}
    for change in changes:
        if change.kind == "S":
            octets[change.inode] = max(octets.get(change.inode, 0), change.position)
        elif change.kind == "D":
            names[change.path] = max(names.get(change.path, 0), change.position)
    return Safe(octets, names)


class PowerCut:
    """The shim under a broker, and what it makes of the broker's end.

    Args:
        folder: gets the library, the journal and what is kept; on the disk of the data, and not
            in it.
        data: what is cut; exists.
    """

    def __init__(self, folder: Path, data: Path) -> None:
        self._data = data.resolve()
        self._journal = folder / "journal"
        self._saved = folder / "saved"
        self._saved.mkdir()
        self._library = build_shim(folder)
        self.trigger = folder / "syncs-fail"

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment for the broker's start."""
        return {
            "LD_PRELOAD": str(self._library),
            "DISK_SHIM_FOLDER": str(self._data),
            "DISK_SHIM_TRIGGER": str(self.trigger),
            "DISK_SHIM_JOURNAL": str(self._journal),
            "DISK_SHIM_SAVED": str(self._saved),
        }

    def cut(self, chance: random.Random) -> int:
        """Take back a part of what was not safe when the broker ended; it must have ended.

        Returns:
            How many changes were not safe.
        """
        changes = read_journal(self._journal.read_bytes()) if self._journal.exists() else []
        safe = safe_until(changes)
        writes: defaultdict[int, list[Change]] = defaultdict(list)
        for change in changes:
            if change.kind == "C":
                writes[change.inode].clear()  # the number was another file's
            elif change.kind == "W" and change.at >= safe.octets.get(change.inode, 0):
                writes[change.inode].append(change)
        for path in [*self._data.rglob("*"), *self._saved.iterdir()]:
            if path.is_file() and (unsafe := writes.get(path.stat().st_ino)):
                _take_back_octets(path, unsafe, chance)
        named = [
            change
            for change in changes
            if change.kind in _NAMES and change.at >= safe.names.get(change.path.parent, 0)
        ]
        _take_back_names(named, chance)
        self._journal.unlink(missing_ok=True)
        for path in self._saved.iterdir():
            path.unlink()
        return sum(map(len, writes.values())) + len(named)


def _take_back_octets(path: Path, writes: Sequence[Change], chance: random.Random) -> None:
    octets = bytearray(path.read_bytes())
    size_bytes = len(octets)
    longest = max(size_bytes, *(write.position + write.length for write in writes))
    octets.extend(bytes(longest - size_bytes))
    kept_until: dict[int, int] = {}
    for index in reversed(range(len(writes))):
        write = writes[index]
        old = write.old + bytes(write.length - len(write.old))
        first, stop = write.position, write.position + write.length
        for sector in range(first // SECTOR_BYTES, -(-stop // SECTOR_BYTES)):
            if sector not in kept_until:
                some = chance.randrange(len(writes) + 1)
                kept_until[sector] = chance.choice((0, some, len(writes)))
            if index >= kept_until[sector]:
                begin = max(first, sector * SECTOR_BYTES)
                end = min(stop, (sector + 1) * SECTOR_BYTES)
                octets[begin:end] = old[begin - first : end - first]
    lengths = [size_bytes, size_bytes, *(write.length_before for write in writes)]
    length = chance.choice(lengths)
    octets = octets[:length] + bytes(max(0, length - len(octets)))
    path.write_bytes(octets)


def _take_back_names(changes: Sequence[Change], chance: random.Random) -> None:
    """Undo the last few changes of each folder, the latest first."""
    counts: defaultdict[Path, int] = defaultdict(int)
    for change in changes:
        counts[change.path.parent] += 1
    left = {folder: chance.choice((0, chance.randint(0, n), n)) for folder, n in counts.items()}
    for change in reversed(changes):
        folder = change.path.parent
        if left[folder] <= 0:
            continue
        left[folder] -= 1
        # A folder that stays gone, or is not empty since other names in it stay, stays so.
        with contextlib.suppress(OSError):
            _undo(change)


def _undo(change: Change) -> None:
    kept = Path(os.fsdecode(change.old)) if change.old else None
    match change.kind:
        case "C":
            change.path.unlink()
        case "M":
            change.path.rmdir()
        case "X":
            change.path.mkdir()
        case "U" if kept is not None:
            change.path.hardlink_to(kept)
        case "R":
            change.new_path.rename(change.path)
            if kept is not None:
                change.new_path.hardlink_to(kept)
        case _:
            raise AssertionError(f"no such change: {change.kind}")
