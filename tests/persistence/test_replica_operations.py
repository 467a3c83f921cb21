"""Operations about a replica, as octets and back."""

import pytest

from persistence.errors import DamagedError
from persistence.operations import Epoch, decode_operations, encode_settle
from persistence.replica_operations import (
    ReplicaCompact,
    ReplicaInstall,
    ReplicaPromise,
    ReplicaRecords,
    encode_compact,
    encode_epoch,
    encode_install,
    encode_promise,
    encode_records,
    sizes_of_records,
)

TABLE = ((1, 1), (4, 9))
RECORDS = encode_epoch(4) + encode_settle(0, range(3, 9, 2))


def decoded(*parts: bytes) -> list[object]:
    return list(decode_operations(memoryview(b"".join(parts))))


def test_every_operation_comes_back() -> None:
    octets = [
        *encode_records(7, 1, 8, ((4, 9),), 2, RECORDS),
        encode_promise(7, 2, 5),
        *encode_install(7, 3, 8, TABLE, RECORDS),
        encode_compact(7, 4, 10),
    ]
    assert decoded(*map(bytes, octets)) == [
        ReplicaRecords(7, 1, 8, ((4, 9),), 2, memoryview(RECORDS)),
        ReplicaPromise(7, 2, 5),
        ReplicaInstall(7, 3, 8, TABLE, memoryview(RECORDS)),
        ReplicaCompact(7, 4, 10),
    ]


def test_the_beginning_of_an_epoch_comes_back() -> None:
    assert decoded(encode_epoch(4)) == [Epoch(0, 4)]


def test_records_are_told_apart_by_their_sizes() -> None:
    assert sizes_of_records(RECORDS, 2) == [32, 32]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_count_of_records_is_damage(count: int) -> None:
    with pytest.raises(DamagedError):
        sizes_of_records(RECORDS, count)


def test_more_rows_than_octets_are_damage() -> None:
    octets = bytearray(encode_promise(7, 2, 5))
    octets[24] = 9
    with pytest.raises(DamagedError, match="9 rows"):
        decoded(bytes(octets))
