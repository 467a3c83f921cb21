"""A burst is parted among its queues: who gets what, and what of it waits for whom."""

from collections.abc import Sequence

from amqp_server.broker.burst import COPIES_MAX, Waiting, enqueue_burst
from amqp_server.broker.publish_target import Targets
from queues.commits import CommitPoint
from tests.support.commits import FakeCommits
from tests.support.publish_target import THE_GROUP, FakeTarget
from tests.support.vhosts import message


def burst_to(*targets_of: Targets, order: str) -> Sequence[Waiting] | None:
    """Publish a message for each digit, whose body it is, to the targets with that number."""
    run = [message(digit.encode(), "x") for digit in order]
    return enqueue_burst(targets_of, bytes(map(int, order)), run, 1)


def test_each_queue_gets_its_messages_of_a_burst_as_one_run_in_order() -> None:
    one, two, both = FakeTarget(), FakeTarget(), FakeTarget()
    assert burst_to((one, both), (two, both), (), order="0120110") == ()
    assert one.bodies() == [[b"0", b"0", b"0"]]
    assert two.bodies() == [[b"1", b"1", b"1"]]
    assert both.bodies() == [[b"0", b"1", b"0", b"1", b"1", b"0"]]


def test_queues_that_get_the_same_of_a_burst_share_its_memory() -> None:
    one, two, other = FakeTarget(), FakeTarget(), FakeTarget()
    burst_to((one, two), (two, one), (other,), order="0121")
    assert one.bodies() == [[b"0", b"1", b"1"]]
    assert one.runs[0] is two.runs[0]


def test_a_burst_with_one_destination_is_handed_on_as_it_is() -> None:
    one = FakeTarget()
    run = [message(b"a", "x"), message(b"b", "y")]
    assert enqueue_burst([(one,), (one,)], b"\0\1", run, 1) == ()
    assert one.runs[0] is run


def test_a_burst_is_safe_when_the_last_of_its_queues_has_it_safe() -> None:
    one, two = FakeTarget(lsn=5), FakeTarget(lsn=9)
    run = [message(b"m", "x", delivery_mode=2)] * 4
    waiting = enqueue_burst([(one,), (one, two), (two,)], b"\0\1\2\1", run, 1)
    assert waiting == [(0, 4, CommitPoint(THE_GROUP, 9))]


def test_what_of_a_burst_goes_to_no_disk_waits_for_none() -> None:
    durable, transient = FakeTarget(lsn=5), FakeTarget()
    both = (durable, transient)
    persistent, passing = message(b"m", "x", delivery_mode=2), message(b"m", "x")
    run = [persistent, persistent, passing, persistent, persistent, persistent]
    waiting = enqueue_burst([both, (transient,), ()], b"\0\0\0\1\2\0", run, 1)
    five = CommitPoint(THE_GROUP, 5)
    assert waiting == [(0, 2, five), (5, 6, five)]


def test_where_a_queue_keeps_transient_messages_they_wait_too() -> None:
    stream, transient = FakeTarget(lsn=5, keeps_transient=True), FakeTarget()
    run = [message(b"m", "x"), message(b"m", "x", delivery_mode=2), message(b"m", "x")]
    waiting = enqueue_burst([(stream,), (transient,)], b"\0\1\0", run, 1)
    five = CommitPoint(THE_GROUP, 5)
    assert waiting == [(0, 1, five), (2, 3, five)]


def test_nothing_is_done_where_one_queue_would_do_more_than_append() -> None:
    one, two = FakeTarget(), FakeTarget(only_appends=False)
    assert burst_to((one,), (two,), order="0110") is None
    assert one.runs == two.runs == []
    assert [[record.body for record in run] for run in two.asked] == [[b"1", b"1"]]


def test_a_burst_that_reaches_nobody_is_safe_at_once() -> None:
    assert burst_to((), (), order="01") == ()


def test_queues_that_get_unlike_shares_do_not_multiply_a_message_in_memory() -> None:
    """One after another, all queues have a message in the same memory."""
    queues = [FakeTarget() for _ in range(COPIES_MAX + 1)]
    routes = [tuple(queues[: count + 1]) for count in range(len(queues))]
    order = "".join(map(str, range(len(queues))))
    assert burst_to(*routes, order=order) is None
    assert all(not queue.runs for queue in queues)
    assert burst_to(*routes[1:], order=order[:-1]) is not None
    assert [len(queue.runs) for queue in queues] == [1] * len(queues)


def test_each_message_waits_for_the_groups_of_its_queues_and_for_no_others() -> None:
    fast, slow = FakeCommits(), FakeCommits()
    one, two, three = FakeTarget(lsn=5, group=fast), FakeTarget(lsn=9, group=slow), FakeTarget()
    also_fast = FakeTarget(lsn=7, group=fast)
    run = [message(b"m", "x", delivery_mode=2)] * 6
    routes = [(one,), (two, three), (three,), (one, two), (also_fast,)]
    waiting = enqueue_burst(routes, bytes([0, 1, 2, 3, 4, 0]), run, 1)
    at_fast, at_slow = CommitPoint(fast, 7), CommitPoint(slow, 9)
    assert waiting == [
        (0, 1, at_fast),
        (1, 2, at_slow),
        (3, 4, CommitPoint(fast, 7, (at_slow,))),
        (4, 6, at_fast),
    ]
