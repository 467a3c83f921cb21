"""The errors of stored data; they say whether the node may go on."""

import errno
from typing import Final

_SHORTAGES: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
)


class StorageError(Exception):
    """The stored data cannot be used as asked."""


class DataDirectoryError(StorageError):
    """The data directory cannot be opened; the text says what to do about it."""


class DamagedError(StorageError):
    """Octets on disk are not the octets that were written."""


class FatalStorageError(StorageError):
    """The content of the disk is unknown: the node must stop and confirm nothing more.

    Raised above all for a failed fdatasync. The kernel may have dropped the pages that it could not
    write, so a second fdatasync would falsely report success.
    """


def shortage_of(error: OSError) -> str:
    """Return the name of the missing resource, for the log."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk is full ({error.strerror})"
    return f"a file cannot be opened or written ({error.strerror})"


def is_shortage(error: OSError) -> bool:
    """Return whether an operation failed because of a shortage that may pass.

    Space (ENOSPC), quota (EDQUOT), file descriptors of the process (EMFILE) or the host (ENFILE),
    memory of the kernel (ENOMEM). The same operation may be tried again later. No other failure of
    a write is known to be harmless, and no failure of a sync is harmless.
    """
    return error.errno in _SHORTAGES
