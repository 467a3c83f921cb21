"""The segments that a compaction writes."""

from persistence.streams.chunk import draw_chunk
from persistence.streams.compacted_writer import CompactedWriter
from persistence.streams.files import Footer, decode_footer
from tests.support.compacted_places import names_of, place_of
from tests.support.fault_fs import FaultFS
from tests.support.stream_logs import DiskPlace, entry


def written(place: DiskPlace, count: int) -> CompactedWriter:
    writer = CompactedWriter(place.stream.kept.segments, 3)
    for number in range(count):
        chunk = draw_chunk(10 * number, 1_000, (1, 1), entry(b"." * 50))
        writer.add(chunk.header, chunk.parts)
    return writer


def footer_of(disk: FaultFS, path: str) -> Footer | None:
    file = disk.open(path)
    return decode_footer(file.read_at(file.size_bytes - 40, 40))


def test_a_segment_ends_at_its_size_and_says_what_it_stands_for() -> None:
    place = place_of()
    place.stream.kept.segments.opened.files.make_directory(place.stream.directory)
    new = written(place, 5).finish(0, 60)
    assert [(each.first_offset, each.next_offset, each.generation) for each in new] == [
        (0, 31, 3),
        (40, 41, 3),
    ]
    footers = [footer_of(place.disk, each.path) for each in new]
    assert footers == [Footer(0, 31, new[0].size_bytes), Footer(31, 60, new[1].size_bytes)]
    assert all(each.is_dirty and each.index.is_dirty and each.is_closed for each in new)


def test_what_is_discarded_leaves_no_file() -> None:
    place = place_of()
    place.stream.kept.segments.opened.files.make_directory(place.stream.directory)
    writer = written(place, 5)
    assert len(names_of(place.disk)) == 4
    writer.discard()
    assert names_of(place.disk) == []


def test_a_file_of_an_earlier_life_is_written_over() -> None:
    place = place_of()
    files = place.stream.kept.segments.opened.files
    files.make_directory(place.stream.directory)
    left = f"{place.stream.directory}/00000000000000000000-3.segment"
    files.open(left, create=True).write_at(0, b"?" * 5_000)
    [segment] = written(place, 1).finish(0, 9)
    assert footer_of(place.disk, segment.path) == Footer(0, 9, segment.size_bytes)
