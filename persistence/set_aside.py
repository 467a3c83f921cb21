"""Sets aside the files of queues that no definition names any more.

Where definitions were lost, it is unknown which queues these messages belong to, and they may still
be needed. So they are moved out of the way, and can be recovered:

    set-aside/0001/queues/...      moved: the folders of such queues
    set-aside/0001/wal/...         copied, since the other queues need them too
    set-aside/0001/checkpoint, format

Together with the definitions of a backup (as ``definitions``) the folder is a data directory on
which a node can be started.
"""

from collections.abc import Iterable
from typing import Final

from persistence.files import Files

SET_ASIDE_DIRECTORY: Final = "set-aside"

_COPY_BYTES: Final = 1 << 20


def set_aside(files: Files, folders: Iterable[str], copied: Iterable[str]) -> str:
    """Move folders, and copy files, into a folder of their own; return its path.

    A crash in the middle leaves a part of it there, and the rest where it was.

    Args:
        files: the data directory.
        folders: paths, each of a folder within a folder, which hold files alone.
        copied: paths of files, in the data directory or a folder of it; those that are not there
            are left out.

    Raises:
        OSError: the disk refuses; nothing is lost.
        FatalStorageError: so does a sync of names.
    """
    files.make_directory(SET_ASIDE_DIRECTORY)
    files.fsync_directory()
    taken = [int(name) for name in files.names(SET_ASIDE_DIRECTORY) if name.isdecimal()]
    place = f"{SET_ASIDE_DIRECTORY}/{max(taken, default=0) + 1:04d}"
    files.make_directory(place)
    files.fsync_directory(SET_ASIDE_DIRECTORY)
    for path in copied:
        if files.exists(path):
            _make_parents(files, place, path)
            _copy(files, path, f"{place}/{path}")
    for folder in folders:
        target = f"{place}/{folder}"
        _make_parents(files, place, f"{folder}/")
        for name in files.names(folder):
            files.rename(f"{folder}/{name}", f"{target}/{name}")
        files.fsync_directory(target)
        files.remove_tree(folder)
    return place


def _make_parents(files: Files, place: str, path: str) -> None:
    """Make the folders around a path, each durably."""
    for name in path.split("/")[:-1]:
        files.make_directory(f"{place}/{name}")
        files.fsync_directory(place)
        place = f"{place}/{name}"


def _copy(files: Files, path: str, target: str) -> None:
    source = files.open(path)
    try:
        copy = files.open(target, create=True)
        try:
            size_bytes = source.size_bytes
            for position in range(0, size_bytes, _COPY_BYTES):
                copy.write_at(position, source.read_at(position, _COPY_BYTES))
            copy.fsync()
        finally:
            copy.close()
    finally:
        source.close()
    files.fsync_directory(target.rpartition("/")[0])
