"""A run of a front end is taken once, and nothing behind a refused message is in the log."""

import pytest

from cluster.mirrored.groups import MirrorGroup
from cluster.mirrored.log import MirroredLog
from cluster.mirrored.submitting import Taken, submit
from cluster.replication.core import NotServingError
from cluster.replication.publishers import Finding, Front, Submission
from persistence.operations import Epoch, Submitted, decode_operations
from persistence.record import Record, Run
from queues.classic.mirrored_queue import MirroredQueue
from queues.commits import SAFE_NOW, is_safe
from queues.log_port import CommittedLog
from queues.options import Overflow, QueueOptions
from queues.outcomes import ALL_SAFE, PublishOutcome, all_taken
from queues.ports import EngineParts
from tests.cluster.mirrored.test_groups import led
from tests.cluster.mirrored.test_log import FakeLeader
from tests.persistence.replicas.test_log import new_log, records

NOW_MS = 1_000
X = Front("x", 7)
LIMITED = QueueOptions(max_length=2, overflow=Overflow.REJECT_PUBLISH)


class Rig:
    """A queue over the log of a leader that appends to nothing."""

    def __init__(self, options: QueueOptions = QueueOptions()) -> None:  # noqa: B008 -- frozen
        self.leader = FakeLeader()
        self.log = MirroredLog(led("q", MirrorGroup(0)), new_log(), self.leader)
        parts = EngineParts[CommittedLog](
            "q", options, self.log, lambda _: None, lambda: None, NOW_MS
        )
        self.queue = MirroredQueue(parts)

    def submit(self, first: int, count: int, open_below: int = 0) -> Taken:
        run: list[Record] = records(*[b"%d" % number for number in range(first, first + count)])
        submission = Submission(X, first, count, open_below)
        return submit(self.log, self.queue, submission, run, NOW_MS)

    def numbers(self) -> list[int]:
        """The last numbers that the records say."""
        found = [next(decode_operations(memoryview(octets))) for octets, _ in self.leader.records]
        return [each.last.number for each in found if isinstance(each, Submitted)]


def test_a_run_is_one_record_with_the_number_of_its_last_message() -> None:
    rig = Rig()
    taken = rig.submit(1, 3)
    assert (taken.finding, taken.in_log) == (Finding.FRESH, range(1, 4))
    assert rig.numbers() == [3]
    assert not is_safe(taken.safe_at)
    rig.log.commit(1)
    assert is_safe(taken.safe_at)


def test_what_comes_again_is_confirmed_when_what_is_there_is_safe() -> None:
    rig = Rig()
    rig.submit(1, 3)
    taken = rig.submit(2, 2)
    assert (taken.finding, taken.in_log, rig.numbers()) == (Finding.IN_LOG, range(2, 4), [3])
    assert not is_safe(taken.safe_at)
    rig.log.commit(1)
    assert is_safe(taken.safe_at)
    assert is_safe(rig.submit(1, 3).safe_at)


def test_the_rest_of_a_run_is_appended() -> None:
    rig = Rig()
    rig.submit(1, 3)
    taken = rig.submit(2, 4)
    assert (taken.in_log, rig.numbers()) == (range(2, 6), [3, 5])


def test_behind_a_gap_nothing_is_decided() -> None:
    rig = Rig()
    taken = rig.submit(4, 2, open_below=3)
    assert (taken.finding, taken.undecided, rig.numbers()) == (Finding.GAP, range(4, 6), [])


def test_nothing_is_appended_behind_a_message_that_was_refused() -> None:
    rig = Rig(LIMITED)
    taken = rig.submit(1, 5)
    assert (taken.in_log, taken.refused) == (range(1, 3), range(3, 6)), "it is full"
    assert rig.numbers() == [1, 2]
    rig.log.commit(2)
    assert rig.queue.get(NOW_MS) is not None
    assert rig.submit(6, 2, open_below=5).finding is Finding.GAP, "5 is open to the front end"
    taken = rig.submit(6, 2)
    assert (taken.in_log, taken.refused) == (range(6, 7), range(7, 8)), "and now it is not"


def test_what_is_in_the_log_is_confirmed_though_the_rest_of_its_run_is_refused() -> None:
    rig = Rig(LIMITED)
    rig.submit(1, 2)
    taken = rig.submit(2, 3)
    assert (taken.in_log, taken.refused) == (range(2, 3), range(3, 5))
    assert not is_safe(taken.safe_at), "not before it is safe"
    rig.log.commit(1)
    assert is_safe(taken.safe_at)
    assert rig.submit(4, 1, open_below=3).finding is Finding.GAP, "3 is open to the front end"
    assert rig.numbers() == [2], "and nothing is appended twice"


def test_a_run_ends_with_what_would_be_taken_behind_a_refused_one() -> None:
    rig = Rig(QueueOptions(max_length_bytes=1, overflow=Overflow.REJECT_PUBLISH))
    submission = Submission(X, 1, 3, 0)
    taken = submit(rig.log, rig.queue, submission, records(b"large", b"x", b"y"), NOW_MS)
    assert (taken.in_log, taken.refused, taken.undecided) == (range(1, 1), range(1, 2), range(2, 4))
    assert rig.numbers() == []


class Repeating:
    """A queue that is full, and has the key of each message whose body has this in it."""

    def __init__(self, log: MirroredLog, repeats: bytes, refused: bytes = b"") -> None:
        self.log = log
        log.keys_are_known = True
        self.repeats = repeats
        self.refused = refused

    def only_appends(self, run: Run, now_ms: int) -> bool:
        del now_ms
        return not any(each.body in self.repeats + self.refused for each in run)

    def refuses(self, run: Run) -> bool:
        return run[0].body in self.refused

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        del now_ms
        if run[0].body in self.repeats:
            return ALL_SAFE
        if self.refuses(run):
            return PublishOutcome([0], SAFE_NOW)
        return all_taken(self.log.commit_group, self.log.append(0, run))


def submitted_to(queue: Repeating) -> tuple[Taken, list[type]]:
    """Submit messages 1, 2 and 3; return what became of them, and what was appended."""
    submission = Submission(X, 1, 3, 0)
    taken = submit(queue.log, queue, submission, records(b"1", b"2", b"3"), NOW_MS)
    leader = queue.log._leader
    assert isinstance(leader, FakeLeader)
    found = [next(decode_operations(memoryview(octets))) for octets, _ in leader.records]
    return taken, [type(each) for each in found]


@pytest.mark.parametrize(
    ("repeats", "refused", "appended"),
    [
        (b"123", b"", [Epoch]),
        (b"23", b"", [Submitted, Epoch]),
        (b"12", b"", [Submitted]),
        (b"1", b"23", [Epoch]),
        (b"", b"", [Submitted]),
    ],
)
def test_without_a_lease_a_run_ends_with_a_proof_where_it_repeats(
    repeats: bytes, refused: bytes, appended: list[type]
) -> None:
    rig = Rig()
    rig.leader.has_lease = False
    taken, found = submitted_to(Repeating(rig.log, repeats, refused))
    assert found == appended
    assert not is_safe(taken.safe_at)
    rig.log.commit(len(appended) - 1)
    assert not is_safe(taken.safe_at)
    rig.log.commit(len(appended))
    assert is_safe(taken.safe_at)


def test_with_the_lease_what_repeats_needs_no_proof() -> None:
    taken, found = submitted_to(Repeating(Rig().log, b"123"))
    assert (found, taken.in_log) == ([], range(1, 4))
    assert is_safe(taken.safe_at)


def test_a_message_that_may_not_be_confirmed_is_not_decided() -> None:
    rig = Rig()
    rig.submit(1, 1)
    rig.log.commit(1)
    rig.leader.confirms = False
    with pytest.raises(NotServingError):
        rig.submit(1, 1)


def test_a_leader_that_has_ended_decides_nothing() -> None:
    rig = Rig()
    rig.log.has_ended = True
    with pytest.raises(NotServingError):
        rig.submit(1, 1)
    rig = Rig()
    rig.leader.admits = False
    with pytest.raises(NotServingError):
        rig.submit(1, 1)
