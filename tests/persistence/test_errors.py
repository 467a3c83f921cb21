"""Which failures of a write may be tried again."""

import errno

import pytest

from persistence.errors import FatalStorageError, StorageError, is_shortage, shortage_of


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, True),
        (errno.EDQUOT, True),
        (errno.EMFILE, True),
        (errno.ENFILE, True),
        (errno.ENOMEM, True),
        (errno.EIO, False),
        (errno.EROFS, False),
    ],
)
def test_only_want_of_space_descriptors_or_memory_passes_by_itself(
    number: int, *, expected: bool
) -> None:
    assert is_shortage(OSError(number, "refused")) is expected
    assert is_shortage(OSError("without a number")) is False


def test_whoever_handles_storage_errors_handles_fatal_ones() -> None:
    assert issubclass(FatalStorageError, StorageError)
    assert not issubclass(FatalStorageError, OSError)


def test_a_shortage_has_a_name_for_the_log() -> None:
    assert "disk is full" in shortage_of(OSError(errno.ENOSPC, "No space left on device"))
    assert "Too many open files" in shortage_of(OSError(errno.EMFILE, "Too many open files"))
