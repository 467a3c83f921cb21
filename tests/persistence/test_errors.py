"""Which failures of a write may be tried again."""

import errno

import pytest

from persistence.errors import FatalStorageError, StorageError, is_disk_full


@pytest.mark.parametrize(
    ("number", "expected"),
    [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EIO, False), (errno.EROFS, False)],
)
def test_only_want_of_space_and_quota_pass_by_themselves(number: int, *, expected: bool) -> None:
    assert is_disk_full(OSError(number, "refused")) is expected
    assert is_disk_full(OSError("without a number")) is False


def test_whoever_handles_storage_errors_handles_fatal_ones() -> None:
    assert issubclass(FatalStorageError, StorageError)
    assert not issubclass(FatalStorageError, OSError)
