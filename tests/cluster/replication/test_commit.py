"""Commit: nothing before all who are waited for have it; one step for all queues of a line."""

import sys
from collections.abc import Callable
from types import FrameType

from cluster.replication.frames import Ack
from cluster.replication.inputs import (
    FrameFromMirror,
    GiveUp,
    MirrorDisconnected,
    TransactionRefused,
)
from cluster.replication.ready import Committed
from cluster.replication.state import QueueOptions, ReplicaId
from tests.support.replicating import Replicating


def test_a_run_is_committed_when_own_disk_and_all_members_have_it() -> None:
    nodes = Replicating()
    nodes.serve()
    index = nodes.append("a", count=10)
    nodes.carry()
    nodes.fsync("b", "c")
    nodes.carry()
    assert nodes.committed["q"].index < index
    nodes.fsync("a")
    assert nodes.committed["q"] == Committed(1, index)


def test_a_member_that_is_behind_is_waited_for() -> None:
    nodes = Replicating()
    nodes.serve()
    index = nodes.append("a")
    nodes.carry()
    nodes.fsync("a", "b")
    nodes.carry()
    assert nodes.committed["q"].index < index
    nodes.fsync("c")
    nodes.carry()
    assert nodes.committed["q"].index == index


def test_queues_with_the_same_members_share_one_line() -> None:
    queues = {f"q{number}": QueueOptions(("a", "b", "c"), 2) for number in range(100)}
    queues["other"] = QueueOptions(("a", "b"), 2)
    nodes = Replicating(queues=queues)
    nodes.serve()
    node = nodes.cores["a"].node
    assert {tuple(sorted(key.mirrors)): line.members for key, line in node.lines.items()} == {
        ("b", "c"): 100,
        ("b",): 1,
    }
    assert node.alone == {}


def test_one_answer_commits_all_queues_of_a_line() -> None:
    queues = {f"q{number}": QueueOptions(("a", "b"), 2) for number in range(50)}
    nodes = Replicating("ab", queues)
    nodes.serve()
    for queue in queues:
        nodes.append("a", queue, 3)
    lsn = nodes.cores["a"].node.last_lsn
    nodes.fsync("a")
    nodes.committed.clear()
    nodes.step("a", FrameFromMirror("b", Ack(lsn)))
    assert set(nodes.committed) == set(queues)


def test_a_slow_mirror_delays_only_the_queues_that_it_mirrors() -> None:
    queues = {"slow": QueueOptions(("a", "b"), 2), "quick": QueueOptions(("a", "c"), 2)}
    nodes = Replicating("abc", queues)
    nodes.serve()
    slow, quick = nodes.append("a", "slow"), nodes.append("a", "quick")
    nodes.carry()
    nodes.fsync("a", "c")
    nodes.carry()
    assert nodes.committed["quick"].index == quick
    assert nodes.committed["slow"].index < slow


def test_a_queue_in_catch_up_waits_alone_and_by_its_own_answers() -> None:
    nodes = Replicating()
    nodes.serve()
    nodes.step("a", MirrorDisconnected("c"))
    index = nodes.append("a")
    nodes.connect("a", "c")
    nodes.carry()
    nodes.fsync("a", "b")
    nodes.carry()
    node = nodes.cores["a"].node
    assert node.lines == {}
    assert list(node.alone) == ["q"]
    # An answer for other queues on the new connection says nothing of this one.
    nodes.step("a", FrameFromMirror("c", Ack(node.last_lsn)))
    assert nodes.committed["q"].index < index
    nodes.attach("a", "c")
    nodes.settle()
    assert nodes.committed["q"].index == index
    assert node.alone == {}
    assert len(node.lines) == 1


def test_runs_that_were_left_behind_in_a_line_count_no_more() -> None:
    nodes = Replicating()
    nodes.serve()
    index = nodes.append("a")
    nodes.step("a", MirrorDisconnected("c"))
    nodes.connect("a", "c")
    nodes.carry()
    nodes.fsync()
    nodes.carry()
    assert nodes.committed["q"].index < index


def test_who_asked_for_another_leader_confirms_nothing_under_the_guard() -> None:
    for guard in (True, False):
        nodes = Replicating("ab", {"q": QueueOptions(("a", "b"), 1, guard)})
        nodes.serve()
        index = nodes.append("a")
        nodes.step("a", GiveUp("q", ReplicaId("b", "0"), 9))
        nodes.settle()
        assert (nodes.committed["q"].index == index) is not guard, "its lease is valid all the same"
        assert nodes.cores["a"].may_confirm("q", index - 1) is not guard
        nodes.step("a", TransactionRefused(nodes.transactions[-1].number))
        assert nodes.committed["q"].index == index
        assert nodes.cores["a"].may_confirm("q", index)


def test_below_min_isr_nothing_is_committed() -> None:
    nodes = Replicating()
    nodes.elect("a", 1, "a")
    nodes.settle()
    assert nodes.committed == {}


def calls_of(step: Callable[[], None]) -> int:
    """How many functions of the core a step calls: a count, and no time.

    The collector may call what objects of other tests have to say; that counts not.
    """
    count = 0

    def note(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        if event == "call":
            count += str(frame.f_globals.get("__name__")).startswith("cluster.")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        step()
    finally:
        sys.setprofile(before)
    return count


def calls_of_an_answer(queue_count: int, runs: int) -> int:
    queues = {f"q{number}": QueueOptions(("a", "b"), 2) for number in range(queue_count)}
    nodes = Replicating("ab", queues)
    nodes.serve()
    for queue in [*queues][:runs]:
        nodes.append("a", queue, 100)
    nodes.fsync("a")
    core = nodes.cores["a"]
    answer = FrameFromMirror("b", Ack(core.node.last_lsn))
    count = calls_of(lambda: core.step(answer))
    assert len(core.ready().committed) == runs
    return count


def test_an_answer_costs_a_step_for_a_line_however_many_queues_wait_in_it() -> None:
    assert calls_of_an_answer(1_000, 0) == calls_of_an_answer(1, 0)


def test_an_answer_costs_the_runs_that_it_commits() -> None:
    one, many = calls_of_an_answer(1_000, 1), calls_of_an_answer(1_000, 1_000)
    per_run = one - calls_of_an_answer(1_000, 0)
    assert many <= 1_000 * per_run + calls_of_an_answer(1, 0)
