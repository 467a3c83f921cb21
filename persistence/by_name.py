"""What is done to a file or a folder by its name alone: a sync, a removal."""

import logging
from collections.abc import Callable
from contextlib import suppress

from persistence.errors import FatalStorageError
from persistence.files import Files

log = logging.getLogger(__name__)


def fsync_file(files: Files, path: str) -> None:
    """Sync a file by its name; a file that is gone needs no sync.

    Raises:
        OSError: it could not be opened; nothing was synced, and the caller may try again.
        FatalStorageError: written data may be lost, whatever a later sync reports.
    """
    try:
        file = files.open(path)
    except FileNotFoundError:
        return
    try:
        file.fsync()
    except OSError as error:
        raise FatalStorageError(
            f"a sync of {path} failed, so the node must stop: {error}"
        ) from error
    finally:
        file.close()


def fsync_directory(files: Files, path: str) -> None:
    """Sync the names in a folder; a folder that is gone needs no sync.

    Raises:
        OSError: the folder could not be opened.
        FatalStorageError: names may be lost, whatever a later sync reports.
    """
    with suppress(FileNotFoundError):
        files.fsync_directory(path)


def remove(how: Callable[[str], None], path: str) -> None:
    """Remove an unneeded file; if that fails, the next start removes it."""
    try:
        how(path)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("an unneeded file stays path=%s error=%s", path, error)
