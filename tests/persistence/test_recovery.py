"""Recovery step by step: what is repeated, what is known already, what is of nobody."""

import pytest

from persistence.checkpoint import Snapshot
from persistence.format import OPERATION_HEAD
from persistence.log_making import StoreLimits
from persistence.log_state import LogOptions
from persistence.operations import encode_drop, encode_enqueue, encode_requeued, encode_settle
from persistence.queue_recovery import QueueRecovery, RecoveredQueue
from persistence.queue_row import QueueSnapshot
from persistence.record import PERSISTENT, Record
from persistence.recovery import Recovery, RecoveryReport
from persistence.settled import PositionSet
from persistence.store import Store
from persistence.wal_replay import RESTART_GAP_LSNS, Damage, Replay
from tests.support.fault_fs import FaultFS
from tests.support.records import HEADER, ROUTE


def lasting(*numbers: int) -> list[Record]:
    return [Record(ROUTE, HEADER, b"%d" % number, PERSISTENT) for number in numbers]


def enqueue(queue_id: int, first: int, count: int) -> bytes:
    return b"".join(encode_enqueue(queue_id, first, lasting(*range(first, first + count))))


def recovery_of(*known_ids: int) -> Recovery:
    disk = FaultFS()
    disk.make_directory("queues")
    store = Store(disk, StoreLimits(), lambda: 0)

    def begin(queue_id: int, damages: list[str]) -> QueueRecovery | None:
        if queue_id not in known_ids:
            return None
        return QueueRecovery(store.make_log(queue_id, LogOptions()), damages)

    return Recovery(begin)


def recovered_from(snapshot: Snapshot, *entries: bytes, known_id: int = 1) -> RecoveredQueue:
    recovery = recovery_of(known_id)
    recovery.restore(snapshot, [known_id])
    recovery.replay(memoryview(b"".join(entries)))
    assert recovery.report.damages == []
    return recovery.finish(was_clean=False).queues[known_id]


def positions_in(recovered: RecoveredQueue) -> list[int]:
    return [at for lane in recovered.lanes for each in lane.unstored for at in each.positions]


def test_what_the_checkpoint_knows_is_not_appended_again() -> None:
    snapshot = Snapshot(queues={1: QueueSnapshot(1, 5, 0, 1, PositionSet(5), ())}, next_queue_id=2)
    recovered = recovered_from(snapshot, enqueue(1, 0, 3), enqueue(1, 3, 4))
    assert positions_in(recovered) == [5, 6]
    assert recovered.next_position == 7


def test_repeating_the_log_is_reading_it_once() -> None:
    entries = [enqueue(1, 0, 4), encode_settle(1, range(1, 3)), encode_requeued(1, range(1), 2)]
    recovered = recovered_from(Snapshot(), *entries, *entries)
    assert positions_in(recovered) == [0, 3]
    assert recovered.requeued == {0: 2}


def test_a_position_of_a_message_that_left_no_trace_is_not_given_again() -> None:
    recovered = recovered_from(Snapshot(), enqueue(1, 0, 1), encode_settle(1, range(0, 9, 4)))
    assert recovered.next_position == 9
    assert recovered.log.state.settled.floor == 9


def test_a_dropped_queue_begins_anew() -> None:
    recovered = recovered_from(Snapshot(), enqueue(1, 0, 2), encode_drop(1))
    assert positions_in(recovered) == []


def test_entries_of_an_unknown_queue_are_left_out_and_its_id_is_not_given_again() -> None:
    recovery = recovery_of(1)
    recovery.restore(Snapshot(), [1])
    recovery.replay(memoryview(enqueue(9, 0, 2) + encode_drop(12)))
    assert positions_in(recovery.finish(was_clean=False).queues[1]) == []
    assert recovery.next_queue_id == 13


def test_a_batch_that_cannot_be_read_is_noted_and_the_next_one_is_read() -> None:
    recovery = recovery_of(1)
    recovery.restore(Snapshot(), [1])
    recovery.replay(memoryview(enqueue(1, 0, 1) + bytes(32)))
    recovery.replay(memoryview(enqueue(1, 1, 1)))
    assert len(recovery.report.damages) == 1
    assert positions_in(recovery.finish(was_clean=False).queues[1]) == [0, 1]
    assert (recovery.report.message_count, recovery.report.queue_count) == (2, 1)


def test_an_entry_that_cannot_be_read_says_how_many_messages_it_costs() -> None:
    recovery = recovery_of(1)
    recovery.restore(Snapshot(), [1])
    entry = bytearray(enqueue(1, 1, 3))
    body_bytes_at = OPERATION_HEAD.size + 8
    entry[body_bytes_at : body_bytes_at + 4] = b"\xff" * 4
    recovery.replay(memoryview(enqueue(1, 0, 1) + bytes(entry) + enqueue(1, 4, 1)))
    recovered = recovery.finish(was_clean=False).queues[1]
    assert positions_in(recovered) == [0, 4]
    assert (recovered.lost_count, recovery.report.lost_count) == (3, 3)
    (told,) = recovery.report.damages
    assert told.startswith("an operation of queue 1: ")
    assert told.endswith(": its 3 messages are lost")


@pytest.mark.parametrize(
    ("last_lsn", "cost"),
    [(7, "4 or fewer are lost"), (4 + RESTART_GAP_LSNS, "nobody knows how many are lost")],
)
def test_what_is_missing_of_the_log_is_told_with_what_it_costs(last_lsn: int, cost: str) -> None:
    replay = Replay(FaultFS())
    replay.damages.append(Damage("wal/1.wal", 64, 100, 4, last_lsn, "wal/damaged-1"))
    report = RecoveryReport()
    report.note_wal(replay, was_clean=False)
    (told,) = report.damages
    assert told.startswith(f"wal/1.wal at 64: 100 octets with LSN 4 to {last_lsn} are missing")
    assert told.endswith(f"{cost}; copy wal/damaged-1")
