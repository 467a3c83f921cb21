"""What a tick decides, and what it never looks at."""

from cluster.replication.core import ReplicationCore
from cluster.replication.frames import Fence, Refused
from cluster.replication.inputs import (
    FrameFromMirror,
    Grow,
    MirrorDisconnected,
    Shrink,
    TransactionDone,
    TransactionUnknown,
)
from cluster.replication.ready import Change
from cluster.replication.state import QueueOptions, ReplicaId
from cluster.replication.timers import Timers, decide
from tests.support.replicating import Replicating, members

TIMERS = Timers(lag_max_ms=500, missing_max_ms=200, idle_max_ms=30_000, answer_max_ms=300)
C0 = ReplicaId("c", "0")


def serving(queues: dict[str, QueueOptions] | None = None) -> Replicating:
    nodes = Replicating(queues=queues)
    nodes.serve()
    return nodes


def tick(nodes: Replicating, now_ms: int) -> list[tuple[Change, str]]:
    """A tick of a; what it submitted."""
    before = len(nodes.transactions)
    core = nodes.cores["a"]
    core.tick(now_ms)
    decide(core.node, TIMERS)
    nodes.take("a")
    return [(each.change, each.queue) for each in nodes.transactions[before:]]


def answer(nodes: Replicating, revision: int) -> None:
    nodes.step("a", TransactionDone(nodes.transactions[-1].number, revision))


def test_a_calm_queue_is_not_looked_at() -> None:
    nodes = serving()
    assert nodes.cores["a"].node.not_calm == {}
    assert tick(nodes, 60_000) == []


def test_a_member_that_is_missing_is_taken_out() -> None:
    nodes = serving()
    nodes.step("a", MirrorDisconnected("c"))
    nodes.append("a")
    assert tick(nodes, 1_000) == []
    assert tick(nodes, 1_199) == []
    assert tick(nodes, 1_200) == [(Change.SHRINK, "q")]
    assert nodes.transactions[-1].new.in_sync_set == members("a", "b")
    assert tick(nodes, 1_201) == []


def test_a_queue_that_nobody_uses_keeps_a_missing_member_for_long() -> None:
    """The two writes of each queue are dear to a store with a slow disk."""
    nodes = serving()
    nodes.step("a", MirrorDisconnected("c"))
    assert tick(nodes, 1_000) == []
    assert tick(nodes, 30_999) == []
    assert tick(nodes, 31_000) == [(Change.SHRINK, "q")]


def test_a_member_that_goes_on_refusing_an_idle_queue_is_taken_out_soon() -> None:
    nodes = serving()
    epoch = nodes.cores["a"].node.leaderships["q"].epoch

    def refuse() -> None:
        nodes.step("a", FrameFromMirror("c", Refused("q", epoch)))

    refuse()
    assert tick(nodes, 100) == []
    assert tick(nodes, 1_500) == [], "it refused once, and that is over"
    refuse()
    assert tick(nodes, 1_700) == [(Change.SHRINK, "q")]
    assert nodes.transactions[-1].new.in_sync_set == members("a", "b")


def test_the_next_record_of_such_a_queue_waits_for_the_store_only() -> None:
    nodes = serving()
    nodes.step("a", MirrorDisconnected("c"))
    tick(nodes, 1_000)
    assert tick(nodes, 20_000) == []
    nodes.append("a")
    nodes.settle()
    lead = nodes.cores["a"].lead_of("q")
    assert lead is not None
    assert lead.commit < lead.replica.end, "a member lacks it"
    assert tick(nodes, 20_001) == [(Change.SHRINK, "q")]
    answer(nodes, 2)
    assert lead.commit == lead.replica.end


def test_a_queue_with_records_that_wait_is_not_looked_at_behind_idle_ones() -> None:
    queues = {f"q{number}": QueueOptions(("a", "b", "c"), 2) for number in range(50)}
    nodes = serving(queues)
    nodes.step("a", MirrorDisconnected("c"))
    core = nodes.cores["a"]
    for at_ms in range(0, 20_000, 100):
        core.tick(at_ms)
        decide(core.node, Timers(looks_max=4))
    nodes.append("a", "q33")
    decide(core.node, Timers(looks_max=4))
    nodes.take("a")
    assert [each.queue for each in nodes.transactions] == ["q33"]


def test_an_absence_of_before_does_not_count_for_the_next_one() -> None:
    nodes = serving()
    nodes.step("a", MirrorDisconnected("c"))
    tick(nodes, 1_000)
    nodes.connect("a", "c")
    tick(nodes, 1_100)
    nodes.settle()
    nodes.step("a", MirrorDisconnected("c"))
    nodes.append("a")
    assert tick(nodes, 25_000) == []
    assert tick(nodes, 25_200) == [(Change.SHRINK, "q")]


def test_where_too_few_would_be_left_the_set_stays_whole() -> None:
    """Nothing can be committed either way, and of more members one may be elected."""
    nodes = serving()
    nodes.step("a", MirrorDisconnected("b"))
    nodes.step("a", MirrorDisconnected("c"))
    assert tick(nodes, 1_000) == []
    assert tick(nodes, 60_000) == []


def test_a_member_that_came_back_in_time_stays() -> None:
    nodes = serving()
    nodes.step("a", MirrorDisconnected("c"))
    tick(nodes, 1_000)
    nodes.connect("a", "c")
    tick(nodes, 1_100)
    nodes.settle()
    assert tick(nodes, 5_000) == []


def test_a_member_that_lags_is_taken_out_of_the_queues_that_wait_for_it() -> None:
    queues = {name: QueueOptions(("a", "b", "c"), 2) for name in ("q", "idle")}
    nodes = serving(queues)
    nodes.append("a", "q")
    nodes.carry()
    nodes.fsync("a", "b")
    nodes.carry()
    assert tick(nodes, 1_000) == []
    assert tick(nodes, 1_499) == []
    assert tick(nodes, 1_500) == [(Change.SHRINK, "q")]
    assert nodes.transactions[-1].new.in_sync_set == members("a", "b")


def test_a_line_that_moves_lags_not() -> None:
    nodes = serving()
    for now_ms in range(1_000, 3_000, 400):
        nodes.append("a")
        assert tick(nodes, now_ms) == []
        nodes.settle()


def test_a_mirror_that_caught_up_is_taken_in() -> None:
    nodes = serving()
    nodes.step("a", Shrink("q", C0))
    answer(nodes, 2)
    assert tick(nodes, 1_000) == [(Change.GROW, "q")]
    answer(nodes, 3)
    assert nodes.cores["a"].node.not_calm == {}


def test_who_is_connected_is_attached_once_the_own_promise_is_on_disk() -> None:
    nodes = Replicating()
    nodes.elect("a")
    nodes.connect("a", "b", "c")
    tick(nodes, 1)
    assert nodes.frames == []
    nodes.fsync("a")
    tick(nodes, 2)
    assert [target for _, target, _ in nodes.frames] == ["b", "c"]


def test_a_mirror_that_refuses_is_fenced_again_after_a_while() -> None:
    nodes = serving()
    nodes.cores["a"].tick(1_000)
    nodes.step("a", FrameFromMirror("c", Refused("q", 1)))
    tick(nodes, 1_000)
    assert nodes.frames == [("a", "c", Fence("q", 1))]
    nodes.step("a", FrameFromMirror("c", Refused("q", 1)))
    for now_ms in (1_001, 1_199):
        tick(nodes, now_ms)
        assert len(nodes.frames) == 1
    tick(nodes, 1_200)
    assert len(nodes.frames) == 2


def test_an_answer_that_does_not_come_is_given_up_and_settled_by_a_touch() -> None:
    nodes = serving()
    nodes.step("a", Shrink("q", C0))
    answer(nodes, 2)
    nodes.step("a", Grow("q", "c"))
    assert tick(nodes, 299) == []
    assert tick(nodes, 300) == [(Change.TOUCH, "q")]
    lead = nodes.cores["a"].lead_of("q")
    assert lead is not None
    assert lead.waited_for() == members("a", "b", "c")


def test_an_answer_is_given_up_once() -> None:
    nodes = serving()
    nodes.step("a", Shrink("q", C0))
    nodes.step("a", TransactionUnknown(nodes.transactions[-1].number))
    assert nodes.cores["a"].node.submitted_at_ms == {}


def test_a_core_without_timers_decides_nothing_at_a_tick() -> None:
    nodes = serving()
    nodes.step("a", MirrorDisconnected("c"))
    core: ReplicationCore = nodes.cores["a"]
    for now_ms in (1_000, 60_000):
        core.tick(now_ms)
    assert core.ready().transactions == []


def test_a_tick_looks_at_a_bounded_number_of_queues_in_turn() -> None:
    queues = {f"q{number}": QueueOptions(("a", "b", "c"), 2) for number in range(10)}
    nodes = serving(queues)
    for queue in queues:
        nodes.step("a", Shrink(queue, C0))
        answer(nodes, 2)
    core = nodes.cores["a"]
    assert len(core.node.not_calm) == len(queues)
    grown = []
    for _ in range(3):
        decide(core.node, Timers(looks_max=4))
        nodes.take("a")
        grown.append(sum(each.change is Change.GROW for each in nodes.transactions))
    assert grown == [4, 8, 10]
