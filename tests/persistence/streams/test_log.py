"""The log of a stream on disk: what is written where, and when; the rest is the contract's."""

import errno

import pytest

from persistence.format import OperationKind
from persistence.group_writing import Group
from persistence.streams.log import ROW_BYTES_MAX, ROW_CHUNKS_MAX, StreamLimits
from persistence.streams.retention import Retention
from persistence.streams.tail import TAIL_CHUNKS_MAX
from tests.support.fault_fs import Kind
from tests.support.stream_logs import (
    STREAM_ID,
    TINY,
    DiskPlace,
    all_messages,
    appended,
    chunk_sizes,
    messages_of,
)

NOW_MS = 1_000
DIRECT = StreamLimits(direct_bytes_min=500)
FOLDER = "queues/0000000000000001"
SEGMENT = f"{FOLDER}/00000000000000000000.segment"


def writes(place: DiskPlace) -> list[str]:
    """Return where something was written since the last call."""
    paths = [o.path.split("/")[0] for o in place.disk.operations if o.kind is Kind.WRITE]
    place.disk.operations.clear()
    return paths


def test_what_comes_in_a_group_is_one_chunk() -> None:
    place = DiskPlace()
    lsns = {place.log.append(appended(b"%d" % number), NOW_MS) for number in range(100)}
    assert len(lsns) == 1
    place.commit()
    assert chunk_sizes(place.log.read(0, 1 << 20)) == [100]


def test_small_appends_of_many_streams_share_one_write_and_one_sync() -> None:
    place = DiskPlace()
    logs = [place.log, *[place.store.new_stream_log(number) for number in range(2, 50)]]
    place.commit()
    for log in logs:
        log.append(appended(b"a"), NOW_MS)
    place.log.append(appended(b"b"), NOW_MS)
    writes(place)
    place.commit()
    kinds = [o.kind for o in place.disk.operations if o.path.endswith(".wal")]
    assert kinds.count(Kind.WRITE) == kinds.count(Kind.SYNC)
    assert not place.disk.exists(FOLDER)


def test_a_large_append_is_written_once_and_synced_before_the_batch() -> None:
    place = DiskPlace(DIRECT)
    place.log.append(appended(b"x" * 600), NOW_MS)
    queue = place.store.new_stream_log(2)
    queue.append(appended(b"y"), NOW_MS)
    place.disk.operations.clear()
    place.commit()
    kinds = [(o.kind, o.path) for o in place.disk.operations]
    batch = [number for number, (kind, path) in enumerate(kinds) if path.endswith(".wal")][-2]
    assert kinds.index((Kind.WRITE, SEGMENT)) < kinds.index((Kind.SYNC, SEGMENT)) < batch
    assert kinds.index((Kind.SYNC_DIRECTORY, FOLDER)) < batch
    writes(place)
    place.log.append(appended(b"x" * 600), NOW_MS)
    place.commit()
    assert writes(place) == ["queues"], "a batch is written for operations alone"
    assert all_messages(place.log) == [(0, b"x" * 600), (1, b"x" * 600)]


def test_a_large_append_takes_the_tail_with_it() -> None:
    place = DiskPlace(DIRECT)
    for size_bytes in (10, 20):
        place.log.append(appended(bytes(size_bytes)), NOW_MS)
        place.commit()
    tail = place.stream.kept.tail
    assert len(tail.chunks) == 2
    place.log.append(appended(bytes(600)), NOW_MS)
    group = place.commit_group.seal()
    assert group is not None
    assert len(tail.chunks) == 2, "it is read from memory meanwhile"
    assert messages_of(place.log.read(0, 1 << 20)) == [(0, bytes(10)), (1, bytes(20))]
    place.commit_group.writer.write(group)
    place.commit_group.finish(group, None)
    assert tail.chunks == []
    assert [len(octets) for _, octets in all_messages(place.log)] == [10, 20, 600]


def test_a_second_large_append_goes_behind_the_first() -> None:
    place = DiskPlace(DIRECT)
    groups: list[Group | None] = []
    for size_bytes in (600, 10, 700):
        place.log.append(appended(bytes(size_bytes)), NOW_MS)
        groups.append(place.commit_group.seal())
        place.commit_group._under_way = None
    assert place.log.readable_offset == 0
    for group in groups:
        assert group is not None
        place.commit_group._under_way = group
        place.commit_group.writer.write(group)
        place.commit_group.finish(group, None)
    assert [len(octets) for _, octets in all_messages(place.log)] == [600, 10, 700]


def test_a_small_segment_gets_no_direct_write() -> None:
    place = DiskPlace(DIRECT)
    place.log.set_retention(Retention(segment_bytes_max=2_000))
    place.log.append(appended(*[bytes(90)] * 6), NOW_MS)
    writes(place)
    place.commit()
    assert "wal" in writes(place)


def test_a_tail_is_written_when_it_is_large() -> None:
    place = DiskPlace(StreamLimits(tail_bytes_max=500))
    for _ in range(4):
        place.log.append(appended(bytes(36)), NOW_MS)
        place.commit()
    assert not place.disk.exists(SEGMENT)
    place.log.append(appended(bytes(36)), NOW_MS)
    place.commit()
    assert place.disk.exists(SEGMENT)
    assert place.stream.kept.tail.chunks == []
    assert len(all_messages(place.log)) == 5


def test_a_tail_of_many_chunks_is_written() -> None:
    place = DiskPlace()
    for number in range(TAIL_CHUNKS_MAX):
        assert len(place.stream.kept.tail.chunks) == number
        place.log.append(appended(b"m"), NOW_MS)
        place.commit()
    assert place.stream.kept.tail.chunks == []


@pytest.mark.parametrize("kind", [Kind.WRITE, Kind.CREATE])
def test_a_tail_that_finds_no_room_stays_in_memory_and_is_told(kind: Kind) -> None:
    place = DiskPlace(StreamLimits(tail_bytes_max=1))
    told: list[bool] = []
    place.store.on_disk_full = lambda: told.append(True)
    place.disk.fail_at(
        lambda o: o.kind is kind and o.path.endswith(".segment"), errno.ENOSPC, times=1
    )
    for number in range(3):
        place.log.append(appended(b"%d" % number), NOW_MS)
        place.commit()
        assert place.log.readable_offset == number + 1
        assert len(all_messages(place.log)) == number + 1
    assert told == [True]
    assert place.stream.kept.tail.chunks == []
    assert len(all_messages(place.restarted().log)) == 3


def test_a_direct_write_that_finds_no_room_is_tried_again() -> None:
    place = DiskPlace(DIRECT)
    place.log.append(appended(bytes(600)), NOW_MS)
    place.disk.fail_at(lambda o: o.kind is Kind.WRITE and o.path == SEGMENT, errno.ENOSPC, times=2)
    group = place.commit_group.seal()
    for _ in range(2):
        assert group is not None
        with pytest.raises(OSError, match="space") as caught:
            place.commit_group.writer.write(group)
        place.commit_group.finish(group, caught.value)
        assert place.log.read(0, 1) is None
        assert place.stream.kept.spill(), "nothing is written behind it meanwhile"
        group = place.commit_group.retry()
    assert group is not None
    place.commit_group.writer.write(group)
    place.commit_group.finish(group, None)
    assert len(all_messages(place.log)) == 1
    assert len(all_messages(place.restarted().log)) == 1


def test_a_direct_write_without_a_segment_goes_to_the_write_ahead_log() -> None:
    place = DiskPlace(DIRECT)
    place.disk.fail_at(lambda o: o.kind is Kind.CREATE and o.path == SEGMENT, errno.EMFILE, times=1)
    place.log.append(appended(bytes(600)), NOW_MS)
    place.commit()
    assert len(all_messages(place.log)) == 1
    assert len(all_messages(place.restarted().log)) == 1


def test_the_tails_of_all_streams_are_bounded() -> None:
    place = DiskPlace(store_limits=DiskPlace.usual_store._replace(tails_bytes_max=2_000))
    logs = [place.stream, *[place.store.new_stream_log(number) for number in range(2, 40)]]
    for log in logs:
        log.append(appended(bytes(100)), NOW_MS)
        place.commit()
    tails = [log.kept.tail.size_bytes for log in logs]
    assert sum(tails) <= 2_000
    assert tails[0] == 0
    assert tails[-1] > 0


def test_a_silent_stream_holds_no_descriptor() -> None:
    place = DiskPlace(TINY, store_limits=DiskPlace.usual_store._replace(open_segments_max=4))
    logs = [place.stream, *[place.store.new_stream_log(number) for number in range(2, 40)]]
    for log in logs:
        log.append(appended(bytes(500)), NOW_MS)
        place.commit()
        assert len(all_messages(log)) == 1
    assert len(place.store._maker._opened) <= 4


def test_the_class_says_whether_a_group_is_synced() -> None:
    place = DiskPlace()
    place.log.set_fsynced(is_fsynced=False)
    place.log.append(appended(b"a"), NOW_MS)
    group = place.commit_group.seal()
    assert group is not None
    assert not group.fsync
    assert group.parts[0][0] == OperationKind.STREAM_CHUNKS


def test_a_stored_offset_waits_for_nobody() -> None:
    place = DiskPlace()
    place.log.append(appended(b"a"), NOW_MS)
    place.commit()
    place.log.store_offset(b"c", 0)
    group = place.commit_group.seal()
    assert group is not None
    assert not group.fsync
    assert group.parts[0][0] == OperationKind.STREAM_OFFSET


def test_a_stream_that_is_dropped_within_a_group_leaves_nothing() -> None:
    place = DiskPlace(DIRECT)
    place.log.append(appended(bytes(600)), NOW_MS)
    place.commit()
    place.log.append(appended(bytes(700)), NOW_MS)
    called: list[int] = []
    place.commit_group.wait(place.log.appended_lsn, lambda: called.append(1))
    place.log.drop()
    place.log.store_offset(b"c", 0)
    place.commit()
    assert called == [1]
    place.checkpoint()
    assert not place.disk.exists(FOLDER)
    assert place.store._logs.get(STREAM_ID) is None


def test_retention_is_looked_at_when_a_segment_was_begun() -> None:
    place = DiskPlace(TINY)
    place.log.set_retention(Retention(max_bytes=1, segment_bytes_max=100))
    for _ in range(10):
        place.log.append(appended(bytes(60)), NOW_MS)
        place.commit()
    assert place.log.segment_count <= 2
    assert place.log.first_offset >= 8
    assert len(place.disk.names(FOLDER)) > 10, "a checkpoint removes the files"
    place.checkpoint()
    assert len(place.disk.names(FOLDER)) <= 4


def test_a_step_of_a_checkpoint_writes_one_tail() -> None:
    place = DiskPlace()
    logs = [place.stream, *[place.store.new_stream_log(number) for number in range(2, 10)]]
    for log in logs:
        log.append(appended(bytes(ROW_BYTES_MAX)), NOW_MS)
    place.commit()
    checkpoint = place.store.begin_checkpoint()
    place.disk.operations.clear()
    is_last = False
    while not is_last:
        before = len(place.disk.operations)
        is_last = place.store.step(checkpoint)
        paths = {o.path.split(".")[0] for o in place.disk.operations[before:] if "." in o.path}
        assert len(paths) <= 1
    assert all(not log.kept.tail.chunks for log in logs)


def messages_in(place: DiskPlace) -> list[bytes]:
    """Return the messages of the stream."""
    return [message for _, message in all_messages(place.log)]


def syncs_of_streams(place: DiskPlace) -> list[str]:
    """Return what a checkpoint syncs of streams."""
    place.disk.operations.clear()
    place.checkpoint()
    kinds = (Kind.SYNC, Kind.SYNC_DIRECTORY)
    return [o.path for o in place.disk.operations if o.kind in kinds and "queues" in o.path]


def test_small_tails_are_in_the_checkpoint_and_need_no_sync() -> None:
    place = DiskPlace()
    logs = [place.stream, *[place.store.new_stream_log(number) for number in range(2, 10)]]
    for log in logs:
        log.append(appended(b"a", b"b"), NOW_MS)
    place.commit()
    assert syncs_of_streams(place) == []
    assert not place.disk.exists(FOLDER)
    again = place.restarted()
    assert not again.damages
    assert messages_in(again) == [b"a", b"b"]
    again.log.append(appended(b"c"), NOW_MS)
    again.commit()
    assert messages_in(again.restarted()) == [b"a", b"b", b"c"]


def test_a_silent_stream_is_written_once_and_has_nothing_in_memory() -> None:
    place = DiskPlace()
    place.log.append(appended(b"a"), NOW_MS)
    place.commit()
    assert syncs_of_streams(place) == []
    assert place.stream.kept.tail.chunks
    segment = f"{FOLDER}/{0:020d}.segment"
    assert syncs_of_streams(place) == [segment, FOLDER, "queues"]
    assert not place.stream.kept.tail.chunks
    assert syncs_of_streams(place) == []
    again = place.restarted()
    assert messages_in(again) == [b"a"]
    assert [syncs_of_streams(again) for _ in range(2)] == [[], []]
    assert messages_in(again.restarted()) == [b"a"]


def test_a_stream_that_is_in_use_needs_one_sync() -> None:
    place = DiskPlace()
    for _ in range(3):
        place.log.append(appended(bytes(ROW_BYTES_MAX)), NOW_MS)
        place.commit()
        place.checkpoint()
    place.log.append(appended(bytes(ROW_BYTES_MAX)), NOW_MS)
    place.commit()
    assert syncs_of_streams(place) == [f"{FOLDER}/{0:020d}.segment"]
    assert place.restarted().log.next_offset == 4


def test_a_small_tail_of_many_chunks_is_written_at_a_checkpoint() -> None:
    place = DiskPlace()
    for _ in range(ROW_CHUNKS_MAX + 1):
        place.log.append(appended(b"a"), NOW_MS)
        place.commit()
    place.checkpoint()
    assert not place.stream.kept.tail.chunks


def test_a_checkpoint_is_due_when_much_was_written_directly() -> None:
    limits = DiskPlace.usual_store._replace(unneeded_bytes_max=1_000)
    place = DiskPlace(DIRECT, store_limits=limits)
    for _ in range(6):
        place.log.append(appended(bytes(600)), NOW_MS)
        place.commit()
    assert not place.store.checkpoint_is_due()
    place.log.append(appended(bytes(600)), NOW_MS)
    place.commit()
    assert place.store.checkpoint_is_due()
    place.checkpoint()
    assert not place.store.checkpoint_is_due()
