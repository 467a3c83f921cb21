"""Reading segments: by offset and time, on from the last place, and past damage."""

import errno

import pytest

from persistence.open_segments import OpenSegments
from persistence.streams.chunk import WholeChunk, draw_chunk
from persistence.streams.files import HEADER_BYTES
from persistence.streams.open_files import OpenFiles
from persistence.streams.reading import SegmentReader
from persistence.streams.segments import StreamSegments
from tests.support.fault_fs import FaultFS, Kind, Operation

ALL = 1 << 40


def chunk(number: int) -> WholeChunk:
    return draw_chunk(10 * number, 1_000 + number, (1, 10), b"%036d" % number)


ONE_BYTES = chunk(0).header.size_bytes


class Place:
    """Ten segments of ten chunks of ten messages."""

    def __init__(self, count: int = 100) -> None:
        self.disk = FaultFS()
        self.disk.make_directory("queues")
        self.segments = StreamSegments(OpenFiles(self.disk, OpenSegments(3)), "queues", 7)
        self.segments.segment_bytes_max = 10 * ONE_BYTES
        self.segments.append([chunk(number) for number in range(count)])
        for segment in self.segments.all:
            segment.index.write()
        self.reader = SegmentReader(self.segments)

    def first_offset(
        self, from_offset: int, max_bytes: int = 1, below: int = ALL, *, checks: bool = False
    ) -> int | None:
        found = self.reader.read(from_offset, max_bytes, below, checks=checks)
        return None if found is None else found.first_offset

    def all_offsets(self, *, checks: bool = False) -> list[int]:
        offsets = []
        at = 0
        while (found := self.reader.read(at, 1, ALL, checks=checks)) is not None:
            offsets.append(found.first_offset)
            at = found.next_offset
        return offsets

    def reads(self, from_offset: int) -> int:
        """Return how many reads of the disk a read of the stream takes."""
        count = 0

        def note(operation: Operation) -> bool:
            nonlocal count
            count += operation.kind is Kind.READ
            return False

        self.disk.fail_at(note, errno.EIO, times=None)
        self.first_offset(from_offset, ONE_BYTES)
        return count

    def damage(self, number: int, at: int) -> None:
        segment = self.segments.all[number // 10]
        self.disk.flip_bit(segment.path, HEADER_BYTES + number % 10 * ONE_BYTES + at)


def test_the_chunk_that_holds_an_offset_is_found_in_any_segment() -> None:
    place = Place()
    assert [place.first_offset(offset) for offset in (0, 9, 10, 99, 100, 555, 999)] == [
        0, 0, 10, 90, 100, 550, 990,
    ]  # fmt: skip
    assert place.first_offset(1_000) is None
    assert place.first_offset(555, below=550) is None
    assert place.all_offsets() == list(range(0, 1_000, 10))


def test_an_extent_stays_in_its_segment_and_within_its_size() -> None:
    place = Place()
    found = place.reader.read(955, ALL, ALL, checks=False)
    assert found is not None
    assert (found.first_offset, found.next_offset) == (950, 1_000)
    found = place.reader.read(0, 3 * ONE_BYTES, ALL, checks=False)
    assert found is not None
    assert (found.next_offset, len(found.octets)) == (30, 3 * ONE_BYTES)


def test_a_reader_goes_on_where_it_was_without_the_index() -> None:
    place = Place()
    assert place.reads(500) > 1
    assert place.reads(510) == 1


def test_segments_have_gaps_between_and_within() -> None:
    place = Place(0)
    place.segments.append([chunk(0), chunk(3), chunk(4)])
    place.segments.append([chunk(number) for number in range(20, 29)])
    assert [place.first_offset(offset) for offset in (9, 10, 29, 49, 50, 199, 200)] == [
        0, 30, 30, 40, 200, 200, 200,
    ]  # fmt: skip
    assert place.all_offsets() == [0, 30, 40, *range(200, 290, 10)]


def test_times_and_the_last_chunk_are_found() -> None:
    place = Place()
    reader = place.reader
    assert [reader.offset_at(at) for at in (0, 1_000, 1_001, 1_055, 1_099, 1_100)] == [
        0, 0, 10, 550, 990, None,
    ]  # fmt: skip
    assert reader.last_chunk_offset(ALL) == 990
    assert reader.last_chunk_offset(991) == 990
    assert reader.last_chunk_offset(990) == 980
    assert reader.last_chunk_offset(900) == 890
    assert reader.last_chunk_offset(0) is None


def test_a_damaged_header_costs_its_chunk_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = Place(30)
    place.damage(4, 0)
    expected = [offset for offset in range(0, 300, 10) if offset != 40]
    for _ in range(2):
        assert place.all_offsets() == expected
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1


def test_damaged_data_is_left_out_where_it_is_checked(caplog: pytest.LogCaptureFixture) -> None:
    place = Place(30)
    for number in (0, 4, 5, 29):
        place.damage(number, 60)
    left = [offset for offset in range(0, 300, 10) if offset not in {0, 40, 50, 290}]
    for _ in range(2):
        assert place.all_offsets(checks=True) == left
    assert place.all_offsets() == list(range(0, 300, 10))
    found = place.reader.read(10, ALL, ALL, checks=True)
    assert found is not None
    assert found.next_offset == 40
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 4


def test_what_the_disk_cannot_read_is_damage_and_a_shortage_is_not() -> None:
    place = Place(30)
    first = place.segments.all[0].path
    place.disk.fail_at(
        lambda o: (o.kind, o.path, o.position) == (Kind.READ, first, HEADER_BYTES),
        errno.EIO,
        times=3,
    )
    assert place.first_offset(0) == 10
    assert place.first_offset(0) == 0
    for name in ("00.segment", "00.index"):
        place.disk.fail_at(
            lambda o, name=name: o.kind is Kind.OPEN and name in o.path,  # type: ignore[misc]
            errno.EMFILE,
            times=1,
        )
        for path in [segment.path for segment in place.segments.all]:
            place.segments.opened.close(path)
            place.segments.opened.close(path.replace("segment", "index"))
        place.reader.forget()
        with pytest.raises(OSError, match="open"):
            place.first_offset(25)
        assert place.first_offset(25) == 20


@pytest.mark.parametrize("is_there", [True, False])
def test_an_index_that_is_not_one_is_made_anew(is_there: bool) -> None:
    place = Place(30)
    path = place.segments.all[1].index.path
    place.segments.opened.close(path)
    if is_there:
        place.disk.open(path).write_at(HEADER_BYTES, b"?" * 320)
    else:
        place.disk.remove(path)
    assert place.first_offset(155) == 150
    assert place.reader.offset_at(1_015) == 150
    assert place.all_offsets() == list(range(0, 300, 10))


def test_an_index_that_is_missing_is_made_anew_for_times_too() -> None:
    place = Place(30)
    for segment in place.segments.all:
        place.segments.opened.close(segment.index.path)
        place.disk.remove(segment.index.path)
    assert place.reader.offset_at(1_015) == 150
    assert place.reader.last_chunk_offset(ALL) == 290


def test_a_segment_that_is_missing_costs_what_was_in_it() -> None:
    place = Place(30)
    path = place.segments.all[1].path
    place.segments.opened.close(path)
    place.disk.remove(path)
    assert place.first_offset(155) == 200
    assert place.all_offsets() == [*range(0, 100, 10), *range(200, 300, 10)]


def test_where_neither_index_nor_segment_can_be_read_that_is_an_error_of_the_disk() -> None:
    place = Place(30)
    for segment in place.segments.all:
        for path in (segment.path, segment.index.path):
            place.segments.opened.close(path)
            place.disk.remove(path)
    with pytest.raises(OSError, match="missing"):
        place.reader.offset_at(1_015)
    with pytest.raises(OSError, match="missing"):
        place.reader.last_chunk_offset(ALL)
    assert place.all_offsets() == []
