"""What can go wrong with stored data, and whether the node may go on."""

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
    """Octets on disk are not those that were written there."""


class FatalStorageError(StorageError):
    """What is on disk is not known any more: the node must stop and confirm nothing more.

    Raised for a failed fdatasync above all: the kernel may have dropped the pages that it could
    not write, so that a second one would report a success that never was.
    """


def shortage_of(error: OSError) -> str:
    """Return what is short, for the log."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk is full ({error.strerror})"
    return f"a file cannot be opened or written ({error.strerror})"


def is_shortage(error: OSError) -> bool:
    """Return whether something failed for want of what may be there again later.

    Space (ENOSPC), quota (EDQUOT), file descriptors of the process (EMFILE) or the host (ENFILE),
    memory of the kernel (ENOMEM). The same may be done again later; any other failure of a write is
    not known to be harmless, and no failure of a sync is.
    """
    return error.errno in _SHORTAGES
