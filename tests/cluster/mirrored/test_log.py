"""Events of a queue as records of the core."""

import pytest

from cluster.mirrored.groups import LedQueue, MirrorGroup
from cluster.mirrored.lag import LAG_MAX_MS
from cluster.mirrored.log import MirroredLog
from cluster.mirrored.waiting_settlements import STRETCHES_MAX
from cluster.replication.core import RULES, NotServingError
from cluster.replication.leadership import HandingOver
from cluster.replication.publishers import Finding, Front, Publishers, Submission, Verdict
from persistence.operations import Epoch, Settle, decode_operations, encode_enqueue
from persistence.slices import Slice
from queues.commits import SAFE_NOW, CommitPoint, is_safe
from tests.cluster.mirrored.test_groups import led
from tests.persistence.replicas.test_log import bodies, filled, records


class FakeLeader:
    """Appends to nothing, and keeps what came."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bool]] = []
        self.count = 0
        self.compacted: list[str] = []
        self.admits = True
        self.confirms = self.has_lease = True
        self.delivers = True
        self.elsewhere = 0

    def append(self, led: LedQueue, octets: bytes, count: int, *, is_settlement: bool) -> int:
        self.records.append((octets, is_settlement))
        self.count += count
        led.note_run(self.count, self.count)
        return self.count

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

    def is_leased(self, queue: str) -> bool:
        return self.has_lease

    def is_elsewhere(self, queue: str, index: int) -> bool:
        return index <= self.elsewhere

    def compact(self, queue: str, *, may_wait: bool = False) -> None:
        self.compacted.append(queue)


def log() -> tuple[MirroredLog, FakeLeader]:
    leader = FakeLeader()
    return MirroredLog(led("q", MirrorGroup(0)), filled(), leader), leader


def test_events_become_records_without_the_id_of_a_node() -> None:
    made, leader = log()
    run = records(b"x", b"y")
    assert made.append(3, run) == 1
    assert made.settle(range(3, 4), is_promised=True) == 2
    assert made.requeued(range(4, 5), 1) == 3
    assert made.requeued(range(0), 1) == 0
    assert leader.records[0] == (b"".join(encode_enqueue(0, 3, run)), False)
    assert [is_settlement for _, is_settlement in leader.records] == [False, True, True]
    ids = [next(decode_operations(memoryview(octets))).queue_id for octets, _ in leader.records]
    assert ids == [0, 0, 0]


def settled_in(octets: bytes) -> list[range]:
    """Return the positions of the settlements at the head of some records."""
    found = list(decode_operations(memoryview(octets)))
    return [each.positions for each in found if isinstance(each, Settle)]


def test_an_ack_is_appended_at_once_where_all_is_committed() -> None:
    made, leader = log()
    assert made.settle(range(1)) == 1
    assert settled_in(leader.records[0][0]) == [range(1)]


def test_acks_wait_for_the_next_record_while_something_is_on_its_way() -> None:
    made, leader = log()
    made.append(3, records(b"x"))
    assert [made.settle(range(at, at + 1)) for at in (0, 1, 2)] == [0, 0, 0]
    assert len(leader.records) == 1
    assert made.append(4, records(b"y")) == 3, "two records, and the LSN of the last"
    octets, is_settlement = leader.records[1]
    assert settled_in(octets) == [range(3)]
    assert not is_settlement
    assert made.led.last_index == 3
    made.commit(2)
    assert made.committed_below == 4, "the message has the index of the last record"
    made.commit(3)
    assert made.committed_below == 5
    assert not made.waits_to_settle


def test_acks_wait_no_longer_than_until_all_is_committed() -> None:
    made, leader = log()
    made.append(3, records(b"x"))
    made.append(4, records(b"y"))
    made.settle(range(2, 3))
    made.settle(range(1, 2))
    waits = []
    for index in (1, 2):
        made.commit(index)
        waits.append(made.waits_to_settle)
    assert waits == [True, False]
    assert settled_in(leader.records[2][0]) == [range(1, 3)]
    assert leader.records[2][1], "no move keeps it"


def test_nothing_waits_while_the_queue_is_handed_over() -> None:
    made, leader = log()
    made.append(3, records(b"x"))
    made.led.lead.handing_over = HandingOver("b", 1, 1)
    assert made.settle(range(1)) == 2
    made.led.lead.handing_over, made.led.lead.moving = None, True
    assert made.settle(range(1, 2)) == 3
    made.led.lead.moving = False
    assert made.settle(range(2, 3)) == 0
    made.end_waiting()
    assert [settled_in(octets) for octets, _ in leader.records[1:]] == [
        [range(1)],
        [range(1, 2)],
        [range(2, 3)],
    ]


def test_a_promised_settlement_takes_the_waiting_ones_along() -> None:
    made, leader = log()
    made.append(3, records(b"x"))
    made.settle(range(1))
    assert made.settle(range(2, 3), is_promised=True) == 3
    assert settled_in(leader.records[1][0]) == [range(1), range(2, 3)]


def test_acks_in_no_order_do_not_wait_in_any_number() -> None:
    made, leader = log()
    made.append(3, records(b"x"))
    for at in range(0, 2 * STRETCHES_MAX + 2, 2):
        made.settle(range(at, at + 1))
    assert not made.waits_to_settle
    assert len(settled_in(leader.records[1][0])) == STRETCHES_MAX + 1


def test_what_waits_when_the_leadership_ends_is_in_no_record() -> None:
    made, leader = log()
    made.append(3, records(b"x"))
    made.settle(range(1))
    made.has_ended = True
    made.led.end()
    made.append(4, records(b"y"))
    assert len(leader.records) == 1
    assert not made.waits_to_settle


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


def test_a_queue_that_tells_duplicates_needs_all_keys() -> None:
    made, _ = log()
    submission = Submission(Front("x", 7), 1, 1, 0)
    assert made.judge(submission).finding is Finding.FRESH, "others do not"
    made.keys_are_known = False
    with pytest.raises(NotServingError):
        made.judge(submission)
    made.keys_are_known = True
    assert made.judge(submission).finding is Finding.FRESH


X = Front("x", 7)


def repeat(made: MirroredLog, number: int) -> None:
    """The queue takes a message that repeats one, and appends nothing."""
    made.keys_are_known = True
    made.begin(X, number)
    made.end(1)
    assert made.has_repeated


def test_what_a_stream_has_needs_no_proof() -> None:
    made, leader = log()
    leader.has_lease = False
    made.begin(X, 1)
    made.end(1)
    assert not made.has_repeated


def test_with_the_lease_a_duplicate_is_as_safe_as_what_it_repeats() -> None:
    made, leader = log()
    repeat(made, 1)
    assert made.prove(X, 1) is SAFE_NOW
    assert not made.has_repeated
    assert leader.records == []


def test_without_the_lease_a_duplicate_waits_for_a_record_that_says_nothing() -> None:
    made, leader = log()
    leader.has_lease = False
    made.append(3, records(b"x"))
    made.settle(range(2, 3))
    made.commit(1)
    repeat(made, 1)
    point = made.prove(X, 1)
    octets, is_settlement = leader.records[-1]
    assert list(decode_operations(memoryview(octets))) == [Epoch(0, made.led.lead.epoch)]
    assert not is_settlement
    again = made.judge(Submission(X, 1, 1, 0))
    assert (again.finding, again.index) == (Finding.IN_LOG, made.led.last_index)
    assert not is_safe(point)
    made.commit(made.led.last_index)
    assert is_safe(point)


def test_a_message_that_is_appended_behind_a_duplicate_proves_as_much() -> None:
    made, leader = log()
    leader.has_lease = False
    repeat(made, 1)
    made.begin(X, 2)
    made.append(3, records(b"x"))
    made.end(1)
    assert not made.has_repeated


def test_what_is_refused_behind_a_duplicate_proves_nothing() -> None:
    made, _ = log()
    repeat(made, 1)
    made.begin(X, 2)
    made.end(0)
    assert made.has_repeated


def test_the_engine_of_a_deleted_queue_leaves_the_replica_to_the_note_that_it_is_gone() -> None:
    made, _ = log()
    assert made.drop() == 0
    assert not made._replica.is_dropped


def test_it_lags_until_a_settlement_is_committed_and_asks_for_a_drain_then() -> None:
    made, _ = log()
    asked: list[int] = []
    made.on_committed = lambda: asked.append(1)
    made.settle(range(1))
    assert not made.lags(0)
    made.commit(0)
    assert not asked
    assert made.lags(LAG_MAX_MS + 1)
    made.commit(1)
    assert asked
    assert not made.lags(LAG_MAX_MS + 2)


def test_it_does_not_lag_while_one_mirror_answers() -> None:
    made, leader = log()
    made.settle(range(1))
    assert not made.lags(0)
    leader.elsewhere = 1
    assert not made.lags(LAG_MAX_MS + 1)
    made.settle(range(1, 2))
    assert not made.lags(LAG_MAX_MS + 2)
    assert not made.lags(3 * LAG_MAX_MS), "the second one is looked at from here on"
    assert made.lags(5 * LAG_MAX_MS)


def test_acks_wait_no_longer_than_a_mirror_that_is_silent_is_waited_for() -> None:
    made, leader = log()
    made.append(3, records(b"x"))
    made.settle(range(1))
    made.lags(0)
    assert len(leader.records) == 1
    leader.elsewhere = 1
    assert not made.lags(LAG_MAX_MS + 1)
    assert settled_in(leader.records[1][0]) == [range(1)]
