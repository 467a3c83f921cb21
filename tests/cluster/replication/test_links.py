"""A mirror's answers wait for its disk, in their order."""

from cluster.replication.frames import Ack, Ends, Got
from cluster.replication.links import LinkFromLeader
from cluster.replication.state import ReplicaId


def test_nothing_leaves_before_the_disk_has_it() -> None:
    link = LinkFromLeader()
    link.answer(Got("q", 1, 5), number=2)
    link.receive(40, number=3)
    assert link.is_waiting()
    assert link.answers(1) == []
    assert link.answers(2) == [Got("q", 1, 5)]
    assert link.answers(3) == [Ack(40)]
    assert not link.is_waiting()


def test_one_lsn_answers_many_frames_and_comes_last() -> None:
    link = LinkFromLeader()
    for number in range(1, 10):
        link.receive(number * 10, number)
    link.answer(Got("q", 1, 5), number=9)
    assert link.answers(9) == [Got("q", 1, 5), Ack(90)]


def test_the_same_lsn_is_answered_once() -> None:
    link = LinkFromLeader()
    link.receive(10, 1)
    assert link.answers(1) == [Ack(10)]
    link.receive(10, 1)
    assert link.answers(1) == []


def test_no_answer_leaves_behind_a_refusal() -> None:
    link = LinkFromLeader()
    for queue in ("q", "r"):
        link.attached[queue] = 1
        link.answer(Ends(queue, 1, ReplicaId("c", "0"), (), 5, 0), number=1)
        link.answer(Got(queue, 1, 5), number=2)
    link.receive(40, number=2)
    link.detach("q")
    assert link.attached == {"r": 1}
    assert [getattr(each, "queue", "all") for each in link.answers(2)] == ["r", "r", "all"]
