"""A purge of a priority queue takes message after message out of its lanes: it is cut."""

from pamqp import commands

from queues.classic.priority_ready import PURGED_PER_CALL_MAX
from tests.support.counted_clock import budget_of
from tests.support.frames import method_frame
from tests.support.long_event import Attack, publish, said_so_far

COUNT = 20 * PURGED_PER_CALL_MAX


def begin_purge(attack: Attack) -> None:
    attack.node.broker.turn.budget = budget_of(3)
    attack.node.broker.turn.budget.begin()
    purge = method_frame(1, commands.Queue.Purge, queue="jobs")
    attack.attacker.connection.receive_data(purge, attack.node.now_ms)


def test_a_purge_of_priorities_is_cut_and_answered_when_all_are_gone() -> None:
    attack = Attack()
    attacker = attack.attacker
    attacker.declare("jobs", arguments={"x-max-priority": 3})
    attacker.send_bytes(b"".join(publish("", "jobs", b"x", priority=n % 4) for n in range(COUNT)))
    begin_purge(attack)
    assert attack.is_more_after_a_turn()
    assert attack.ready_counts(["jobs"]) != {0}
    assert said_so_far(attacker) == []
    while attack.is_more_after_a_turn():
        pass
    (answer,) = said_so_far(attacker)
    assert isinstance(answer, commands.Queue.PurgeOk)
    assert answer.message_count == COUNT
    assert attack.ready_counts(["jobs"]) == {0}


def test_a_queue_that_is_deleted_meanwhile_ends_the_purge() -> None:
    attack = Attack()
    attacker = attack.attacker
    attacker.declare("jobs", arguments={"x-max-priority": 3})
    attacker.send_bytes(b"".join(publish("", "jobs", b"x", priority=n % 4) for n in range(COUNT)))
    begin_purge(attack)
    attack.stranger.connection.receive_data(
        method_frame(1, commands.Queue.Delete, queue="jobs", nowait=True), attack.node.now_ms
    )
    while attack.is_more_after_a_turn():
        pass
    (answer,) = said_so_far(attacker)
    assert isinstance(answer, commands.Queue.PurgeOk)
