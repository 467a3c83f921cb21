"""The port to the disk, and the one implementation that has a disk behind it.

Everything that is stored goes through ``Files``. So tests can use a disk that tears writes, forgets
unsynced data, fills up and fails (``tests/support/fault_fs.py``). Both pass the same contract
tests.

A crash of the machine may lose data until these calls have returned. The caller must order its
calls by that:

    written by              is safe after
    write_at, truncate      sync of that file
    open(create=True)       sync of the file for its content, fsync_directory of its folder for
    rename, remove          its name; a rename before the sync may show the name without content
    make_directory          fsync_directory of the folder around it

Until then any part of it may be on disk, in units of a sector (512 octets), and in any order. A
crash of the process alone loses nothing.
"""

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from persistence.errors import FatalStorageError

Octets: TypeAlias = bytes | bytearray | memoryview
"""Something contiguous in memory, itemsize 1."""

NAME_BYTES_MAX: Final = 255
"""Longest name of a file or folder, in UTF-8: what ext4, xfs and btrfs allow."""

PARTS_PER_WRITE_MAX: Final = 1024
"""Buffers that one pwritev takes: IOV_MAX of Linux."""

_FILE_MODE: Final = 0o600
_DIRECTORY_MODE: Final = 0o700
_OPEN_FLAGS: Final = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
_DIRECTORY_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class File(Protocol):
    """An open file. Every method raises OSError when the disk refuses."""

    @property
    def size_bytes(self) -> int:
        """How long the file is now."""

    def write_at(self, position: int, data: Octets | Sequence[Octets]) -> None:
        """Write everything, one part behind the other; a gap before it reads as zeros.

        Args:
            position: of the first octet.
            data: one buffer, or several that are written in one system call where possible.

        Raises:
            OSError: not everything was written; any part may have been.
        """

    def read_at(self, position: int, size_bytes: int) -> bytes:
        """Return so many octets; fewer only where the file ends."""

    def fsync(self) -> None:
        """Return when all that was written is on the disk (fdatasync).

        Raises:
            OSError: octets written since the last sync may be lost, whatever a later sync reports.
        """

    def truncate(self, size_bytes: int) -> None:
        """Cut the file, or lengthen it with zeros."""

    def done_with(self, position: int, size_bytes: int) -> None:
        """Advise that this need not stay in the page cache; unsynced pages stay anyway."""

    def fileno(self) -> int:
        """Return the system's number for the file, for a thread that writes by itself.

        -1 means that it has none.
        """

    def close(self) -> None:
        """Close, without a sync; a second call has no effect."""


class Files(Protocol):
    """A folder and what is in it. Every method raises OSError when the disk refuses.

    Paths are relative to the folder, with ``/`` between names. ``""`` is the folder itself, for
    methods of a folder. ValueError: the path leads out of it, or is no path.
    """

    def open(self, path: str, *, create: bool = False) -> File:
        """Open a file to read and write; with ``create``, make an empty one if there is none."""

    def exists(self, path: str) -> bool:
        """Return whether a file or folder has this name."""

    def names(self, directory: str = "") -> list[str]:
        """Return the names in a folder, sorted."""

    def make_directory(self, path: str) -> None:
        """Make one folder; one that exists is left as it is."""

    def rename(self, old: str, new: str) -> None:
        """Rename a file; it replaces a file that had the new name."""

    def remove(self, path: str) -> None:
        """Remove a file."""

    def remove_tree(self, path: str) -> None:
        """Remove a folder and everything in it; nothing happens if there is none.

        A crash in the middle leaves a part of it.
        """

    def fsync_directory(self, path: str = "") -> None:
        """Return when names given, changed and removed in this folder are on the disk.

        Raises:
            OSError: the folder could not be opened; nothing was synced, and the caller may try
                again.
            FatalStorageError: the sync failed; names may be lost, whatever a later sync reports.
        """

    def free_bytes(self) -> int:
        """Return how much may still be written (bytes)."""


def path_parts(path: str) -> tuple[str, ...]:
    """Return the names on a path; none for ``""``.

    Raises:
        ValueError: it is absolute, goes up, or has a name that no file can have.
    """
    if not path:
        return ()
    parts = tuple(path.split("/"))
    for part in parts:
        if part in {"", ".", ".."} or "\0" in part or len(part.encode()) > NAME_BYTES_MAX:
            raise ValueError(f"expected a path inside the data directory, got {path[:80]!r}")
    return parts


def parts_of(data: Octets | Sequence[Octets]) -> Sequence[Octets]:
    """Return the data of ``write_at`` as a sequence of buffers."""
    return (data,) if isinstance(data, bytes | bytearray | memoryview) else data


class OsFile:
    """A ``File`` on a file descriptor."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def size_bytes(self) -> int:
        """How long the file is now."""
        return os.fstat(self._descriptor).st_size

    def write_at(self, position: int, data: Octets | Sequence[Octets]) -> None:
        """Write everything; see ``File``."""
        parts = [memoryview(part) for part in parts_of(data) if len(part)]
        while parts:
            written = os.pwritev(self._descriptor, parts[:PARTS_PER_WRITE_MAX], position)
            if written == 0:
                raise OSError(errno.EIO, "a write of something wrote nothing")
            position += written
            parts = _rest(parts, written)

    def read_at(self, position: int, size_bytes: int) -> bytes:
        """Return so many octets; fewer only where the file ends.

        A size from a damaged file takes no more memory than the file is long.
        """
        wanted_bytes = min(size_bytes, self.size_bytes - position)
        pieces: list[bytes] = []
        while wanted_bytes > 0:
            piece = os.pread(self._descriptor, wanted_bytes, position)
            if not piece:
                break
            pieces.append(piece)
            position += len(piece)
            wanted_bytes -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def fsync(self) -> None:
        """Return when all that was written is on the disk."""
        os.fdatasync(self._descriptor)

    def truncate(self, size_bytes: int) -> None:
        """Cut the file, or lengthen it with zeros."""
        os.ftruncate(self._descriptor, size_bytes)

    def done_with(self, position: int, size_bytes: int) -> None:
        """Advise that this need not stay in the page cache."""
        os.posix_fadvise(self._descriptor, position, size_bytes, os.POSIX_FADV_DONTNEED)

    def fileno(self) -> int:
        """Return the file descriptor; -1 when it is closed."""
        return self._descriptor

    def close(self) -> None:
        """Close; a second call has no effect, as another file may have the number by then."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


class OsFiles:
    """``Files`` in a folder of the host.

    The folder is held open, so it stays the same folder whatever happens to its name. A file or
    folder that is a symbolic link is refused (ELOOP), so that all data is inside the folder.

    Args:
        root: an existing folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, _DIRECTORY_FLAGS)

    def open(self, path: str, *, create: bool = False) -> OsFile:
        """Open a file to read and write; see ``Files``."""
        flags = _OPEN_FLAGS | (os.O_CREAT if create else 0)
        return OsFile(os.open(_inside(path), flags, _FILE_MODE, dir_fd=self._root))

    def exists(self, path: str) -> bool:
        """Return whether a file or folder has this name."""
        try:
            os.stat(_inside(path), dir_fd=self._root, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def names(self, directory: str = "") -> list[str]:
        """Return the names in a folder, sorted."""
        descriptor = self._open_directory(directory)
        try:
            return sorted(os.listdir(descriptor))  # noqa: PTH208 -- a descriptor, not a path
        finally:
            os.close(descriptor)

    def make_directory(self, path: str) -> None:
        """Make one folder; one that exists is left as it is."""
        try:
            os.mkdir(_inside(path), _DIRECTORY_MODE, dir_fd=self._root)
        except FileExistsError:
            os.close(self._open_directory(path))  # NotADirectoryError where a file is in its place

    def rename(self, old: str, new: str) -> None:
        """Rename a file; it replaces a file that had the new name."""
        os.replace(_inside(old), _inside(new), src_dir_fd=self._root, dst_dir_fd=self._root)

    def remove(self, path: str) -> None:
        """Remove a file."""
        os.unlink(_inside(path), dir_fd=self._root)

    def remove_tree(self, path: str) -> None:
        """Remove a folder and everything in it; nothing happens if there is none."""
        if self.exists(path):
            shutil.rmtree(_inside(path), dir_fd=self._root)

    def fsync_directory(self, path: str = "") -> None:
        """Return when names given, changed and removed in this folder are on the disk."""
        descriptor = self._open_directory(path)
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise FatalStorageError(
                f"the names in the folder {path!r} cannot be synced, so the node must stop: {error}"
            ) from error
        finally:
            os.close(descriptor)

    def free_bytes(self) -> int:
        """Return the free bytes of the file system, without those kept for root."""
        figures = os.fstatvfs(self._root)
        return figures.f_bavail * figures.f_frsize

    def close(self) -> None:
        """Close the folder; a second call has no effect. Open files stay open."""
        if self._root >= 0:
            descriptor, self._root = self._root, -1
            os.close(descriptor)

    def _open_directory(self, path: str) -> int:
        inside = "/".join(path_parts(path)) or "."
        return os.open(inside, _DIRECTORY_FLAGS | os.O_NOFOLLOW, dir_fd=self._root)


def write_whole(files: Files, path: str, octets: Octets) -> None:
    """Replace the content of a file, or make the file, and sync the content; see ``Files``.

    Raises:
        OSError: the disk refuses; the file may have any part of it.
    """
    file = files.open(path, create=True)
    try:
        file.truncate(0)
        file.write_at(0, octets)
        file.fsync()
    finally:
        file.close()


def _inside(path: str) -> str:
    """Return a path that names something in the folder and not the folder itself."""
    if not path_parts(path):
        raise ValueError("expected a path inside the data directory, got the directory itself")
    return path


def _rest(parts: list[memoryview], written: int) -> list[memoryview]:
    """Return the parts without a number of octets at the front."""
    for index, part in enumerate(parts):
        if written < part.nbytes:
            return [part[written:], *parts[index + 1 :]]
        written -= part.nbytes
    return []
