"""The chunks that a stream keeps: in segments, in the tail, and between them."""

import errno

from persistence.streams.gathering import Gathering
from persistence.streams.kept import RETRY_MS, KeptChunks
from persistence.streams.retention import Retention
from tests.support.fault_fs import Kind
from tests.support.stream_logs import TINY, DiskPlace, appended, messages_of

ALL = 1 << 40


def add(kept: KeptChunks, first_offset: int, *messages: bytes, timestamp_ms: int = 1_000) -> None:
    gathering = Gathering(first_offset, timestamp_ms)
    gathering.add(appended(*messages))
    kept.add(gathering.draw(16, 0))


def kept_on(place: DiskPlace) -> KeptChunks:
    return place.stream.kept


def offsets(kept: KeptChunks, from_offset: int) -> list[int]:
    found = kept.read(from_offset, 1 << 20, ALL, checks=True)
    return [offset for offset, _ in messages_of(found)]


def test_reading_goes_on_from_a_segment_into_the_tail() -> None:
    kept = kept_on(DiskPlace())
    add(kept, 0, b"a", b"b")
    assert kept.spill()
    add(kept, 2, b"c")
    assert (offsets(kept, 0), offsets(kept, 2), offsets(kept, 3)) == ([0, 1], [2], [])
    assert kept.last_chunk_offset(ALL) == 2
    assert kept.last_chunk_offset(2) == 0
    assert (kept.offset_at(0), kept.offset_at(1_000), kept.offset_at(1_001)) == (0, 0, None)
    add(kept, 3, b"d", timestamp_ms=2_000)
    assert kept.offset_at(1_500) == 3


def test_sizes_count_each_chunk_once() -> None:
    kept = kept_on(DiskPlace())
    add(kept, 0, b"a")
    size_bytes = kept.size_bytes
    assert (kept.segment_count, kept.first_offset()) == (1, 0)
    kept.spill()
    assert (kept.size_bytes, kept.segment_count) == (size_bytes, 1)


def test_nothing_is_written_behind_a_direct_write_that_is_under_way() -> None:
    place = DiskPlace()
    kept = kept_on(place)
    add(kept, 0, b"a")
    gathering = Gathering(1, 1_000)
    gathering.add(appended(b"b"))
    direct = kept.plan(gathering.draw(16, 0))
    assert direct is not None
    add(kept, 2, b"c")
    place.disk.operations.clear()
    assert kept.spill()
    assert place.disk.operations == []
    assert (offsets(kept, 0), kept.size_bytes > 0) == ([0], True)
    direct.write.file.write_at(direct.write.position, direct.write.parts)
    kept.carried_out(direct, 2, is_fsynced=True)
    assert (offsets(kept, 0), offsets(kept, 2)) == ([0, 1], [2])
    assert kept.spill()
    assert offsets(kept, 0) == [0, 1, 2]


def test_an_old_segment_that_cannot_be_ended_is_tried_again() -> None:
    place = DiskPlace()
    kept = kept_on(place)
    kept.set_retention(Retention(segment_age_ms=100))
    add(kept, 0, b"a")
    assert kept.retain(1_050, 1, 1) == 1_100
    assert kept.retain(1_100, 1, None) == 1_100 + RETRY_MS, "appends are on their way"
    place.disk.fail_at(lambda o: o.kind is Kind.CREATE and "1.seg" in o.path, errno.ENOSPC, times=1)
    assert kept.retain(1_100, 1, 1) == 1_100 + RETRY_MS
    assert kept.segment_count == 1
    assert kept.retain(1_100, 1, 1) is None
    assert kept.segment_count == 2


def test_what_is_not_committed_is_not_dropped() -> None:
    kept = kept_on(DiskPlace())
    kept.set_retention(Retention(max_bytes=0, segment_bytes_max=1))
    for number in range(4):
        add(kept, number, b"m")
        kept.spill()
    kept.retain(1_000, 2, None)
    assert (kept.first_offset(), kept.has_grown) == (2, True)
    kept.retain(1_000, 4, None)
    assert (kept.first_offset(), kept.has_grown) == (3, False)


def test_a_refused_tail_is_not_tried_at_every_append() -> None:
    place = DiskPlace()
    kept = kept_on(place)
    kept._tail_bytes_max = 100
    place.disk.fail_at(lambda o: o.kind is Kind.CREATE, errno.ENOSPC, times=None)
    told: list[int] = []
    kept.on_disk_full = lambda: told.append(kept.tail.size_bytes)
    for number in range(10):
        add(kept, number, b"m" * 10)
        kept.spill_if_due()
    assert 2 <= len(told) < 10


def test_what_is_dropped_is_not_counted() -> None:
    place = DiskPlace()
    kept = kept_on(place)
    add(kept, 0, b"a")
    kept.drop()
    assert place.store._maker._tails.total_bytes == 0


def test_what_went_past_the_page_cache_is_read_from_memory_until_the_stream_is_silent() -> None:
    place = DiskPlace(TINY)
    kept = kept_on(place)
    gathering = Gathering(0, 1_000)
    gathering.add(appended(b"a" * 200))
    direct = kept.plan(gathering.draw(16, 0))
    assert direct is not None
    assert direct.gathered is not None
    direct.write.file.write_at(direct.write.position, direct.write.parts)
    kept.carried_out(direct, 1, is_fsynced=True)
    from_memory = kept.read(0, 1 << 20, ALL, checks=True)
    from_segment = kept.read_segments(0, 1 << 20, ALL)
    assert from_memory is not None
    assert from_segment is not None
    assert bytes(from_memory.octets) == bytes(from_segment.octets)
    assert isinstance(from_memory.octets, memoryview)
    kept.forget_recent()
    again = kept.read(0, 1 << 20, ALL, checks=True)
    assert again is not None
    assert isinstance(again.octets, bytes)
