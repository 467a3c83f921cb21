"""What is submitted is taken once, confirmed by one number, and never decided twice."""

import pytest

from cluster.fronts.errors import FrontError
from cluster.fronts.taking import Taking
from cluster.mirrored.submitting import Taken
from cluster.replication.core import NotServingError
from cluster.replication.publishers import Finding, Front, Submission
from persistence.record import Run
from queues.commits import SAFE_NOW, CommitPoint
from tests.support.commits import FakeCommits
from tests.support.records import run_of

X = Front("x", 1)


class Told:
    """A ``Submitter``, and what takes the runs: as the test says."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.answers: list[Taken | None] = []
        self.asked: list[Submission] = []

    def confirm(self, number: int) -> None:
        self.said.append(f"confirm {number}")

    def refuse(self, first: int, last: int) -> None:
        self.said.append(f"refuse {first} {last}")

    def gap(self, number: int) -> None:
        self.said.append(f"gap {number}")

    def take(self, submission: Submission, run: Run, now_ms: int) -> Taken:
        assert len(run) == submission.count
        assert now_ms
        self.asked.append(submission)
        answer = self.answers.pop(0)
        if answer is None:
            raise NotServingError("q")
        return answer


def submit(taking: Taking, first: int, count: int = 1, below: int = 0, attempt: int = 0) -> None:
    taking.submit(first, below, attempt, run_of(*[b"m"] * count), 1_000)


def fresh(numbers: range, point: CommitPoint = SAFE_NOW) -> Taken:
    return Taken(Finding.FRESH, numbers, safe_at=point)


def test_many_runs_are_confirmed_by_one_number() -> None:
    told, commits = Told(), FakeCommits()
    taking = Taking(X, told.take, told)
    told.answers += [
        fresh(range(1, 3), CommitPoint(commits, 1)),
        fresh(range(3, 4), CommitPoint(commits, 2)),
    ]
    submit(taking, 1, 2)
    submit(taking, 3, 1, 2)
    assert told.said == []
    commits.commit(2)
    assert told.said == ["confirm 3"]
    assert told.asked == [Submission(X, 1, 2, 0), Submission(X, 3, 1, 2)]


def test_whoever_comes_behind_a_refused_message_is_refused_with_it() -> None:
    told = Told()
    taking = Taking(X, told.take, told)
    told.answers.append(Taken(Finding.FRESH, range(1, 3), range(3, 4), range(4, 6)))
    submit(taking, 1, 5)
    assert told.said == ["refuse 3 5", "confirm 2"]


def test_behind_a_gap_nothing_of_an_earlier_attempt_is_decided() -> None:
    told = Told()
    taking = Taking(X, told.take, told)
    told.answers += [fresh(range(1, 2)), Taken(Finding.GAP), fresh(range(3, 4))]
    submit(taking, 1)
    submit(taking, 5, below=4)
    submit(taking, 6, below=5)
    submit(taking, 3, below=1, attempt=1)
    assert told.said == ["confirm 1", "gap 1", "confirm 3"]
    assert len(told.asked) == 3


def test_while_nothing_is_admitted_nothing_is_decided() -> None:
    told = Told()
    taking = Taking(X, told.take, told)
    told.answers += [None, fresh(range(1, 2))]
    submit(taking, 1)
    submit(taking, 2, below=1)
    assert taking.is_kept_waiting
    taking.go_on()
    taking.go_on()
    submit(taking, 3, below=2)
    submit(taking, 1, attempt=1)
    assert told.said == ["gap 0", "confirm 1"]


def test_what_a_leader_lost_is_not_confirmed() -> None:
    told, commits = Told(), FakeCommits()
    taking = Taking(X, told.take, told)
    told.answers.append(fresh(range(1, 2), CommitPoint(commits, 1)))
    submit(taking, 1)
    commits.fail()
    assert told.said == ["gap 0"], "who leads, this node or another one, is asked"


def test_where_another_queue_has_ended_what_is_open_is_submitted_again() -> None:
    told, before, after = Told(), FakeCommits(), FakeCommits()
    wakes: list[bool] = []
    taking = Taking(X, told.take, told, lambda: wakes.append(True))
    told.answers += [fresh(range(at, at + 1), CommitPoint(before, at)) for at in (1, 2, 3)]
    for number in (1, 2, 3):
        submit(taking, number)
    before.commit(1)
    before.fail()
    assert told.said == ["confirm 1", "gap 1"], "also what is in the log"
    assert wakes == [True]
    submit(taking, 3)
    assert len(told.asked) == 3, "it was on its way, and comes again behind the others"
    told.answers.append(Taken(Finding.IN_LOG, range(2, 4), safe_at=CommitPoint(after, 1)))
    submit(taking, 2, count=2, attempt=1)
    after.commit(1)
    assert told.said[2:] == ["confirm 3"]


def test_who_is_kept_waiting_submits_again_what_a_failed_group_had_too() -> None:
    told, commits = Told(), FakeCommits()
    taking = Taking(X, told.take, told)
    told.answers += [fresh(range(1, 2), CommitPoint(commits, 1)), None]
    submit(taking, 1)
    submit(taking, 2)
    commits.fail()
    taking.go_on()
    assert told.said == ["gap 0", "gap 0"]


def test_nobody_is_told_of_what_has_ended() -> None:
    told, commits = Told(), FakeCommits()
    taking = Taking(X, told.take, told)
    told.answers.append(fresh(range(1, 2), CommitPoint(commits, 1)))
    submit(taking, 1)
    taking.end()
    commits.commit(1)
    assert told.said == []


def test_an_older_process_of_a_node_is_refused() -> None:
    told = Told()
    told.answers.append(Taken(Finding.REPLACED))
    with pytest.raises(FrontError, match="newer process"):
        submit(Taking(X, told.take, told), 1)
