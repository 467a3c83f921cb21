"""A queue of one node knows which publishes of other nodes it has, as a mirrored one does (R23)."""

from amqp_server.clustering.unmirrored_log import UnmirroredLog
from cluster.mirrored.submitting import Taken, submit
from cluster.replication.publishers import Finding, Front, Submission
from persistence.record import Run
from queues.commits import SAFE_NOW
from queues.outcomes import PublishOutcome
from tests.support.records import run_of

X = Front("x", 7)


class Queue:
    """Takes what has no body ``no``."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def only_appends(self, run: Run, now_ms: int) -> bool:
        return False

    def refuses(self, run: Run) -> bool:
        return any(each.body == b"no" for each in run)

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        rejected = [at for at, each in enumerate(run) if each.body == b"no"]
        self.bodies += [each.body for each in run if each.body != b"no"]
        return PublishOutcome(rejected, SAFE_NOW)


class Rig:
    def __init__(self) -> None:
        self.queue = Queue()
        self.log = UnmirroredLog()

    def submit(self, first: int, *bodies: bytes, open_below: int = 0, front: Front = X) -> Taken:
        submission = Submission(front, first, len(bodies), open_below)
        return submit(self.log, self.queue, submission, run_of(*bodies), 1)


def test_a_run_that_comes_twice_is_taken_once_and_confirmed_twice() -> None:
    rig = Rig()
    first = rig.submit(1, b"a", b"b")
    again = rig.submit(1, b"a", b"b")
    assert rig.queue.bodies == [b"a", b"b"]
    assert first.in_log == again.in_log == range(1, 3)
    assert first.safe_at is again.safe_at is SAFE_NOW
    assert again.finding is Finding.IN_LOG


def test_of_a_run_that_is_there_in_part_the_rest_is_taken() -> None:
    rig = Rig()
    rig.submit(1, b"a")
    taken = rig.submit(1, b"a", b"b", b"c")
    assert rig.queue.bodies == [b"a", b"b", b"c"]
    assert taken.in_log == range(1, 4)


def test_what_comes_behind_a_gap_is_not_decided() -> None:
    rig = Rig()
    rig.submit(1, b"a")
    behind = rig.submit(3, b"c", open_below=2)
    assert behind.finding is Finding.GAP
    assert behind.undecided == range(3, 4)
    assert rig.queue.bodies == [b"a"]


def test_what_was_refused_is_not_noted_as_taken() -> None:
    rig = Rig()
    assert rig.submit(1, b"no").refused == range(1, 2)
    assert rig.submit(1, b"now it fits").in_log == range(1, 2)
    assert rig.queue.bodies == [b"now it fits"]


def test_numbers_are_of_one_front_end() -> None:
    rig = Rig()
    rig.submit(1, b"a")
    rig.submit(1, b"b", front=Front("y", 9))
    assert rig.queue.bodies == [b"a", b"b"]
    restarted = rig.submit(1, b"c", front=Front("x", 8))
    assert restarted.in_log == range(1, 2)
    assert rig.submit(2, b"late").finding is Finding.REPLACED
    assert rig.queue.bodies == [b"a", b"b", b"c"]
