"""A replica's records, and its messages at the base."""

from unittest.mock import patch

from persistence.front_numbers import FrontNumber
from persistence.log_form import LogForm
from persistence.log_making import LogMaker, StoreLimits
from persistence.log_state import LogOptions
from persistence.operations import encode_enqueue, encode_requeued, encode_settle
from persistence.queue_recovery import found_in
from persistence.record import Record
from persistence.replica_operations import EpochTable, encode_epoch
from persistence.replicas import stream_content
from persistence.replicas.log import ReplicaLog
from persistence.replicas.taking import take
from persistence.slices import Slice
from persistence.stream_operations import encode_stream_submitted
from tests.persistence.replicas.test_stream_content import chunks
from tests.support.commit import FakeDisk, commit_on
from tests.support.fault_fs import FaultFS
from tests.support.records import HEADER, ROUTE


def records(*bodies: bytes) -> list[Record]:
    return [Record(ROUTE, HEADER, body) for body in bodies]


def new_log(disk: FaultFS | None = None, max_priority: int | None = None) -> ReplicaLog:
    if disk is None:
        disk = FaultFS()
        disk.make_directory("queues")
    maker = LogMaker(disk, StoreLimits(), lambda: 0, lambda: None)
    log = maker.replica_log(7, LogOptions(True, max_priority, LogForm.MIRRORED))
    log.start(commit_on(FakeDisk()))
    return log


def appended(log: ReplicaLog, epoch: int, *octets: bytes) -> None:
    log.append(log.end, ((epoch, log.end + 1),), len(octets), b"".join(octets))


def bodies(log: ReplicaLog) -> list[bytes]:
    found = found_in(log.messages, was_clean=False, lost_count=0, keeps_transient=True)
    return [
        bytes(record.body)
        for lane in found.lanes
        for each in lane.unstored
        for record in each.records
    ]


def filled() -> ReplicaLog:
    log = new_log()
    enqueue = b"".join(encode_enqueue(0, 0, records(b"a", b"b", b"c")))
    appended(log, 1, encode_epoch(1), enqueue, encode_settle(0, range(1, 2)))
    return log


def test_records_are_not_in_the_messages_before_they_are_compacted() -> None:
    log = filled()
    assert (log.base, log.end, log.table) == (0, 3, ((1, 1),))
    assert bodies(log) == []
    log.compact(2)
    assert bodies(log) == [b"a", b"b", b"c"]
    log.compact(3)
    assert bodies(log) == [b"a", b"c"]
    assert (log.base, log.records_bytes) == (3, 0)


def test_a_later_epoch_cuts_what_is_not_committed() -> None:
    log = filled()
    log.promise(2)
    log.append(1, ((2, 2),), 1, encode_epoch(2))
    assert (log.promised, log.end, log.table) == (2, 2, ((1, 1), (2, 2)))


def test_a_snapshot_has_messages_counts_and_the_next_position() -> None:
    log = filled()
    appended(log, 1, encode_requeued(0, range(2, 3), 4))
    log.compact(4)
    other = new_log()
    appended(other, 1, encode_epoch(1), *encode_others())
    other.compact(2)
    other.messages.spill(0, [Slice(records(b"x", b"y"), range(2))])
    installed(other, 4, log)
    assert bodies(other) == [b"a", b"c"]
    assert other.state.requeued() == [(2, 4)]
    assert (other.base, other.end, other.state.next_position) == (4, 4, 3)
    assert other.note().unneeded, "the segment of the messages before goes with a checkpoint"


def installed(log: ReplicaLog, position: int, other: ReplicaLog) -> None:
    taken = take(other.state, 0)
    log.install(position, other.table, other.content(0, taken))


def encode_others() -> list[bytes]:
    return [b"".join(encode_enqueue(0, 0, records(b"x", b"y")))]


def test_messages_at_the_base_can_be_spilled_and_read_back() -> None:
    log = filled()
    log.compact(3)
    assert log.messages.spill(0, [Slice(records(b"a"), range(1))])
    back = log.messages.read_back(0, 0).messages
    assert back is not None
    assert [bytes(record.body) for record in back.records] == [b"a"]
    assert [bytes(record.body) for each in take(log.state, 0).slices() for record in each.records]


def test_a_piece_of_a_stream_says_how_far_front_ends_were_at_its_place() -> None:
    """The next leader may go on behind it with records."""
    leader, mirror = new_log(), new_log()
    with patch.object(stream_content, "PIECE_BYTES", 1):
        for offset, node in enumerate("abcb"):
            last = FrontNumber(node, 1, offset + 1)
            octets = bytes(chunks(offset, b"x").octets)
            appended(leader, 1, b"".join(encode_stream_submitted(offset, 1, [octets], last)))
            leader.compact(leader.end)
    found = []
    while mirror.base < leader.base:
        mirror.install_stream(*leader_piece(leader, mirror))
        found.append({row.last.node: row.record_index for row in mirror.published.rows()})
    assert found == [{"a": 1}, {"a": 1}, {"a": 1, "c": 3}, {"a": 1, "b": 4, "c": 3}]


def leader_piece(leader: ReplicaLog, mirror: ReplicaLog) -> tuple[int, EpochTable, bytes]:
    position, octets = leader.stream_piece(mirror.base or -1)
    return position, leader.table, octets


def test_a_dropped_replica_is_gone() -> None:
    log = filled()
    log.drop()
    assert log.is_dropped
    assert log.end == 0
