"""A store from one life to the next: what a restart finds, and what it tidies up."""

import errno
from collections.abc import Callable, Sequence

import pytest

from persistence.errors import FatalStorageError
from persistence.log import Log
from persistence.log_state import LogOptions
from persistence.record import PERSISTENT, Record
from persistence.slices import Slice
from persistence.store import Checkpoint
from tests.crash.stored_node import StoredNode, messages_of, stored_slices
from tests.support.fault_fs import FaultFS, Kind
from tests.support.records import HEADER, ROUTE

SALT = 0x1234_5678_9ABC_DEF0


def open_on(disk: FaultFS, wall_offset_ms: int = 1_000) -> StoredNode:
    return StoredNode(disk, lambda: SALT + len(disk.operations), wall_offset_ms)


def lasting(*bodies: bytes) -> list[Record]:
    return [Record(ROUTE, HEADER, body, PERSISTENT) for body in bodies]


def numbered(*numbers: int) -> list[Record]:
    return lasting(*[b"%d" % number for number in numbers])


def commit_all(node: StoredNode) -> None:
    while node.commit_group():
        pass


def checkpoint(node: StoredNode) -> Checkpoint:
    made = node.store.begin_checkpoint()
    make_checkpoint(node, made)
    node.store.finish(made, None)
    return made


def make_checkpoint(node: StoredNode, made: Checkpoint) -> None:
    while not node.store.step(made):
        pass
    commit_all(node)
    for _ in node.store.persist(made):
        pass


def found(node: StoredNode, queue_id: int = 1) -> dict[int, bytes]:
    recovered = node.opened.queues[queue_id]
    return {
        position: record.body
        for position, (record, _) in messages_of(recovered, node.wall_offset_ms).items()
    }


def declared(disk: FaultFS, options: LogOptions | None = None) -> tuple[StoredNode, Log]:
    node = open_on(disk)
    return node, node.declare(options or LogOptions()).log


def test_an_empty_folder_is_an_empty_store() -> None:
    node = open_on(FaultFS())
    assert node.opened.queues == {}
    assert node.opened.report.damages == []


def test_everything_confirmed_is_there_after_a_crash() -> None:
    disk = FaultFS()
    node, log = declared(disk)
    log.append(0, numbered(0, 1, 2, 3), 50)
    log.settle(range(1, 3))
    log.requeued(range(1), 2)
    commit_all(node)
    after = open_on(disk.killed(), wall_offset_ms=900)
    recovered = after.opened.queues[1]
    assert found(after) == {0: b"0", 3: b"3"}
    assert (recovered.next_position, recovered.redeliver_below) == (4, 4)
    assert recovered.requeued == {0: 2}
    (lane,) = recovered.lanes
    assert [each.expires_at_ms for each in lane.unstored] == [150, 150]


def test_a_known_queue_without_messages_is_found_and_an_unknown_folder_removed() -> None:
    disk = FaultFS()
    node, _ = declared(disk)
    commit_all(node)
    disk.make_directory("queues/00000000000000ff")
    disk.make_directory("spill/0000000000000003")
    after = open_on(disk)
    assert found(after) == {}
    assert disk.names("queues") == []
    assert disk.names("spill") == []
    assert after.store.new_log(LogOptions()).queue_id == 0x100


def test_a_few_messages_go_into_the_checkpoint_and_no_segment_is_made() -> None:
    disk = FaultFS()
    node, log = declared(disk)
    log.append(0, numbered(0, 1, 2), [0, 7, 8])
    log.settle(range(1))
    checkpoint(node)
    assert disk.names("queues") == []
    for left in disk.crash_states(9, seed=1):
        after = open_on(left)
        assert found(after) == {1: b"1", 2: b"2"}
        assert after.opened.queues[1].lanes[0].unstored[0].expires_at_ms == [7, 8]


def large(first: int, count: int, size_bytes: int = 9_000) -> list[Record]:
    return lasting(*[b"%d" % at + bytes(size_bytes) for at in range(first, first + count)])


def test_a_checkpoint_stores_what_the_released_files_held() -> None:
    disk = FaultFS()
    node, log = declared(disk)
    for first in range(0, 20, 2):
        log.append(first, large(first, 2))
        commit_all(node)
    log.settle(range(3, 9))
    commit_all(node)
    assert node.store.checkpoint_is_due()
    files_before = len(disk.names("wal"))
    checkpoint(node)
    assert not node.store.checkpoint_is_due()
    assert len(disk.names("wal")) < files_before
    assert not log.state.recent
    after = open_on(disk.killed())
    assert sorted(found(after)) == [0, 1, 2, *range(9, 20)]
    assert after.opened.report.message_count == 14
    (lane,) = after.opened.queues[1].lanes
    assert (lane.stored_count, lane.stored_body_bytes) == (14, sum(map(len, found(after).values())))


def test_what_was_settled_since_the_checkpoint_is_not_counted() -> None:
    disk = FaultFS()
    node, log = declared(disk)
    log.append(0, large(0, 12))
    commit_all(node)
    checkpoint(node)
    log.settle(range(5))
    log.settle(range(6, 11, 2))
    commit_all(node)
    assert sorted(found(open_on(disk.killed()))) == [5, 7, 9, 11]


def test_transient_messages_among_stored_ones_are_left_out_and_settled() -> None:
    disk = FaultFS()
    node, log = declared(disk)
    run = [*numbered(0), Record(ROUTE, HEADER, b"passing"), *numbered(2)]
    log.append(0, run)
    log.spill(0, [Slice(run, range(3))])
    checkpoint(node)
    after = open_on(disk.killed())
    assert found(after) == {0: b"0", 2: b"2"}
    assert not after.opened.queues[1].log.state.settled.count_missing(1, 2)


def test_after_a_stop_in_order_only_what_was_delivered_is_redelivered() -> None:
    disk = FaultFS()
    node, log = declared(disk)
    log.append(0, numbered(0, 1, 2))
    log.state.delivered_below = 2
    node.store.mark_clean_stop(checkpoint(node))
    after = open_on(disk)
    assert after.opened.report.was_clean
    assert after.opened.queues[1].redeliver_below == 2
    assert open_on(disk.killed()).opened.queues[1].redeliver_below == 3, "then it was killed"


def test_a_dropped_queue_goes_with_its_folder_after_the_next_checkpoint() -> None:
    disk = FaultFS()
    node, log = declared(disk)
    log.append(0, large(0, 3))
    log.spill(0, [Slice(large(0, 3), range(3))])
    node.delete(node.queues[1])
    commit_all(node)
    assert disk.names("queues") == ["0000000000000001"]
    assert node.store.checkpoint_is_due()
    checkpoint(node)
    assert disk.names("queues") == []
    after = open_on(disk.killed())
    assert after.opened.queues == {}
    assert after.store.new_log(LogOptions()).queue_id > 1


def test_files_that_nobody_needs_go_with_a_checkpoint() -> None:
    disk = FaultFS()
    node, log = declared(disk)
    log.append(0, large(0, 3))
    log.spill(0, [Slice(large(at, 1), range(at, at + 1)) for at in range(3)])
    checkpoint(node)
    assert len(disk.names(log.state.stored.segments.directory)) == 1
    log.settle(range(3))
    assert len(disk.names(log.state.stored.segments.directory)) == 1
    assert node.store.checkpoint_is_due()
    checkpoint(node)
    assert disk.names(log.state.stored.segments.directory) == []


def test_a_checkpoint_is_on_the_disk_by_its_name_before_what_it_does_not_list_is_removed() -> None:
    disk = FaultFS()
    node, log = declared(disk)
    commit_all(node)
    log.spill(0, [Slice(large(0, 1), range(1))])
    killed = disk.killed()
    open_on(killed)
    kinds = [(operation.kind, operation.path) for operation in killed.operations]
    removed = kinds.index((Kind.REMOVE, f"{log.state.stored.segments.directory}/00000001.seg"))
    assert (Kind.SYNC_DIRECTORY, "") in kinds[:removed]


def test_a_full_disk_stops_a_checkpoint_and_the_next_one_does_all_of_it() -> None:
    disk = FaultFS()
    node, log = declared(disk)
    log.append(0, large(0, 12))
    commit_all(node)
    refused = [Kind.CREATE, Kind.WRITE, Kind.RENAME]
    disk.fail_at(lambda operation: operation.kind is refused[0], errno.ENOSPC, times=None)
    while refused:
        made = node.store.begin_checkpoint()
        with pytest.raises(OSError, match="No space") as error:
            make_checkpoint(node, made)
        node.store.finish(made, error.value)
        refused.pop(0)
        if not refused:
            disk.stop_failing()
    checkpoint(node)
    for left in disk.crash_states(9, seed=1):
        after = open_on(left)
        assert sorted(found(after)) == list(range(12))
        assert after.opened.report.damages == []


def test_a_segment_that_cannot_be_synced_stops_the_node() -> None:
    disk = FaultFS()
    node, log = declared(disk)
    log.append(0, large(0, 12))
    commit_all(node)
    made = node.store.begin_checkpoint()
    while not node.store.step(made):
        pass
    disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.EIO)
    with pytest.raises(FatalStorageError) as error:
        list(node.store.persist(made))
    with pytest.raises(FatalStorageError):
        node.store.finish(made, error.value)


def test_a_queue_that_grows_as_fast_as_it_is_stored_is_stored_in_the_end() -> None:
    disk = FaultFS()
    node, log = declared(disk)
    log.append(0, large(0, 12))
    made = node.store.begin_checkpoint()
    steps = 1
    while not node.store.step(made, max_bytes=1):
        next_position = log.state.next_position
        log.append(next_position, large(next_position, 2, 40_000))
        steps += 1
    assert steps < 70
    assert not log.state.recent


def test_priorities_come_back_in_their_lanes() -> None:
    disk = FaultFS()
    node, log = declared(disk, LogOptions(max_priority=2))
    run = [Record(ROUTE, HEADER, b"%d" % at, PERSISTENT, at % 4) for at in range(8)]
    log.append(0, run)
    log.spill(1, [Slice([run[1], run[5]], (1, 5))])
    commit_all(node)
    assert counts_by_lane(disk) == {0: 2, 1: 2, 2: 4}
    checkpoint(node)
    assert counts_by_lane(disk) == {0: 2, 1: 2, 2: 4}


def counts_by_lane(disk: FaultFS) -> dict[int, int]:
    lanes = open_on(disk.killed()).opened.queues[1].lanes
    return {
        lane.lane: lane.stored_count + sum(len(each.positions) for each in lane.unstored)
        for lane in lanes
    }


# -- damage -------------------------------------------------------------------------------------


def stored_and_recent(disk: FaultFS) -> tuple[StoredNode, Log]:
    """Make a queue of 12 messages, the first 6 in three segments, the last 6 in the log alone."""
    node, log = declared(disk)
    log.append(0, large(0, 6))
    log.spill(0, [Slice(large(at, 1), range(at, at + 1)) for at in range(6)])
    checkpoint(node)
    log.append(6, numbered(*range(6, 12)))
    log.settle(range(1))
    commit_all(node)
    return node, log


def test_a_damaged_checkpoint_costs_settlements_and_no_message() -> None:
    disk = FaultFS()
    stored_and_recent(disk)
    disk.damage("checkpoint", 0, b"rotten")
    after = open_on(disk)
    assert sorted(found(after)) == list(range(1, 12))
    assert len(after.opened.report.damages) >= 2
    assert after.store.new_log(LogOptions()).queue_id == 2


def test_a_row_of_a_damaged_checkpoint_that_is_whole_is_believed() -> None:
    disk = FaultFS()
    node, log = stored_and_recent(disk)
    other = node.declare(LogOptions()).log
    other.append(0, numbered(1, 2, 3))
    other.settle(range(1))
    checkpoint(node)
    disk.damage("checkpoint", 40 + 16 + 24, b"\xff")
    after = open_on(disk)
    # The settlement of position 0 was in the damaged row alone, or is still in the log.
    assert sorted(found(after, log.queue_id))[-11:] == list(range(1, 12))
    assert found(after, other.queue_id) == {1: b"2", 2: b"3"}


def damage_first_chunk(disk: FaultFS, log: Log) -> None:
    row = log.state.stored.table.lane(0)[0]
    disk.flip_bit(log.state.stored.segments.path(row.segment_number), row.file_position + 70)


def remove_first_segment(disk: FaultFS, log: Log) -> None:
    disk.remove(log.state.stored.segments.path(log.state.stored.table.lane(0)[0].segment_number))


@pytest.mark.parametrize("damage", [damage_first_chunk, remove_first_segment])
def test_a_damaged_segment_costs_its_messages_and_no_other(
    damage: Callable[[FaultFS, Log], None],
) -> None:
    disk = FaultFS()
    _, log = stored_and_recent(disk)
    damage(disk, log)
    after = open_on(disk)
    recovered = after.opened.queues[1]
    lost = recovered.lost_count
    served: Sequence[Slice] = [*after_damage(recovered.log), *recovered.lanes[0].unstored]
    positions = [at for each in served for at in each.positions]
    assert 0 < 11 - len(positions) <= 6
    assert positions[-6:] == list(range(6, 12))
    assert after.opened.report.lost_count == lost


def after_damage(log: Log) -> list[Slice]:
    """Return what can still be read back, whatever cannot."""
    back = log.read_back(0, 0)
    if back.messages is None:
        return []
    return [back.messages, *stored_slices(log, 0, back.messages.positions[-1] + 1)]
