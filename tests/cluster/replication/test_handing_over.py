"""A queue in use stands still for a moment, so that it can move."""

from cluster.replication.handing_over import AT_ONCE_MAX, REST_TIMES
from cluster.replication.inputs import HandOver, Move, TransactionRefused
from cluster.replication.node_state import STILL_MAX_MS
from cluster.replication.ready import Change
from cluster.replication.state import QueueOptions
from cluster.replication.timers import Timers, decide
from tests.support.replicating import Replicating

TO_B = HandOver("q", "b", 9)


def serving() -> Replicating:
    nodes = Replicating()
    nodes.serve()
    nodes.settle()
    return nodes


def tick(nodes: Replicating, now_ms: int) -> None:
    """Set the clock of the leader, and let its timers decide."""
    core = nodes.cores["a"]
    core.tick(now_ms)
    decide(core.node, Timers(lag_max_ms=1 << 40, missing_max_ms=1 << 40, answer_max_ms=1 << 40))
    nodes.settle()


def moves(nodes: Replicating) -> list[str]:
    return [each.new.leader for each in nodes.transactions if each.change is Change.MOVE]


def test_a_queue_that_is_at_rest_moves_at_once() -> None:
    nodes = serving()
    nodes.step("a", TO_B)
    assert moves(nodes) == ["b"]


def test_a_queue_in_use_stands_still_until_the_other_has_all_of_it() -> None:
    nodes = serving()
    core = nodes.cores["a"]
    index = nodes.append("a")
    assert core.may_hand_over("q", "b")
    nodes.step("a", TO_B)
    assert moves(nodes) == []
    assert (core.may_append("q"), core.may_deliver("q")) == (False, False)
    assert not core.may_hand_over("q", "b"), "it is on its way"
    core.append_settlement("q", 1, "settled")
    nodes.settle()
    assert nodes.committed["q"].index == index + 1, "what was published is confirmed"
    tick(nodes, core.node.now_ms + 25)
    assert moves(nodes) == ["b"]
    assert not core.may_append("q")
    nodes.step("a", TransactionRefused(nodes.transactions[-1].number))
    assert core.may_append("q")


def test_one_that_stood_still_for_nothing_goes_on_and_is_left_alone_for_a_while() -> None:
    nodes = serving()
    core = nodes.cores["a"]
    now_ms = core.node.now_ms
    nodes.append("a")
    nodes.step("a", TO_B)
    for at in (STILL_MAX_MS - 1, STILL_MAX_MS):
        core.tick(now_ms + at)
        core.append_settlement("q", 1, "settled")
        decide(core.node, Timers())
        assert core.may_append("q") is (at == STILL_MAX_MS)
    nodes.append("a")
    assert not core.may_hand_over("q", "b")
    nodes.step("a", TO_B)
    assert core.may_append("q")
    core.tick(now_ms + (1 + REST_TIMES) * STILL_MAX_MS)
    assert core.may_hand_over("q", "b")
    assert moves(nodes) == []


def test_nobody_stands_still_for_a_node_that_could_not_lead() -> None:
    nodes = serving()
    nodes.append("a")
    core = nodes.cores["a"]
    for target in ("x", "a"):
        assert not core.may_hand_over("q", target)
        nodes.step("a", HandOver("q", target, 9))
    assert core.may_append("q")
    assert not nodes.cores["b"].may_hand_over("q", "c"), "it does not lead"
    nodes.step("b", HandOver("q", "c", 9))


def test_a_queue_that_moves_otherwise_or_is_not_led_any_more_is_forgotten() -> None:
    nodes = serving()
    core = nodes.cores["a"]
    nodes.append("a")
    nodes.step("a", TO_B)
    nodes.settle()
    nodes.step("a", Move("q", "c", 9))
    tick(nodes, core.node.now_ms + STILL_MAX_MS)
    assert moves(nodes) == ["c"]
    assert core.node.handing_over == {}


def test_only_so_many_stand_still_at_a_time() -> None:
    names = [f"q{number}" for number in range(AT_ONCE_MAX + 1)]
    nodes = Replicating(queues={name: QueueOptions(("a", "b", "c"), 2) for name in names})
    nodes.serve()
    nodes.settle()
    core = nodes.cores["a"]
    for name in names:
        nodes.append("a", name)
        nodes.step("a", HandOver(name, "b", 9))
    assert [core.may_append(name) for name in names].count(True) == 1
