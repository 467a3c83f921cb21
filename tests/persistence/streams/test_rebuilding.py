"""Segments at a start: what is torn, what is damaged, what is missing."""

import pytest

from persistence.streams.log import StreamLimits
from persistence.streams.retention import Retention
from tests.support.fault_fs import FaultFS
from tests.support.stream_logs import DiskPlace, all_messages, appended

NOW_MS = 1_000
FOLDER = "queues/0000000000000001"
DIRECT = StreamLimits(direct_bytes_min=1)
LOGGED = StreamLimits(direct_bytes_min=1 << 60, tail_bytes_max=1)


def name(first_offset: int) -> str:
    return f"{FOLDER}/{first_offset:020d}.segment"


def filled(
    limits: StreamLimits, count: int = 12, segment_bytes_max: int = 1 << 20
) -> tuple[DiskPlace, list[int]]:
    """Return a stream of one message a chunk, and where each chunk of segment 0 begins."""
    place = DiskPlace(limits)
    place.log.set_retention(Retention(segment_bytes_max=segment_bytes_max))
    for number in range(count):
        place.log.append(appended(b"%06d" % number), NOW_MS)
        place.commit()
    first = place.stream.kept.segments.all[0]
    return place, [place.position for place in first.index.places_from(0)]


def offsets(place: DiskPlace) -> list[int]:
    found = all_messages(place.log)
    assert all(message == b"%06d" % offset for offset, message in found)
    return [offset for offset, _ in found]


def cut(disk: FaultFS, path: str, size_bytes: int) -> None:
    disk.open(path).truncate(size_bytes)


@pytest.mark.parametrize("at", [0, 3, 45, 50, 70])
def test_damage_of_a_direct_write_costs_one_chunk_and_leaves_a_gap(at: int) -> None:
    place, positions = filled(DIRECT)
    left = place.disk.killed()
    left.flip_bit(name(0), positions[5] + at)
    again = place
    for life in range(2):
        again = place.restarted(left)
        assert offsets(again) == [number for number in range(12 + life) if number != 5]
        assert len(again.damages) == 1
        assert "offsets 5 to 5" in again.damages[0]
        assert [path for path in left.names(FOLDER) if path.endswith(".damaged")]
        again.log.append(appended(b"%06d" % (12 + life)), NOW_MS)
        again.commit()
        assert offsets(again)[-1] == 12 + life
    again.checkpoint()
    last = place.restarted(again.disk)
    assert last.damages == []
    assert offsets(last) == [number for number in range(14) if number != 5]


@pytest.mark.parametrize("at", [0, 3, 45, 50, 70])
def test_what_the_write_ahead_log_has_is_written_again(at: int) -> None:
    place, positions = filled(LOGGED)
    left = place.disk.killed()
    left.flip_bit(name(0), positions[5] + at)
    again = place.restarted(left)
    assert (offsets(again), again.damages) == (list(range(12)), [])
    again.checkpoint()
    assert offsets(place.restarted(again.disk)) == list(range(12))


def test_a_torn_end_that_nobody_was_told_of_is_cut_off() -> None:
    place, positions = filled(DIRECT)
    left = place.disk.killed()
    cut(left, name(0), positions[11] + 30)
    again = place.restarted(left)
    assert (offsets(again), again.damages) == (list(range(11)), [])
    assert left.open(name(0)).size_bytes == positions[11]


def test_a_write_that_is_torn_in_its_middle_does_not_count() -> None:
    place, _ = filled(DIRECT, 3)
    place.log.set_retention(Retention())
    big = DiskPlace(StreamLimits(direct_bytes_min=1, chunk_bytes_max=40))
    for number in range(3):
        big.log.append(appended(b"%06d" % number), NOW_MS)
        big.commit()
    before = big.stream.kept.segments.all[0].size_bytes
    for number in range(3, 9):
        big.log.append(appended(b"%06d" % number), NOW_MS)
    big.commit()
    places = list(big.stream.kept.segments.all[0].index.places_from(0))
    assert len(places) > 4
    left = big.disk.killed()
    left.flip_bit(name(0), before + 60)
    again = big.restarted(left)
    assert (offsets(again), again.damages) == ([0, 1, 2], [])
    again.log.append(appended(b"%06d" % 3), NOW_MS)
    again.commit()
    assert offsets(again.restarted()) == [0, 1, 2, 3]


@pytest.mark.parametrize("limits", [DIRECT, LOGGED])
def test_a_file_that_a_power_cut_took_comes_back_from_the_write_ahead_log(
    limits: StreamLimits,
) -> None:
    place, _ = filled(limits, 12, 200)
    left = place.disk.killed()
    firsts = [segment.first_offset for segment in place.stream.kept.segments.all]
    assert len(firsts) > 3
    left.remove(name(firsts[0]))
    again = place.restarted(left)
    if limits is LOGGED:
        assert (offsets(again), again.damages) == (list(range(12)), [])
    else:
        assert offsets(again)[-1] == 11


def test_a_listed_segment_that_is_missing_or_short_is_damage() -> None:
    place, _ = filled(DIRECT, 12, 200)
    place.log.set_retention(Retention(segment_bytes_max=200))
    place.checkpoint()
    firsts = [segment.first_offset for segment in place.stream.kept.segments.all]
    left = place.disk.killed()
    left.remove(name(firsts[1]))
    cut(left, name(firsts[2]), 50)
    cut(left, name(firsts[-1]), 50)
    again = place.restarted(left)
    assert len(again.damages) == 3
    lost = [*range(firsts[1], firsts[3]), *range(firsts[-1], 12)]
    assert offsets(again) == [number for number in range(12) if number not in lost]
    assert again.log.next_offset == 12
    again.log.append(appended(b"%06d" % 12), NOW_MS)
    again.commit()
    again.checkpoint()
    assert offsets(place.restarted(again.disk))[-1] == 12


def test_a_damaged_checkpoint_costs_no_message() -> None:
    place, _ = filled(DIRECT, 12, 200)
    place.checkpoint()
    left = place.disk.killed()
    left.open("checkpoint").write_at(60, b"?")
    again = place.restarted(left)
    assert offsets(again) == list(range(12))


def test_a_segment_that_retention_gave_up_does_not_come_back_as_damage() -> None:
    place, _ = filled(DIRECT, 12, 200)
    left_before = place.disk.killed()
    place.log.set_retention(Retention(max_bytes=300, segment_bytes_max=200))
    place.log.retain(NOW_MS)
    first_offset = place.log.first_offset
    assert first_offset > 3
    place.checkpoint()
    left = place.disk.killed()
    file = left_before.open(name(0))
    left.open(name(0), create=True).write_at(0, file.read_at(0, file.size_bytes))
    again = place.restarted(left)
    assert (again.damages, again.log.first_offset) == ([], first_offset)
    assert not left.exists(name(0))


def test_what_is_believed_is_on_disk_before_it_is_served() -> None:
    place, _ = filled(DIRECT, 3)
    place.checkpoint()
    place.log.set_fsynced(is_fsynced=False)
    for number in range(3, 6):
        place.log.append(appended(b"%06d" % number), NOW_MS)
        place.commit()
    again = place.restarted()
    assert offsets(again) == list(range(6))
    for left in again.disk.crash_states(20, seed=1):
        assert offsets(place.restarted(left)) == list(range(6))
