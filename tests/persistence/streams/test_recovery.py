"""What a restart finds of a stream; every crash state is looked at by ``tests.crash``."""

import pytest

from persistence.operations import Settle
from persistence.stream_operations import encode_stream_chunks
from persistence.streams.log import StreamLimits
from persistence.streams.recovery import StreamRecovery
from persistence.streams.retention import Retention
from tests.support.stream_logs import (
    STREAM_ID,
    TINY,
    DiskPlace,
    all_messages,
    appended,
)

NOW_MS = 1_000
LIMITS = [TINY, StreamLimits(direct_bytes_min=1 << 60), StreamLimits(direct_bytes_min=1)]


def filled(limits: StreamLimits, count: int = 20, *, checkpoint_at: int = -1) -> DiskPlace:
    place = DiskPlace(limits)
    place.log.set_retention(Retention(segment_bytes_max=600))
    for number in range(count):
        place.log.append(
            appended(b"%d" % number, publisher=b"p", publishing_id=number), NOW_MS + number
        )
        place.commit()
        if number == checkpoint_at:
            place.checkpoint()
    return place


def expected(count: int = 20) -> list[tuple[int, bytes]]:
    return [(number, b"%d" % number) for number in range(count)]


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("checkpoint_at", [-1, 0, 10, 19])
def test_a_stream_goes_on_where_it_was(limits: StreamLimits, checkpoint_at: int) -> None:
    place = filled(limits, checkpoint_at=checkpoint_at)
    place.log.store_offset(b"c", 7)
    place.log.append(appended(b"not committed"), NOW_MS)
    for life in range(3):
        place = place.restarted()
        log = place.log
        assert place.damages == []
        assert all_messages(log) == expected(20 + life)
        assert (log.first_offset, log.next_offset, log.readable_offset) == (0, 20 + life, 20 + life)
        assert log.publishing_id(b"p") == 19
        assert log.offset_at(0) == 0
        assert log.last_chunk_offset() == 19 + life
        assert log.stored_offset(b"c") == (7 if life else None)
        log.store_offset(b"c", 7)
        log.append(appended(b"%d" % (20 + life)), NOW_MS)
        place.commit()


def test_sealed_segments_are_not_read_at_a_start() -> None:
    place = filled(TINY, 50)
    place.checkpoint()
    left = place.disk.killed()
    left.operations.clear()
    sizes: list[int] = []

    def note(operation: object) -> bool:
        sizes.append(1)
        return False

    reads: list[str] = []
    original = type(left).open

    def open_noted(disk: object, path: str, *, create: bool = False) -> object:
        file = original(left, path, create=create)
        read_at = file.read_at

        def read_noted(position: int, size_bytes: int) -> bytes:
            reads.append(path)
            return read_at(position, size_bytes)

        file.read_at = read_noted  # type: ignore[method-assign]
        return file

    left.open = open_noted.__get__(left)  # type: ignore[method-assign]
    again = place.restarted(left)
    assert not [path for path in reads if "queues/" in path]
    assert all_messages(again.log) == expected(50)


def test_an_idle_stream_keeps_its_place_after_its_messages_have_gone() -> None:
    place = DiskPlace()
    place.log.set_retention(Retention(max_age_ms=10, segment_age_ms=10))
    place.log.append(appended(b"a", b"b"), NOW_MS)
    place.commit()
    place.log.retain(NOW_MS + 10)
    place.log.retain(NOW_MS + 20)
    assert place.log.message_count == 0
    place.checkpoint()
    again = place.restarted()
    assert (again.log.first_offset, again.log.next_offset) == (2, 2)
    again.log.append(appended(b"c"), NOW_MS)
    again.commit()
    assert all_messages(again.log) == [(2, b"c")]


def test_a_consumer_is_not_behind_the_end_after_a_power_cut() -> None:
    place = DiskPlace()
    place.log.append(appended(b"a"), NOW_MS)
    place.log.store_offset(b"c", 5)
    place.commit()
    assert place.restarted().log.stored_offset(b"c") == 0


def test_operations_of_another_kind_and_broken_chunks_are_noted() -> None:
    place = DiskPlace()
    damages: list[str] = []
    recovery = StreamRecovery(place.store.make_stream_log(9), damages)
    recovery.replay(Settle(9, range(1)))
    assert len(damages) == 1
    place.commit_group.append_operation(
        encode_stream_chunks(STREAM_ID, 0, 1, [b"no chunk"]), fsync=True
    )
    place.commit()
    again = place.restarted()
    assert len(again.damages) == 1
    assert again.log.next_offset == 0


def test_a_dropped_stream_of_the_same_id_leaves_nothing_to_the_next() -> None:
    place = filled(TINY)
    place.log.drop()
    place.commit()
    again = place.restarted()
    assert (again.log.next_offset, all_messages(again.log)) == (0, [])
