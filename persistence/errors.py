"""What can go wrong with stored data, and whether the node may go on."""

import errno
from typing import Final

_DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


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


def is_disk_full(error: OSError) -> bool:
    """Return whether a write failed for want of space (ENOSPC) or of quota (EDQUOT).

    Such a write may be repeated at the same place later; any other failure is not known to be
    harmless.
    """
    return error.errno in _DISK_FULL
