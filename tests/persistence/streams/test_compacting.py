"""What a compaction leaves, where, and how a restart finds it."""

import random

import pytest

from persistence.streams import compacting
from persistence.streams.chunk import chunks_in
from persistence.streams.extent import Extent
from persistence.streams.retention import Retention
from tests.support.compacted_places import NOW_MS, SEGMENT_BYTES, fill, names_of, place_of, write
from tests.support.keyed_messages import (
    COMPRESSED,
    TOMBSTONE_AGE_MS,
    compact,
    kept,
    state_of,
    sub_batch,
)
from tests.support.stream_logs import (
    DiskPlace,
    all_messages,
    messages_of,
)


@pytest.fixture(autouse=True)
def _in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "PIECE_LENGTH", 2)


def test_the_last_message_of_each_key_stays_at_its_offset() -> None:
    place = place_of()
    write(place, b"a=1", b"b=1", b"a=2", b"no key", b"a=3", b"b=2", b"c=1")
    fill(place)
    compact(place.log, NOW_MS)
    found = all_messages(place.log)
    assert found[:4] == [(3, b"no key"), (4, b"a=3"), (5, b"b=2"), (6, b"c=1")]
    assert (place.log.first_offset, place.log.next_offset) == (3, 27)
    assert place.log.message_count == 24 == len(found)


def test_what_is_clean_is_compacted_again_when_as_much_is_dirty() -> None:
    place = place_of()
    for number in range(200):
        write(place, b"%d=%d" % (number % 10, number))
        compact(place.log, NOW_MS)
    fill(place)
    compact(place.log, NOW_MS)
    assert state_of(all_messages(place.log)) == {
        b"%d" % number: b"%d=%d" % (number, 190 + number) for number in range(10)
    }
    segments = place.stream.kept.segments
    assert len(kept(place.log)) < 80
    assert segments.all[-1].generation == 0
    assert place.log.compaction_due_ms(NOW_MS) is None


def test_more_keys_than_fit_are_compacted_in_rounds() -> None:
    place = place_of(keys_max=3)
    write(place, *[b"%d=%d" % (key, turn) for turn in range(3) for key in range(20)])
    fill(place)
    compact(place.log, NOW_MS)
    expected = [b"%d=2" % key for key in range(20)]
    assert [each for each in kept(place.log) if b"=" in each] == expected


def test_a_tombstone_stays_for_its_age_and_goes_with_a_later_compaction() -> None:
    place = place_of()
    write(place, b"a=1", b"b=1", b"a=")
    fill(place)
    compact(place.log, NOW_MS)
    assert kept(place.log)[:2] == [b"b=1", b"a="]
    fill(place, 60)
    compact(place.log, NOW_MS + TOMBSTONE_AGE_MS - 1)
    assert kept(place.log)[:2] == [b"b=1", b"a="], "readers may not know yet"
    fill(place, 120)
    compact(place.log, NOW_MS + TOMBSTONE_AGE_MS)
    assert kept(place.log)[:2] == [b"b=1", b"." * 20]


def test_a_tombstone_stays_as_long_as_a_sub_batch_holds_an_older_message() -> None:
    place = place_of()
    place.log.append(sub_batch(b"a=1", b"b=1"), NOW_MS)
    place.commit()
    write(place, b"a=", b"c=")
    for count in (20, 60, 200):
        fill(place, count)
        compact(place.log, NOW_MS + count * TOMBSTONE_AGE_MS)
    assert place.log.first_offset == 0
    found = [message for _, message in messages_of_all(place) if message.endswith(b"=")]
    assert found == [b"a="]


def messages_of_all(place: DiskPlace) -> list[tuple[int, bytes]]:
    """Return offset and octets of each message that is no sub-batch."""
    found: list[tuple[int, bytes]] = []
    offset = 0
    while (extent := place.log.read(offset, 1)) is not None:
        for at, header in chunks_in(extent.octets):
            if header.record_count == header.entry_count:
                chunk = extent.octets[at : at + header.size_bytes]
                found += messages_of(
                    Extent(chunk, header.first_offset, header.next_offset, [(0, header)])
                )
        offset = extent.next_offset
    return found


def test_a_sub_batch_goes_when_each_of_its_messages_is_superseded() -> None:
    place = place_of()
    for batch in (
        sub_batch(b"a=1", b"b=1"),
        sub_batch(b"a=1", b"b=1", kind=COMPRESSED),
        sub_batch(b"a=2", b"c=2"),
    ):
        place.log.append(batch, NOW_MS)
        place.commit()
    write(place, b"a=3", b"b=3")
    fill(place)
    compact(place.log, NOW_MS)
    offsets = []
    offset = 0
    while (extent := place.log.read(offset, 1)) is not None and offset < 8:
        offsets.append((extent.first_offset, extent.next_offset))
        offset = extent.next_offset
    assert offsets[:4] == [(2, 4), (4, 6), (6, 7), (7, 8)]


def test_readers_go_on_at_their_offsets_while_it_compacts() -> None:
    draw = random.Random(1)
    place = place_of()
    write(place, *[b"%d=%d" % (draw.randrange(9), number) for number in range(120)])
    fill(place)
    expected = state_of(all_messages(place.log))
    readers = [(offset, state_of(all_messages(place.log)[:offset])) for offset in range(100)]
    is_done = False
    while not is_done:
        is_done = place.log.compact(NOW_MS)
        for index, (offset, known) in enumerate(readers):
            if draw.random() < 0.2 and (extent := place.log.read(offset, 1)) is not None:
                assert extent.next_offset > offset
                read = [(at, each) for at, each in messages_of(extent) if at >= offset]
                readers[index] = (extent.next_offset, {**known, **state_of(read)})
    for offset, known in readers:
        rest = [(at, message) for at, message in all_messages(place.log) if at >= offset]
        assert {**known, **state_of(rest)} == expected


def test_times_and_places_are_found_across_gaps() -> None:
    place = place_of()
    write(place, b"a=1", b"b=1", b"a=2")
    write(place, b"a=3", *[b"." * 20] * 20, now_ms=NOW_MS + 50)
    place.stream.kept.spill()
    compact(place.log, NOW_MS)
    wall_ms = place.log.wall_ms(NOW_MS)
    assert place.log.offset_at(wall_ms) == 1
    assert place.log.offset_at(wall_ms + 50) == 3
    assert [place.log.read(offset, 1).first_offset for offset in range(4)] == [1, 1, 3, 3]  # type: ignore[union-attr]
    assert place.log.last_chunk_offset() == place.log.next_offset - 1


def test_retention_may_drop_what_is_being_compacted() -> None:
    place = place_of()
    write(place, *[b"a=%d" % number for number in range(30)])
    fill(place)
    for _ in range(3):
        assert not place.log.compact(NOW_MS)
    place.log.set_retention(Retention(max_bytes=900, segment_bytes_max=SEGMENT_BYTES))
    place.log.retain(NOW_MS)
    after = all_messages(place.log)
    compact(place.log, NOW_MS)
    assert set(all_messages(place.log)) <= set(after)
    assert not [name for name in names_of(place.disk) if "-" in name and is_stray(place, name)]


def is_stray(place: DiskPlace, name: str) -> bool:
    segments = place.stream.kept.segments.all
    return not any(name.split(".", maxsplit=1)[0] in segment.path for segment in segments)


def test_a_damaged_chunk_stays_damaged_and_no_tombstone_goes() -> None:
    place = place_of()
    write(place, b"a=1", b"b=1", b"a=")
    fill(place)
    segment = place.stream.kept.segments.all[0]
    file = place.disk.open(segment.path)
    file.write_at(32 + 48 + 5, b"?")
    compact(place.log, NOW_MS)
    extent = place.log.read(0, 1)
    assert extent is not None
    assert extent.first_offset == 0
    fill(place, 60)
    compact(place.log, NOW_MS + 10 * TOMBSTONE_AGE_MS)
    fill(place, 200)
    compact(place.log, NOW_MS + 20 * TOMBSTONE_AGE_MS)
    assert (2, b"a=") in all_messages(place.log)
    checked = place.log.read(0, 1, checks=True)
    assert checked is not None
    assert checked.first_offset == 1
