"""Events of a queue as records of the core."""

from cluster.mirrored.groups import LedQueue, MirrorGroup
from cluster.mirrored.log import MirroredLog
from cluster.replication.core import RULES, NotServingError
from cluster.replication.publishers import Publishers, Submission, Verdict
from persistence.operations import decode_operations, encode_enqueue
from persistence.slices import Slice
from queues.commits import CommitPoint, is_safe
from tests.cluster.mirrored.test_groups import led
from tests.persistence.replicas.test_log import bodies, filled, records


class FakeLeader:
    """Appends to nothing, and keeps what came."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bool]] = []
        self.compacted: list[str] = []
        self.admits = True
        self.confirms = True
        self.delivers = True

    def append(self, led: LedQueue, octets: bytes, *, is_settlement: bool) -> int:
        self.records.append((octets, is_settlement))
        led.note_run(len(self.records), len(self.records))
        return len(self.records)

    def may_append(self, queue: str) -> bool:
        return self.admits

    def judge(self, queue: str, publishers: Publishers, submission: Submission) -> Verdict:
        if not self.admits:
            raise NotServingError(queue)
        return publishers.judge(submission, RULES)

    def may_deliver(self, queue: str) -> bool:
        return self.delivers

    def may_confirm(self, queue: str, index: int) -> bool:
        return self.confirms

    def compact(self, queue: str) -> None:
        self.compacted.append(queue)


def log() -> tuple[MirroredLog, FakeLeader]:
    leader = FakeLeader()
    return MirroredLog(led("q", MirrorGroup(0)), filled(), leader), leader


def test_events_become_records_without_the_id_of_a_node() -> None:
    made, leader = log()
    run = records(b"x", b"y")
    assert made.append(3, run) == 1
    assert made.settle(range(3, 4)) == 2
    assert made.requeued(range(4, 5), 1) == 3
    assert made.requeued(range(0), 1) == 0
    assert leader.records[0] == (b"".join(encode_enqueue(0, 3, run)), False)
    assert [is_settlement for _, is_settlement in leader.records] == [False, True, True]
    ids = [next(decode_operations(memoryview(octets))).queue_id for octets, _ in leader.records]
    assert ids == [0, 0, 0]


def test_messages_are_spilled_once_they_are_compacted() -> None:
    made, leader = log()
    slices = [Slice(records(b"a"), range(1))]
    assert not made.spill(0, slices)
    assert leader.compacted == ["q"]
    made._replica.compact(3)
    assert made.spill(0, slices)


def test_what_is_settled_and_not_committed_is_not_read_back() -> None:
    made, _ = log()
    made._replica.compact(3)
    assert made.spill(0, [Slice(records(b"a"), range(1)), Slice(records(b"c"), range(2, 3))])
    made.settle(range(1))
    back = made.read_back(0, 0, 9).messages
    assert back is not None
    assert list(back.positions) == [2]
    made.settle(range(2, 3))
    assert made.read_back(0, 0, 9).messages is None
    assert bodies(made._replica) == []


def test_what_is_appended_after_the_end_is_never_safe() -> None:
    made, leader = log()
    made.has_ended = True
    made.led.end()
    lsn = made.append(3, records(b"x"))
    assert not is_safe(CommitPoint(made.commit_group, lsn))
    assert leader.records == []
    assert not made.takes_publishes


def test_publishes_are_taken_while_the_core_admits_them() -> None:
    made, leader = log()
    assert made.takes_publishes
    leader.admits = False
    assert not made.takes_publishes


def test_the_engine_of_a_deleted_queue_leaves_the_replica_to_the_note_that_it_is_gone() -> None:
    made, _ = log()
    assert made.drop() == 0
    assert not made._replica.is_dropped
