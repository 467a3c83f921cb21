import random

import pytest

from cluster.node.identity_file import PATH, IdentityDamagedError, read_identity, write_identity
from cluster.node.ports import KeptIdentity
from cluster.replication.identity import DiskIdentity
from persistence.files import write_whole
from tests.support.fault_fs import FaultFS

OLD = KeptIdentity(DiskIdentity("d", 7, 40, raising=True), is_begun=False)
NEW = KeptIdentity(DiskIdentity("d", 8, 41), is_begun=True)


def test_what_was_written_is_read() -> None:
    files = FaultFS()
    assert read_identity(files) is None
    for kept in (OLD, NEW):
        write_identity(files, kept)
        assert read_identity(files) == kept


def test_what_was_written_is_there_after_a_crash() -> None:
    for seed in range(40):
        draw = random.Random(seed)
        files = FaultFS()
        write_identity(files, OLD)
        write_identity(files, NEW)
        assert read_identity(files.crash(draw.randrange)) == NEW, "its write returned"


@pytest.mark.parametrize("octets", [b"", b"[]", b'{"v": 2}', b'{"v": 1, "disk": 3}'])
def test_a_damaged_file_is_an_error_and_no_empty_disk(octets: bytes) -> None:
    files = FaultFS()
    write_whole(files, PATH, octets)
    with pytest.raises(IdentityDamagedError, match="no identity of version 1"):
        read_identity(files)
