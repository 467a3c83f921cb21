"""What every log of a stream promises of ``StreamLog``, in memory or on disk."""

from itertools import pairwise

import pytest

from persistence.streams.chunk import check_chunk, decode_trailer
from persistence.streams.retention import Retention
from tests.support.stream_logs import (
    PLACES,
    WALL_OFFSET_MS,
    LogPlace,
    all_messages,
    appended,
    may_hold,
    messages_of,
)

NOW_MS = 1_000
ALL_BYTES = 1 << 20


@pytest.fixture(params=sorted(PLACES))
def place(request: pytest.FixtureRequest) -> LogPlace:
    place: LogPlace = PLACES[request.param]()
    return place


def publish(place: LogPlace, *messages: bytes, now_ms: int = NOW_MS) -> None:
    """Append messages as one chunk, and commit them."""
    place.log.append(appended(*messages), now_ms)
    place.commit()


def test_a_new_log_is_empty(place: LogPlace) -> None:
    log = place.log
    assert (log.first_offset, log.next_offset, log.readable_offset) == (0, 0, 0)
    assert (log.message_count, log.size_bytes, log.segment_count) == (0, 0, 0)
    assert (log.read(0, ALL_BYTES), log.last_chunk_offset(), log.offset_at(0)) == (None, None, None)
    assert (log.publishing_id(b"p"), log.stored_offset(b"c")) == (None, None)
    assert log.retain(NOW_MS) is None


def test_messages_get_the_next_offsets_in_order(place: LogPlace) -> None:
    publish(place, b"a", b"b")
    publish(place, b"c")
    log = place.log
    assert (log.first_offset, log.next_offset, log.readable_offset) == (0, 3, 3)
    assert all_messages(log) == [(0, b"a"), (1, b"b"), (2, b"c")]
    assert log.message_count == 3
    assert log.segment_count == 1


def test_messages_are_readable_when_they_are_committed(place: LogPlace) -> None:
    told: list[int] = []
    log = place.log
    log.on_readable = lambda: told.append(log.readable_offset)
    lsn = log.append(appended(b"a"), NOW_MS)
    assert log.appended_lsn == lsn
    if not place.is_at_once:
        assert (told, log.readable_offset, log.read(0, ALL_BYTES)) == ([], 0, None)
        assert (log.last_chunk_offset(), log.offset_at(0)) == (None, None)
        log.commit_group.wait(lsn, lambda: told.append(-1))
    place.commit()
    assert log.commit_group.committed_lsn >= lsn
    assert told == ([1] if place.is_at_once else [1, -1])
    assert messages_of(log.read(0, ALL_BYTES)) == [(0, b"a")]


def test_an_extent_begins_with_the_chunk_that_holds_the_offset(place: LogPlace) -> None:
    for messages in ((b"a", b"b"), (b"c", b"d", b"e"), (b"f",)):
        publish(place, *messages)
    found = place.log.read(3, ALL_BYTES)
    assert found is not None
    assert (found.first_offset, found.next_offset) == (2, 6)
    assert [message for _, message in messages_of(found)] == [b"c", b"d", b"e", b"f"]
    assert place.log.read(6, ALL_BYTES) is None
    assert place.log.read(7, ALL_BYTES) is None


def test_an_extent_has_whole_chunks_up_to_its_size_and_always_one(place: LogPlace) -> None:
    for _ in range(4):
        publish(place, b"x" * 100)
    whole = place.log.read(0, ALL_BYTES)
    assert whole is not None
    one_bytes = len(whole.octets) // 4
    for max_bytes, count in ((0, 1), (one_bytes, 1), (2 * one_bytes + 1, 2), (4 * one_bytes, 4)):
        found = place.log.read(0, max_bytes)
        assert found is not None
        assert (found.next_offset, len(found.octets)) == (count, count * one_bytes)


def test_chunks_are_whole_and_say_what_they_are(place: LogPlace) -> None:
    log = place.log
    log.append(appended(b"a", filter_values={b"red"}, publisher=b"p", publishing_id=7), NOW_MS)
    place.commit()
    found = log.read(0, ALL_BYTES, checks=True)
    assert found is not None
    header = check_chunk(found.octets)
    assert (header.first_offset, header.entry_count, header.record_count) == (0, 1, 1)
    assert header.timestamp_ms == WALL_OFFSET_MS + NOW_MS
    assert header.filter_bytes == 16
    chunk_filter = found.octets[48:64]
    assert may_hold(chunk_filter, [b"red"])
    assert not may_hold(chunk_filter, [b"blue"])
    assert decode_trailer(found.octets).publishing_ids == {b"p": 7}


def test_filters_have_the_size_that_was_set(place: LogPlace) -> None:
    place.log.set_filter_bytes(32)
    place.log.append(appended(b"a", filter_values={b"red"}), NOW_MS)
    publish(place, b"b")
    found = place.log.read(0, ALL_BYTES)
    assert found is not None
    assert check_chunk(found.octets).filter_bytes == 32


def test_the_highest_publishing_id_is_known_at_once(place: LogPlace) -> None:
    log = place.log
    log.append(appended(b"a", publisher=b"p", publishing_id=9), NOW_MS)
    assert log.publishing_id(b"p") == 9
    log.append(appended(b"b", publisher=b"p", publishing_id=4), NOW_MS)
    log.append(appended(b"c", publisher=b"q", publishing_id=1), NOW_MS)
    assert (log.publishing_id(b"p"), log.publishing_id(b"q")) == (9, 1)


def test_the_offset_that_was_stored_last_counts(place: LogPlace) -> None:
    log = place.log
    for offset in (5, 3):
        log.store_offset(b"c", offset)
    assert (log.stored_offset(b"c"), log.stored_offset(b"d")) == (3, None)


def test_a_bounded_number_of_references_is_kept(place: LogPlace) -> None:
    log = place.log
    for number in range(300):
        log.store_offset(b"%d" % number, number)
        log.append(appended(b"m", publisher=b"%d" % number, publishing_id=number), NOW_MS)
    assert (log.stored_offset(b"44"), log.stored_offset(b"45")) == (None, 45)
    assert (log.publishing_id(b"44"), log.publishing_id(b"45")) == (None, 45)
    kept = [(b"%d" % number, number) for number in range(45, 300)]
    assert log.tracking() == (kept, kept)


def test_a_time_is_found_at_the_beginning_of_a_chunk(place: LogPlace) -> None:
    log = place.log
    for number in range(5):
        publish(place, b"a", b"b", now_ms=NOW_MS + 10 * number)
    first_ms = WALL_OFFSET_MS + NOW_MS
    assert log.offset_at(0) == 0
    assert log.offset_at(first_ms) == 0
    assert log.offset_at(first_ms + 1) == 2
    assert log.offset_at(first_ms + 40) == 8
    assert log.offset_at(first_ms + 41) is None
    assert log.last_chunk_offset() == 8


def retained(place: LogPlace, retention: Retention, now_ms: int = NOW_MS) -> int | None:
    place.log.set_retention(retention)
    return place.log.retain(now_ms)


def test_segments_end_at_their_size_and_reading_goes_on_across_them(place: LogPlace) -> None:
    place.log.set_retention(Retention(segment_bytes_max=1))
    for number in range(4):
        publish(place, b"%d" % number)
    assert place.log.segment_count == 4
    assert all_messages(place.log) == [(number, b"%d" % number) for number in range(4)]
    assert place.log.last_chunk_offset() == 3
    assert place.log.offset_at(0) == 0


def test_retention_by_size_drops_whole_segments_from_the_oldest_on(place: LogPlace) -> None:
    log = place.log
    log.set_retention(Retention(segment_bytes_max=1))
    for _ in range(5):
        publish(place, b"x" * 100)
    one_bytes = log.size_bytes // 5
    assert retained(place, Retention(max_bytes=2 * one_bytes, segment_bytes_max=1)) is None
    assert (log.first_offset, log.next_offset, log.message_count) == (3, 5, 2)
    assert (log.segment_count, log.size_bytes) == (2, 2 * one_bytes)
    assert retained(place, Retention(max_bytes=0, segment_bytes_max=1)) is None
    assert (log.first_offset, log.segment_count) == (4, 1)
    assert all_messages(log) == [(4, b"x" * 100)]
    found = log.read(0, ALL_BYTES)
    assert found is not None
    assert found.first_offset == 4


def test_retention_by_age_looks_at_the_last_chunk_of_a_segment(place: LogPlace) -> None:
    log = place.log
    retention = Retention(max_age_ms=1_000, segment_bytes_max=1)
    log.set_retention(retention)
    for number in range(4):
        publish(place, b"m", now_ms=NOW_MS + 100 * number)
    assert log.retain(NOW_MS + 1_000) == NOW_MS + 1_001
    assert log.first_offset == 0
    assert log.retain(NOW_MS + 1_001) == NOW_MS + 1_101
    assert log.first_offset == 1
    assert log.retain(NOW_MS + 10_000) is None
    assert (log.first_offset, log.segment_count) == (3, 1)


def test_a_segment_that_ends_by_age_lets_an_idle_stream_expire(place: LogPlace) -> None:
    log = place.log
    log.set_retention(Retention(max_age_ms=1_000, segment_age_ms=500))
    publish(place, b"old")
    assert log.retain(NOW_MS) == NOW_MS + 500
    assert log.retain(NOW_MS + 500) == NOW_MS + 1_001
    assert (log.segment_count, log.first_offset) == (2, 0)
    assert log.retain(NOW_MS + 1_001) is None
    assert (log.first_offset, log.next_offset, log.message_count) == (1, 1, 0)
    assert (log.read(0, ALL_BYTES), log.last_chunk_offset()) == (None, None)
    publish(place, b"new", now_ms=NOW_MS + 2_000)
    assert all_messages(log) == [(1, b"new")]
    assert log.retain(NOW_MS + 2_000) == NOW_MS + 2_500


def test_a_dropped_log_forgets_everything(place: LogPlace) -> None:
    publish(place, b"a")
    place.log.drop()
    place.commit()
    assert place.log.read(0, ALL_BYTES) is None


def test_segments_tell_how_they_are_without_a_look_at_the_disk(place: LogPlace) -> None:
    log = place.log
    assert log.segments_from(0, 9) == []
    log.set_retention(Retention(segment_bytes_max=100))
    for number in range(7):
        publish(place, b"%010d" % number, now_ms=NOW_MS + number)
    found = log.segments_from(0, 99)
    assert len(found) == log.segment_count > 1
    assert (found[0].first_offset, found[-1].next_offset) == (0, 7)
    assert sum([each.size_bytes for each in found]) == log.size_bytes
    for before, after in pairwise(found):
        assert before.next_offset == after.first_offset
    times_ms = [
        ms for each in found for ms in (each.first_timestamp_ms, each.last_timestamp_ms) if ms
    ]
    assert times_ms == sorted(times_ms)
    assert (times_ms[0], times_ms[-1]) == (WALL_OFFSET_MS + NOW_MS, WALL_OFFSET_MS + NOW_MS + 6)
    for each in found:
        assert log.segments_from(each.first_offset, 1) == [each]
        assert log.segments_from(each.next_offset - 1, 1) == [each]
    assert log.segments_from(99, 5) == [found[-1]]
