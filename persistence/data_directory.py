"""The folder of a node's data: its owner, its format, and the lock against a second node.

    format    "haremq data 1", a newline, the node's id in hex, a newline
    lock      locked (flock) while a node runs; holds its process id in decimal

Both are made at the first start. The node's id is drawn once and never changes, so data that was
copied to another place still belongs to that node. This module looks at nothing else in the folder.
"""

import fcntl
import os
import re
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

from persistence.errors import DataDirectoryError
from persistence.files import Files, OsFiles, write_whole

FORMAT_VERSION: Final = 1
FORMAT_BYTES_MAX: Final = 256
"""A longer file is not a format file."""

NODE_ID_BYTES: Final = 16

FORMAT_PATH: Final = "format"
_NEW_FORMAT: Final = "format.new"
_LOCK: Final = "lock"
_LOST_AND_FOUND: Final = "lost+found"
_BEFORE_THE_FORMAT: Final = frozenset({_LOCK, _NEW_FORMAT, _LOST_AND_FOUND})
"""Names that a first start may have left, or that a file system of its own has."""

_ROOT: Final = 0

_VERSION_LINE: Final = re.compile(rb"haremq data ([0-9]{1,9})\n")
_NODE_ID_LINE: Final = re.compile(rb"([0-9a-f]{32})\n")
_PID: Final = re.compile(rb"[0-9]{1,19}")
_PID_BYTES_MAX: Final = 20

RandomBytes: TypeAlias = Callable[[int], bytes]
"""Returns a given number of random octets."""


class DataDirectory:
    """The folder of this node, locked until it is closed.

    Attributes:
        path: where it is.
        files: what is in it.
        node_id: 32 hex digits.
        is_new: whether this is the node's first start.
    """

    def __init__(
        self, path: Path, files: OsFiles, node_id: str, lock: int, *, is_new: bool = False
    ) -> None:
        self.path = path
        self.files = files
        self.node_id = node_id
        self.is_new = is_new
        self._lock = lock

    def close(self) -> None:
        """Unlock it for another node; a second call has no effect."""
        self.files.close()
        if self._lock >= 0:
            lock, self._lock = self._lock, -1
            os.close(lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_data_directory(path: Path, random_bytes: RandomBytes) -> DataDirectory:
    """Make or open a node's folder, and lock it.

    Args:
        path: of the folder; it is made, for this user only, where there is none.
        random_bytes: draws the id of a new node.

    Raises:
        DataDirectoryError: another node uses it, it has another version, it is damaged, it is not a
            data directory, it belongs to another user while we are root, or it cannot be written.
            Nothing was written.
    """
    try:
        _require_not_roots_for_another(path)
        _make(path)
        files = OsFiles(path)
    except NotADirectoryError as error:
        raise DataDirectoryError(
            f"data directory {path}: expected a folder, found a file; name another path"
        ) from error
    except OSError as error:
        raise _cannot_be_used(path, error) from error
    try:
        return _open(path, files, random_bytes)
    except BaseException:
        files.close()
        raise


def _open(path: Path, files: OsFiles, random_bytes: RandomBytes) -> DataDirectory:
    try:
        _require_ours_or_empty(path, files)
        lock = _locked(path)
        try:
            is_new = not files.exists(FORMAT_PATH)
            node_id = node_id_of(files, random_bytes, f"data directory {path}")
            _note_pid(lock)
        except BaseException:
            os.close(lock)
            raise
    except OSError as error:
        raise _cannot_be_used(path, error) from error
    return DataDirectory(path, files, node_id, lock, is_new=is_new)


def node_id_of(files: Files, random_bytes: RandomBytes, where: str) -> str:
    """Return the id of the folder's node; the first start draws and writes it.

    Args:
        files: the folder, locked.
        random_bytes: draws the id.
        where: name of the folder for messages.

    Raises:
        DataDirectoryError: it has another version, or is damaged.
        OSError: it cannot be read or written.
    """
    if not files.exists(FORMAT_PATH):
        node_id = random_bytes(NODE_ID_BYTES).hex()
        text = f"haremq data {FORMAT_VERSION}\n{node_id}\n".encode()
        _write_durably(files, FORMAT_PATH, _NEW_FORMAT, text)
        return node_id
    file = files.open(FORMAT_PATH)
    try:
        content = file.read_at(0, FORMAT_BYTES_MAX + 1)
    finally:
        file.close()
    # The process that wrote it may have died before the folder was synced. Its name must be safe
    # now.
    files.fsync_directory()
    return _node_id_in(content, where)


def _node_id_in(content: bytes, where: str) -> str:
    version = _VERSION_LINE.match(content)
    if version is None:
        raise DataDirectoryError(
            f'{where}: expected the file format to begin with "haremq data {FORMAT_VERSION}", '
            f"found {content[:40]!r}; it is damaged: restore it from a backup, or name an empty "
            f"folder"
        )
    if int(version[1]) != FORMAT_VERSION:
        raise DataDirectoryError(
            f"{where}: expected data of format {FORMAT_VERSION}, found format {int(version[1])}, "
            f"which another version of HareMQ wrote; start that version, or name an empty folder "
            f"and bring definitions over by export and import"
        )
    node_id = _NODE_ID_LINE.fullmatch(content, version.end())
    if node_id is None:
        raise DataDirectoryError(
            f"{where}: expected the second line of the file format to be a node's id of "
            f"{2 * NODE_ID_BYTES} hex digits, found {content[version.end() :][:40]!r}; it is "
            f"damaged: restore it from a backup"
        )
    return node_id[1].decode()


def _write_durably(files: Files, path: str, new_path: str, content: bytes) -> None:
    """Write a small file; after a crash it is there as a whole, or not at all."""
    write_whole(files, new_path, content)
    files.rename(new_path, path)
    files.fsync_directory()


def _make(path: Path) -> None:
    """Make the folder and those around it, each durably; the last one for this user only."""
    if path.is_dir():
        return
    if path.exists():
        raise NotADirectoryError(path)
    if path.parent != path:
        _make(path.parent)
    path.mkdir(0o700, exist_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_not_roots_for_another(path: Path) -> None:
    """Refuse a service user's folder to root: that user could not read files of root."""
    if os.geteuid() != _ROOT:
        return
    for owned in (path, path / FORMAT_PATH):
        try:
            user_id = owned.stat().st_uid
        except (FileNotFoundError, NotADirectoryError):
            continue
        if user_id != _ROOT:
            user = _user_name(owned, user_id)
            raise DataDirectoryError(
                f"data directory {path}: it belongs to the user {user}, who could not read what "
                f"root would write there; run as that user: sudo -u {user} haremq start ..."
            )


def _user_name(owned: Path, user_id: int) -> str:
    try:
        return owned.owner()
    except KeyError:  # no such user on this host, as in a container
        return f"'#{user_id}'"


def _require_ours_or_empty(path: Path, files: OsFiles) -> None:
    names = files.names()
    strangers = [name for name in names if name not in _BEFORE_THE_FORMAT]
    if strangers and FORMAT_PATH not in names:
        raise DataDirectoryError(
            f"data directory {path}: expected an empty folder or one with a file format, found "
            f"{strangers[0][:40]!r} in it; name an empty folder"
        )


def _locked(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    lock = os.open(path / _LOCK, flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = _PID.match(os.pread(lock, _PID_BYTES_MAX, 0))
        os.close(lock)
        holder = "another process" if pid is None else f"process {pid[0].decode()}"
        raise DataDirectoryError(
            f"data directory {path}: a node that runs already uses it ({holder}); stop that node, "
            f"or name another folder"
        ) from error
    except BaseException:
        os.close(lock)
        raise
    return lock


def _note_pid(lock: int) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _cannot_be_used(path: Path, error: OSError) -> DataDirectoryError:
    return DataDirectoryError(
        f"data directory {path}: expected a folder that can be read and written, got "
        f"{error.strerror}; change its rights, or name another"
    )
