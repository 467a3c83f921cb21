"""A queue's log: what it writes down, what it lets go, and what it gives back."""

import errno
from collections.abc import Callable, Sequence

import pytest

from persistence.chunking import CHUNK_BYTES_MAX
from persistence.log import Log
from persistence.log_state import LogOptions, LogState
from persistence.operations import Drop, Enqueue, Operation, Requeued, Settle, decode_operations
from persistence.record import PERSISTENT, Record
from persistence.segment import Segments
from persistence.settled import PositionSet
from persistence.slices import Slice, stretches_outside
from queues.log_port import QueueLog
from tests.support.fault_fs import FaultFS, Kind
from tests.support.records import HEADER, ROUTE

OFFSET_MS = 1_000_000


class Appended:
    """Takes entries as a group commit does; commits nothing."""

    is_one_log = True

    def __init__(self) -> None:
        self.committed_lsn = 0
        self.entries: list[Operation] = []
        self.synced: list[bool] = []

    def append_operation(self, parts: Sequence[bytes | memoryview], *, fsync: bool) -> int:
        self.entries += decode_operations(memoryview(b"".join(parts)))
        self.synced.append(fsync)
        return len(self.entries)

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        raise AssertionError("a log waits for nothing")


class Place:
    """A log with its disk and what it appended."""

    def __init__(self, options: LogOptions | None = None) -> None:
        self.disk = FaultFS()
        for folder in ("queues", "spill"):
            self.disk.make_directory(folder)
        self.appended = Appended()
        options = options or LogOptions()
        parent = "queues" if options.durable else "spill"
        segments = Segments(self.disk, parent, 7, segment_size_bytes=4_096)
        self.log = Log(LogState(7, options, lambda: segments, lambda: OFFSET_MS), self.appended)

    @property
    def entries(self) -> list[Operation]:
        return self.appended.entries


def lasting(*numbers: int, size_bytes: int = 0, priority: int = 0) -> list[Record]:
    return [
        Record(ROUTE, HEADER, b"%d" % at + bytes(size_bytes), PERSISTENT, priority)
        for at in numbers
    ]


def passing(*numbers: int) -> list[Record]:
    return [Record(ROUTE, HEADER, b"%d" % at) for at in numbers]


def slice_of(*positions: int, size_bytes: int = 0) -> Slice:
    places: Sequence[int] = positions
    if positions[-1] - positions[0] + 1 == len(positions):
        places = range(positions[0], positions[-1] + 1)
    return Slice(lasting(*positions, size_bytes=size_bytes), places)


def paged_in(log: Log, lane: int = 0, first: int = 0, stop: int = 1 << 40) -> list[int]:
    """Return every position that is read back, chunk after chunk."""
    found: list[int] = []
    while (messages := log.read_back(lane, first, stop).messages) is not None:
        assert [int(record.body.rstrip(b"\0")) for record in messages.records] == list(
            messages.positions
        )
        found += messages.positions
        first = found[-1] + 1
    return found


# -- what is written down -----------------------------------------------------------------------


def test_it_is_what_a_queue_asks_for() -> None:
    log: QueueLog = Place().log
    assert log.append(0, lasting(0)) > log.committed_lsn


def test_a_persistent_run_is_one_entry_and_waits_for_the_disk() -> None:
    place = Place()
    assert place.log.append(0, lasting(0, 1, 2)) == 1
    (entry,) = place.entries
    assert isinstance(entry, Enqueue)
    assert (entry.queue_id, entry.first_position, list(entry.run())) == (7, 0, lasting(0, 1, 2))
    assert place.appended.synced == [True]


def test_the_page_cache_will_do_for_what_is_appended_while_the_class_is_os() -> None:
    place = Place()
    for position, is_fsynced in enumerate([False, False, True]):
        place.log.set_fsynced(is_fsynced=is_fsynced)
        place.log.append(position, lasting(position))
    assert place.appended.synced == [False, False, True]


def test_of_a_mixed_run_only_the_persistent_stretches_are_written_and_keep_their_positions() -> (
    None
):
    place = Place()
    run = [*passing(0), *lasting(1, 2), *passing(3), *lasting(4)]
    assert place.log.append(10, run, [1, 2, 3, 4, 5]) == 2
    assert [
        (entry.first_position, entry.message_count, list(entry.expires_at_ms or ()))
        for entry in place.entries
        if isinstance(entry, Enqueue) and not isinstance(entry.expires_at_ms, int)
    ] == [(11, 2, [OFFSET_MS + 2, OFFSET_MS + 3]), (14, 1, [OFFSET_MS + 5])]


def test_transient_messages_leave_no_trace() -> None:
    place = Place()
    log = place.log
    assert log.append(0, passing(0, 1)) == 0
    assert log.settle(range(2)) == 0
    assert log.requeued(range(1), 1) == 0
    assert place.entries == []
    assert log.state.settled.floor == 2


def test_a_settlement_is_written_once_and_only_if_something_of_it_was_logged() -> None:
    place = Place()
    log = place.log
    log.append(0, [*lasting(0), *passing(1), *lasting(2)])
    assert log.settle(range(1, 2)) == 0
    assert log.settle(range(0, 3, 2)) == 3
    assert log.settle(range(3)) == 0
    assert place.entries[2:] == [Settle(7, range(0, 3, 2))]
    assert place.appended.synced[2:] == [False]


def test_a_settlement_that_was_promised_is_as_safe_as_an_append() -> None:
    place = Place()
    log = place.log
    log.append(0, lasting(0, 1, 2))
    log.settle(range(1), is_promised=True)
    log.set_fsynced(is_fsynced=False)
    log.settle(range(1, 2), is_promised=True)
    assert place.appended.synced[1:] == [True, False]


def test_what_came_back_and_that_the_queue_is_gone_are_written() -> None:
    place = Place()
    place.log.append(0, lasting(0, 1))
    place.log.requeued(range(2), 3)
    place.log.drop()
    assert place.entries[1:] == [Requeued(7, range(2), 3), Drop(7)]


def test_expiries_are_of_the_wall_clock_on_disk_and_of_ours_when_they_come_back() -> None:
    place = Place()
    place.log.append(0, lasting(0), 500)
    (entry,) = place.entries
    assert isinstance(entry, Enqueue)
    assert entry.expires_at_ms == OFFSET_MS + 500
    place.log.spill(0, [Slice(lasting(0), range(1), 500)])
    messages = place.log.read_back(0, 0).messages
    assert messages is not None
    assert messages.expires_at_ms == 500


# -- memory -------------------------------------------------------------------------------------


def test_settled_messages_are_let_go() -> None:
    place = Place()
    for first in range(0, 100, 10):
        place.log.append(first, lasting(*range(first, first + 10)))
    place.log.settle(range(95))
    assert [list(each.positions) for each in place.log.state.recent] == [list(range(90, 100))]
    place.log.settle(range(95, 100))
    assert not place.log.state.recent


def test_what_is_spilled_comes_back_in_order_without_what_was_settled() -> None:
    place = Place()
    log = place.log
    log.append(0, lasting(*range(30)))
    assert log.spill(0, [slice_of(*range(10, 15)), slice_of(*range(15, 25))])
    assert [list(each.positions) for each in log.state.recent] == [
        list(range(10)),
        list(range(25, 30)),
    ]
    log.settle(range(12, 20, 3))
    expected = [at for at in range(10, 25) if at not in {12, 15, 18}]
    assert paged_in(log) == expected
    assert paged_in(log, first=16, stop=22) == [16, 17, 19, 20, 21]


def test_only_what_is_asked_for_is_cut_into_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Place().log
    log.append(0, lasting(*range(1_000)))
    log.spill(0, [slice_of(*range(1_000))])
    log.settle(range(1, 1_000, 2))
    looked_at: list[int] = []

    def noting(whole: Slice, members: PositionSet) -> list[Slice]:
        looked_at.append(len(whole.positions))
        return stretches_outside(whole, members)

    monkeypatch.setattr("persistence.log.stretches_outside", noting)
    found = log.read_back(0, 500, 510).messages
    assert found is not None
    assert list(found.positions) == [500, 502, 504, 506, 508]
    assert looked_at == [10]


def test_what_is_stored_is_not_written_again() -> None:
    place = Place()
    log = place.log
    log.append(0, lasting(*range(10)))
    log.spill(0, [slice_of(*range(3, 6))])
    log.spill(0, [slice_of(*range(10))])
    assert [(row.first_position, row.last_position) for row in log.state.stored.table] == [
        (0, 2),
        (3, 5),
        (6, 9),
    ]
    assert paged_in(log) == list(range(10))


def test_a_message_left_out_is_never_inside_a_chunk() -> None:
    place = Place()
    log = place.log
    log.append(0, lasting(*range(8)))
    log.settle(range(2, 3))
    log.spill(0, [slice_of(0, 1, 3, 5, 6)])
    assert [(row.first_position, row.last_position) for row in log.state.stored.table] == [
        (0, 3),
        (5, 6),
    ]
    log.spill(0, [slice_of(4)])
    assert paged_in(log) == [0, 1, 3, 4, 5, 6]


def test_among_unacked_ones_all_of_them_are_stored_in_few_chunks() -> None:
    place = Place()
    log = place.log
    log.append(0, lasting(*range(100)))
    assert log.spill(0, [slice_of(*range(10, 60, 2))], among_unacked=True)
    rows = [(row.first_position, row.last_position) for row in log.state.stored.table]
    assert rows == [(10, 58)]
    assert [list(each.positions) for each in log.state.recent] == [
        list(range(10)),
        list(range(59, 100)),
    ]
    assert log.spill(0, [slice_of(*range(11, 60, 2))], among_unacked=True)
    assert len(log.state.stored.table) == 2, "what is stored is not written again"


def test_of_transient_messages_among_unacked_ones_only_those_given_up_are_stored() -> None:
    log = Place().log
    log.append(0, passing(*range(10)))
    positions = [2, 3, 7]
    given_up = Slice(passing(*positions), positions)
    assert log.spill(0, [given_up], among_unacked=True)
    rows = [(row.first_position, row.last_position) for row in log.state.stored.table]
    assert rows == [(2, 3), (7, 7)]


def test_a_chunk_ends_before_it_is_too_large() -> None:
    place = Place()
    half_bytes = CHUNK_BYTES_MAX // 2
    place.log.append(0, lasting(*range(5), size_bytes=half_bytes))
    place.log.spill(0, [slice_of(*range(5), size_bytes=half_bytes)])
    assert [row.message_count for row in place.log.state.stored.table] == [1] * 5
    assert all(row.size_bytes <= CHUNK_BYTES_MAX for row in place.log.state.stored.table)


def test_lanes_are_stored_apart_and_what_is_of_other_lanes_may_lie_between() -> None:
    place = Place(LogOptions(max_priority=3))
    log = place.log
    log.append(0, [record for at in range(6) for record in lasting(at, priority=at % 2 * 9)])
    log.spill(3, [Slice(lasting(1, 3, 5, priority=9), (1, 3, 5))])
    log.spill(0, [Slice(lasting(0, 4), (0, 4))])
    assert [
        (row.lane, row.first_position, row.last_position) for row in log.state.stored.table
    ] == [
        (0, 0, 0),
        (0, 4, 4),
        (3, 1, 5),
    ]
    assert (paged_in(log, 0), paged_in(log, 3)) == ([0, 4], [1, 3, 5])
    assert [list(each.positions) for each in log.state.recent] == [[2]]


def test_a_disk_that_refuses_leaves_the_messages_in_memory() -> None:
    place = Place()
    log = place.log
    log.append(0, lasting(*range(4)))
    place.disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC)
    assert not log.spill(0, [slice_of(*range(4))])
    assert [list(each.positions) for each in log.state.recent] == [[0, 1, 2, 3]]
    assert log.read_back(0, 0).messages is None
    assert log.spill(0, [slice_of(*range(4))])
    assert paged_in(log) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("error_number", "told_count"), [(errno.ENOSPC, 1), (errno.EDQUOT, 1), (errno.EIO, 0)]
)
def test_a_chunk_that_finds_no_room_is_told(error_number: int, told_count: int) -> None:
    place = Place()
    told: list[None] = []
    place.log.on_disk_full = lambda: told.append(None)
    place.log.append(0, lasting(*range(4)))
    place.disk.fail_at(lambda operation: operation.kind is Kind.WRITE, error_number)
    assert not place.log.spill(0, [slice_of(*range(4))])
    assert place.log.spill(0, [slice_of(*range(4))])
    assert len(told) == told_count


def test_a_damaged_chunk_is_counted_lost_and_the_rest_is_served() -> None:
    place = Place()
    log = place.log
    log.append(0, lasting(*range(6)))
    log.spill(0, [slice_of(*range(4))])
    log.spill(0, [slice_of(4, 5)])
    log.settle(range(1))
    row = next(iter(log.state.stored.table))
    place.disk.flip_bit(log.state.stored.segments.path(row.segment_number), row.file_position + 60)
    back = log.read_back(0, 0)
    assert (back.lost_count, back.messages and list(back.messages.positions)) == (3, [4, 5])
    assert log.state.settled.floor == 4
    assert log.read_back(0, 0).lost_count == 0


def test_what_cannot_be_read_now_is_not_lost() -> None:
    place = Place()
    log = place.log
    log.append(0, lasting(0))
    log.spill(0, [slice_of(0)])
    place.disk.fail_at(lambda operation: operation.kind is Kind.READ, errno.EMFILE)
    with pytest.raises(OSError, match="Too many open files"):
        log.read_back(0, 0)
    assert paged_in(log) == [0]


def test_a_sector_that_cannot_be_read_is_damage() -> None:
    place = Place()
    log = place.log
    log.append(0, lasting(0))
    log.spill(0, [slice_of(0)])
    place.disk.fail_at(lambda operation: operation.kind is Kind.READ, errno.EIO)
    assert log.read_back(0, 0).lost_count == 1


# -- transient queues ---------------------------------------------------------------------------


def test_a_transient_queue_writes_no_entry_and_removes_its_files_itself() -> None:
    place = Place(LogOptions(durable=False))
    log = place.log
    for first in range(0, 12, 2):
        run = passing(first, first + 1)
        log.append(first, run)
        assert log.spill(
            0, [Slice([*run[:1], *lasting(first + 1, size_bytes=4_000)], range(first, first + 2))]
        )
    assert len(place.disk.names("spill/0000000000000007")) == 6
    log.settle(range(12))
    assert place.disk.names("spill/0000000000000007") == []
    assert log.drop() == 0
    assert not place.disk.exists("spill/0000000000000007")
    assert place.entries == []


def test_settled_chunks_of_a_transient_queue_are_removed_behind_an_unsettled_message_too() -> None:
    place = Place(LogOptions(durable=False))
    log = place.log
    for at in range(1, 300):
        log.append(at, passing(at))
        log.spill(0, [Slice(lasting(at, size_bytes=4_000), range(at, at + 1))])
        log.settle(range(at, at + 1))
    assert len(place.disk.names("spill/0000000000000007")) < 100
