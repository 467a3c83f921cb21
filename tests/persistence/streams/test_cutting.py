"""A chunk without the messages that a compaction removes."""

from persistence.files import Octets
from persistence.streams.chunk import check_chunk, chunks_in, decode_trailer, draw_chunk
from persistence.streams.chunk_filter import WantedValues, draw_filter
from persistence.streams.cutting import ChunkCut, SourceChunk
from persistence.streams.references import References
from tests.support.compacted_places import NOW_MS, fill, place_of, write
from tests.support.keyed_messages import (
    compact,
    find_keys,
)
from tests.support.stream_logs import (
    appended,
    entry,
)


def test_filters_say_what_is_left_in_a_chunk() -> None:
    place = place_of()
    place.log.append(appended(b"r=1", b"g=1", b"b=1", filter_values={b"r", b"g", b"b"}), NOW_MS)
    place.commit()
    write(place, b"g=2")
    fill(place)
    compact(place.log, NOW_MS)
    extent = place.log.read(0, 1)
    assert extent is not None
    [(_, header)] = chunks_in(extent.octets)
    assert (header.first_offset, header.record_count) == (0, 1)
    chunk_filter = extent.octets[48 : 48 + header.filter_bytes]
    assert may_be_in(chunk_filter, b"r")
    assert not may_be_in(chunk_filter, b"b")
    assert not may_be_in(chunk_filter, b"")


def may_be_in(chunk_filter: Octets, value: bytes) -> bool | None:
    return WantedValues([value], match_unfiltered=False).may_be_in(chunk_filter, 0, 100)


def source_of(
    *messages: bytes,
    compacted_ms: int = 0,
    chunk_filter: bytes = b"",
    has_values_beside: bool = False,
    publishing_ids: dict[bytes, int] | None = None,
) -> SourceChunk:
    data = b"".join(map(entry, messages))
    counts = (len(messages), len(messages))
    drawn = draw_chunk(
        7,
        1_234,
        counts,
        data,
        compacted_ms=compacted_ms,
        chunk_filter=chunk_filter,
        has_values_beside=has_values_beside,
        publishing_ids=publishing_ids,
    )
    octets = b"".join(drawn.parts)
    return SourceChunk(drawn.header, decode_trailer(octets), octets)


def cut_of(source: SourceChunk, survives: list[bool]) -> ChunkCut:
    cut = ChunkCut(source, source.data)
    cut.add(find_keys(source.data, 0, len(survives)), survives)
    return cut


def test_offsets_in_a_chunk_have_no_gap() -> None:
    source = source_of(*[b"%d" % number for number in range(7)], publishing_ids={b"p": 9})
    cut = cut_of(source, [True, True, False, False, True, False, True])
    ids = References()
    ids.note(b"q", 3)
    chunks = list(cut.draw(5_000, ids))
    found = [(each.header.first_offset, each.header.record_count) for each in chunks]
    assert found == [(7, 2), (11, 1), (13, 1)]
    octets = [b"".join(each.parts) for each in chunks]
    assert [check_chunk(each).timestamp_ms for each in octets] == [1_234] * 3
    assert chunks[1].parts[1] == entry(b"4")
    trailers = [decode_trailer(each) for each in octets]
    assert [each.compacted_ms for each in trailers] == [5_000] * 3
    assert [each.publishing_ids for each in trailers] == [{}, {}, {b"p": 9, b"q": 3}]
    assert len(ids) == 0


def test_the_first_compaction_of_a_chunk_stays_noted() -> None:
    source = source_of(b"a", b"b", compacted_ms=4_000)
    cut = cut_of(source, [False, True])
    assert (cut.is_compacted, cut.is_whole) == (True, False)
    [chunk] = cut.draw(5_000, References())
    assert decode_trailer(b"".join(chunk.parts)).compacted_ms == 4_000


def test_publishing_ids_wait_for_a_chunk_that_is_left() -> None:
    cut = cut_of(source_of(b"a", publishing_ids={b"p": 9}), [False])
    ids = References()
    assert list(cut.draw(5_000, ids)) == []
    assert list(ids) == [(b"p", 9)]


def test_a_filter_whose_values_are_beside_the_messages_stays() -> None:
    chunk_filter = draw_filter({b"eu"}, 16)
    source = source_of(b"a", b"b", chunk_filter=chunk_filter, has_values_beside=True)
    [chunk] = cut_of(source, [False, True]).draw(5_000, References())
    assert chunk.parts[0][48:] == chunk_filter
