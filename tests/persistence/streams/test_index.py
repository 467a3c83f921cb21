"""The index of a segment: on disk, looked up by halves."""

import errno

import pytest

from persistence.errors import DamagedError
from persistence.open_segments import OpenSegments
from persistence.streams.files import ChunkPlace
from persistence.streams.index import UNWRITTEN_PLACES_MAX, SegmentIndex, new_index
from persistence.streams.open_files import OpenFiles
from tests.support.fault_fs import FaultFS, Kind, Operation


def index_on(disk: FaultFS) -> SegmentIndex:
    return new_index(OpenFiles(disk, OpenSegments()), "i", 1, 0)


def place(number: int) -> ChunkPlace:
    return ChunkPlace(10 * number, 1_000 + number, 32 + 100 * number, 10, 100)


def filled(disk: FaultFS, count: int, written_count: int) -> SegmentIndex:
    index = index_on(disk)
    for number in range(count):
        index.add(place(number))
        if number + 1 == written_count:
            index.write()
    return index


def number_of_first_above(index: SegmentIndex, offset: int) -> int:
    return index.first_with(lambda each: each.next_offset > offset)


@pytest.mark.parametrize("written_count", [0, 1, 150, 200])
def test_entries_are_found_wherever_they_are(written_count: int) -> None:
    index = filled(FaultFS(), 200, written_count)
    assert len(index) == 200
    assert [index.place(number) for number in (0, 149, 150, 199)] == [
        place(number) for number in (0, 149, 150, 199)
    ]
    for first in (0, 5, 149, 150, 199, 200):
        assert list(index.places_from(first)) == [place(number) for number in range(first, 200)]
    for offset in (0, 9, 10, 1_495, 1_999, 2_000, 5_000):
        assert number_of_first_above(index, offset) == min(offset // 10, 200)


def test_a_look_reads_few_entries() -> None:
    disk = FaultFS()
    index = filled(disk, 100_000, 100_000)
    reads: list[Kind] = []

    def note(operation: Operation) -> bool:
        reads.append(operation.kind)
        return False

    disk.fail_at(note, errno.EIO)
    assert index.first_with(lambda each: each.first_offset >= 123_450) == 12_345
    assert len(reads) <= 17


def test_many_entries_are_due() -> None:
    index = filled(FaultFS(), UNWRITTEN_PLACES_MAX - 1, 0)
    assert not index.is_due()
    index.add(place(UNWRITTEN_PLACES_MAX))
    assert index.is_due()
    index.write()
    assert not index.is_due()
    assert index.is_dirty


def test_what_the_disk_refuses_stays_in_memory() -> None:
    disk = FaultFS()
    index = filled(disk, 3, 1)
    disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC)
    with pytest.raises(OSError, match="space"):
        index.write()
    assert list(index.places_from(0)) == [place(0), place(1), place(2)]
    index.write()
    adopted = index_on(disk)
    adopted.adopt(3)
    assert list(adopted.places_from(0)) == [place(0), place(1), place(2)]


def test_a_file_that_is_short_or_missing_is_damage() -> None:
    disk = FaultFS()
    filled(disk, 3, 3)
    index = index_on(disk)
    index.adopt(4)
    with pytest.raises(DamagedError, match="too short"):
        index.place(3)
    disk.remove("i")
    index = index_on(disk)
    index.adopt(1)
    with pytest.raises(DamagedError, match="missing"):
        index.place(0)


def test_an_index_is_made_anew() -> None:
    disk = FaultFS()
    index = filled(disk, 3, 3)
    index.replace([place(7), place(8)])
    index.write()
    assert list(index.places_from(0)) == [place(7), place(8)]
