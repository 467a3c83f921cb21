"""What is known of a log: taken down by a checkpoint, and made again from what a restart finds."""

import pytest

from persistence.errors import DamagedError
from persistence.log_state import FEW_BYTES_MAX, LogOptions, LogState
from persistence.queue_row import QueueSnapshot
from persistence.record import PERSISTENT, Record
from persistence.segment import Segments
from persistence.slices import Slice
from tests.support.fault_fs import FaultFS
from tests.support.records import HEADER, ROUTE

OFFSET_MS = 1_000


def state_on(disk: FaultFS, options: LogOptions | None = None) -> LogState:
    disk.make_directory("queues")
    segments = Segments(disk, "queues", 7, segment_size_bytes=4_096)
    return LogState(7, options or LogOptions(), lambda: segments, lambda: OFFSET_MS)


def piece(first: int, stop: int, *, expires_at_ms: int = 0, size_bytes: int = 1) -> Slice:
    records = [Record(ROUTE, HEADER, bytes(size_bytes), PERSISTENT) for _ in range(first, stop)]
    return Slice(records, range(first, stop), expires_at_ms)


def append(state: LogState, whole: Slice) -> None:
    state.note_positions(whole.positions[0], whole.records)
    state.note_recent(whole)


def recent(state: LogState) -> list[int]:
    return [at for each in state.recent for at in each.positions]


def stored(state: LogState) -> list[tuple[int, int]]:
    return [(row.first_position, row.last_position) for row in state.stored.table]


def test_a_settlement_is_news_once() -> None:
    state = state_on(FaultFS())
    append(state, piece(0, 4))
    assert state.settle(range(2))
    assert not state.settle(range(1, 2))
    assert state.settle(range(1, 4))
    assert (recent(state), state.next_position) == ([], 4)


def test_what_is_stored_is_recent_no_more() -> None:
    state = state_on(FaultFS())
    append(state, piece(0, 6))
    state.store(0, [piece(2, 4)])
    assert (recent(state), stored(state)) == ([0, 1, 4, 5], [(2, 3)])


def test_a_few_messages_stay_for_the_checkpoint_and_more_are_stored_in_parts() -> None:
    state = state_on(FaultFS())
    append(state, piece(0, 2))
    assert state.store_some(1)
    assert stored(state) == []
    append(state, piece(2, 3, size_bytes=FEW_BYTES_MAX))
    assert not state.store_some(1)
    assert (recent(state), stored(state)) == ([2], [(0, 1)])
    assert state.store_some(1)
    assert (recent(state), stored(state)) == ([], [(0, 1), (2, 2)])


@pytest.mark.parametrize("options", [LogOptions(), LogOptions(max_priority=3)])
def test_what_a_checkpoint_took_down_is_what_a_restart_begins_with(options: LogOptions) -> None:
    disk = FaultFS()
    before = state_on(disk, options)
    append(before, piece(0, 8, expires_at_ms=50))
    before.store(0, [piece(0, 4)])
    before.settle(range(1, 2))
    before.note_requeued(range(2, 3), 4)
    before.delivered_below = 3
    noted = before.snapshot()
    assert [few.expires_at_ms for few in noted.few] == [OFFSET_MS + 50], "of the wall clock"
    after = state_on(disk, options)
    after.restore(noted)
    assert (recent(after), stored(after)) == ([4, 5, 6, 7], [(0, 3)])
    assert [each.expires_at_ms for each in after.recent] == [50]
    assert (after.next_position, after.delivered_below) == (8, 3)
    assert (after.requeued(), after.settled.missing(0, 8)) == ([(2, 4)], [range(1), range(2, 8)])
    assert after.stored.segments.next_number == before.stored.segments.next_number


def test_repeating_is_no_more_than_doing_it_once() -> None:
    state = state_on(FaultFS())
    for stop in (4, 6):
        state.repeat_append(piece(0, stop), may_be_stored=False)
        state.repeat_settle(range(1, 2))
        state.repeat_requeued(range(1), 2)
    assert [at for each in state.unstored()[0] for at in each.positions] == [0, 2, 3, 4, 5]
    assert (state.next_position, state.requeued()) == (6, [(0, 2)])


def test_where_chunks_were_taken_as_they_are_only_the_rest_is_repeated() -> None:
    disk = FaultFS()
    before = state_on(disk)
    append(before, piece(0, 6))
    before.store(0, [piece(2, 4)])
    after = state_on(disk)
    assert after.stored.adopt_found()
    after.repeat_append(piece(0, 6), may_be_stored=True)
    assert recent(after) == [0, 1, 4, 5]


def test_a_queue_of_the_same_id_gives_no_file_its_number_again() -> None:
    disk = FaultFS()
    gone, state = state_on(disk), state_on(disk)
    gone.store(0, [piece(0, 1)])
    state.begin_after(gone.stored.segments.next_number)
    state.store(0, [piece(0, 1)])
    assert len(disk.names("queues/0000000000000007")) == 2


def test_after_a_replay_positions_go_on_above_all_that_is_stored_and_other_files_go() -> None:
    disk = FaultFS()
    before = state_on(disk)
    for at in (3, 9):
        before.store(0, [piece(at, at + 1, size_bytes=5_000)])
    kept, other = before.stored.table.lane(0)
    after = state_on(disk)
    after.restore(QueueSnapshot(7, 0, 0, 1, after.settled, [kept]))
    after.end_replay()
    assert after.next_position == 4
    assert disk.names("queues/0000000000000007") == ["00000001.seg"]
    assert other.segment_number == 2
    after.store(0, [piece(9, 10)])
    assert stored(after) == [(3, 3), (9, 9)]


def test_what_a_restart_did_not_find_is_settled() -> None:
    state = state_on(FaultFS())
    append(state, piece(0, 8))
    state.settle_all_but([range(6, 7), range(2, 4)])
    assert state.settled.missing(0, 9) == [range(2, 4), range(6, 7), range(8, 9)]
    assert recent(state) == list(range(8)), "one piece, of which some is needed"


def test_of_a_lost_chunk_everything_that_was_unsettled_is_settled_and_counted() -> None:
    state = state_on(FaultFS())
    append(state, piece(0, 5))
    state.store(0, [piece(0, 4)])
    state.settle(range(1))
    (row,) = state.stored.table
    assert state.lose(row, DamagedError("its checksum is wrong")) == 3
    assert (stored(state), state.settled.floor) == ([], 4)


def test_a_dropped_queue_holds_nothing() -> None:
    state = state_on(FaultFS())
    append(state, piece(0, 5))
    state.store(0, [piece(0, 4)])
    state.drop()
    assert (state.is_dropped, recent(state), stored(state)) == (True, [], [])
