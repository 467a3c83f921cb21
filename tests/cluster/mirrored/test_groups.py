"""Commit groups of mirrored queues: one line for those that wait for the same mirrors."""

from cluster.mirrored.groups import Groups, LedQueue, MirrorGroup
from cluster.replication.commit_line import CommitLine, LineKey
from cluster.replication.leadership import Leadership
from cluster.replication.replica import Replica
from cluster.replication.state import QueueOptions, QueueState, StoredReplica
from queues.commits import CommitPoint, is_ordered_by, is_safe, wait_for


def led(name: str, group: MirrorGroup) -> LedQueue:
    replica = Replica(name, QueueOptions(("a", "b")), StoredReplica(), 0)
    return LedQueue(Leadership(replica, QueueState("a", 1, 1, frozenset()), 1, 1), group)


def told(group: MirrorGroup, lsn: int) -> list[int]:
    calls: list[int] = []
    group.wait(lsn, lambda: calls.append(lsn))
    return calls


def test_a_run_is_safe_when_its_queue_is_committed_and_all_before_it() -> None:
    group = MirrorGroup(0)
    one, two = led("one", group), led("two", group)
    one.note_run(1, 10)
    two.note_run(1, 11)
    one.note_run(2, 12)
    first, last = told(group, 10), told(group, 12)
    one.commit(2)
    assert (first, last, group.committed_lsn) == ([10], [], 10)
    two.commit(1)
    assert (last, group.committed_lsn) == ([12], 12)


def test_waiters_are_told_in_the_order_of_their_lsns() -> None:
    group = MirrorGroup(0)
    queue = led("q", group)
    for index in (1, 2, 3):
        queue.note_run(index, index)
    calls: list[int] = []
    for lsn in (3, 1, 2):
        group.wait(lsn, lambda lsn=lsn: calls.append(lsn))  # type: ignore[misc]
    queue.commit(3)
    assert calls == [1, 2, 3]


def test_a_queue_that_leaves_a_line_is_confirmed_at_its_old_place() -> None:
    groups = Groups()
    line = CommitLine[Leadership](LineKey(frozenset("b"), None))
    queue = led("q", groups.of("q", 0))
    queue.lead.line = line
    shared = groups.place(queue, 0)
    queue.note_run(1, 5)
    queue.lead.line = None
    alone = groups.place(queue, 5)
    assert alone is not shared
    queue.note_run(2, 6)
    before, after = told(shared, 5), told(alone, 6)
    queue.commit(1)
    assert (before, after) == ([5], [])
    queue.commit(2)
    assert after == [6]


def test_queues_of_a_line_share_its_group() -> None:
    groups = Groups()
    key = LineKey(frozenset("b"), None)
    one, two = led("one", groups.of("one", 0)), led("two", groups.of("two", 0))
    one.lead.line = CommitLine(key)
    two.lead.line = CommitLine(key)
    assert groups.place(one, 0) is groups.place(two, 0)


def test_a_queue_that_is_not_led_any_more_fails_its_groups() -> None:
    groups = Groups()
    key = LineKey(frozenset("b"), None)
    queue = led("q", groups.of("q", 0))
    queue.lead.line = CommitLine(key)
    group = groups.place(queue, 0)
    queue.note_run(1, 1)
    point = CommitPoint(group, 1)
    calls: list[bool] = []
    wait_for(point, lambda: calls.append(is_safe(point)))
    queue.end()
    assert calls == [False]
    assert told(group, 1) == [1], "it is decided"
    assert groups.of(key, 1) is not group
    assert not is_safe(CommitPoint(queue.group, 1)), "what comes later is never safe"


def test_what_another_queue_has_failed_waits_alone() -> None:
    shared = MirrorGroup(0)
    one, two = led("one", shared), led("two", shared)
    one.note_run(1, 5)
    two.note_run(1, 6)
    two.end()
    alone = one.wait_alone()
    point = CommitPoint(alone, 1)
    assert not is_safe(point)
    assert told(shared, 5) == [5], "it has failed"
    calls = told(alone, 1)
    one.commit(1)
    assert is_safe(point)
    assert calls == [1]


def test_what_waits_alone_is_lost_with_its_own_queue() -> None:
    shared = MirrorGroup(0)
    one, two = led("one", shared), led("two", shared)
    one.note_run(1, 5)
    two.note_run(1, 6)
    two.end()
    alone = one.wait_alone()
    one.end()
    assert told(alone, 1) == [1]
    assert not is_safe(CommitPoint(alone, 1))


def test_a_queue_without_runs_fails_nobody() -> None:
    group = MirrorGroup(0)
    one, two = led("one", group), led("two", group)
    two.note_run(1, 1)
    one.end()
    assert not group.has_failed


def test_a_group_of_mirrors_orders_nothing_over_queues() -> None:
    group = MirrorGroup(0)
    assert not is_ordered_by(group, CommitPoint(group, 1))
