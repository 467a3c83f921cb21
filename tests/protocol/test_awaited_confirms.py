"""Confirms wait for the disk, in order, with one call under way."""

import pytest

from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.awaited_confirms import AwaitedConfirms
from amqp_server.protocol.confirms import ConfirmTracker
from amqp_server.wire.content import render_confirm
from queues.commits import later_of, point_at
from queues.outcomes import PublishOutcome
from tests.support.commits import FakeCommits
from tests.support.records import run_of
from tests.support.refusing_queue import RefusingQueue

CHANNEL = 3


@pytest.fixture
def commits() -> FakeCommits:
    return FakeCommits()


@pytest.fixture
def tracker() -> ConfirmTracker:
    published = ConfirmTracker()
    published.publish(20)
    return published


@pytest.fixture
def outbox() -> Outbox:
    return Outbox(1000, lambda: None)


@pytest.fixture
def awaited(tracker: ConfirmTracker, outbox: Outbox) -> AwaitedConfirms:
    return AwaitedConfirms(tracker, outbox, CHANNEL)


def ack(tag: int, *, multiple: bool = False) -> bytes:
    return render_confirm(CHANNEL, tag, multiple=multiple, rejected=False)


def test_nothing_is_said_before_the_disk_has_it(
    awaited: AwaitedConfirms, tracker: ConfirmTracker, outbox: Outbox, commits: FakeCommits
) -> None:
    awaited.confirm(1, 7, point_at(commits, 12))
    assert tracker.render_replies(CHANNEL) == b""
    commits.commit(11)
    assert outbox.take() == []
    commits.commit(12)
    assert outbox.take() == [ack(7, multiple=True)]


def test_what_one_commit_made_safe_is_one_ack(
    awaited: AwaitedConfirms, outbox: Outbox, commits: FakeCommits
) -> None:
    awaited.confirm(1, 3, point_at(commits, 5))
    awaited.confirm(4, 4, point_at(commits, 6))
    awaited.confirm(5, 9, point_at(commits, 7))
    awaited.confirm(10, 10, point_at(commits, 9))
    assert len(commits.waiters) == 1
    commits.commit(8)
    assert outbox.take() == [ack(9, multiple=True)]
    assert len(commits.waiters) == 1
    commits.commit(9)
    assert outbox.take() == [ack(10)]
    assert not commits.waiters


def test_what_is_safe_already_is_known_at_once(
    awaited: AwaitedConfirms, tracker: ConfirmTracker, outbox: Outbox, commits: FakeCommits
) -> None:
    commits.commit(4)
    awaited.confirm(1, 2, point_at(commits, 4))
    awaited.confirm(3, 3, point_at(commits, 0))
    assert tracker.render_replies(CHANNEL) == ack(3, multiple=True)
    assert not commits.waiters
    assert outbox.take() == []


def test_a_channel_that_ended_is_told_nothing(
    awaited: AwaitedConfirms, outbox: Outbox, commits: FakeCommits
) -> None:
    awaited.confirm(1, 2, point_at(commits, 4))
    awaited.forget()
    commits.commit(4)
    assert outbox.take() == []
    assert not commits.waiters


def nack(tag: int) -> bytes:
    return render_confirm(CHANNEL, tag, multiple=False, rejected=True)


def answered(outbox: Outbox) -> bytes:
    return b"".join(bytes(piece) for piece in outbox.take())


def test_what_is_refused_before_the_commit_is_rejected_and_the_rest_confirmed(
    outbox: Outbox,
) -> None:
    awaited = AwaitedConfirms(ConfirmTracker(), outbox, CHANNEL)
    queue = RefusingQueue()
    awaited.answer(5, queue.publish(run_of(*[b"m"] * 5)))
    queue.refuse(0, range(1, 2), range(4, 5))
    assert outbox.take() == []
    queue.commits.commit(1)
    said = answered(outbox)
    assert nack(2) in said
    assert nack(5) in said
    assert len(said) == 4 * len(nack(1)), "1, 3 and 4: those before a rejected one are told alone"


def test_a_run_of_two_groups_is_answered_once(outbox: Outbox) -> None:
    tracker = ConfirmTracker()
    awaited = AwaitedConfirms(tracker, outbox, CHANNEL)
    one, two = RefusingQueue(), RefusingQueue()
    run = run_of(b"a", b"b", b"c")
    first, second = one.publish(run), two.publish(run)
    safe_at = later_of(first.safe_at, second.safe_at)
    both = [*first.still_open, *second.still_open]
    awaited.answer(3, PublishOutcome((), safe_at, (), both))
    one.refuse(0, range(2))
    one.commits.commit(1)
    two.refuse(0, range(1, 2))
    assert tracker.rejected_count == 0
    two.commits.commit(1)
    assert (tracker.rejected_count, tracker.confirmed_count) == (2, 1)


def test_what_was_rejected_at_once_is_not_rejected_again(outbox: Outbox) -> None:
    tracker = ConfirmTracker()
    awaited = AwaitedConfirms(tracker, outbox, CHANNEL)
    queue = RefusingQueue()
    outcome = queue.publish(run_of(b"a", b"b", b"c", b"d"))
    awaited.answer(4, outcome._replace(rejected=(1,)))
    queue.refuse(0, range(1, 3))
    assert tracker.rejected_count == 1
    queue.commits.commit(1)
    assert (tracker.rejected_count, tracker.confirmed_count) == (2, 2)


def test_a_run_that_is_safe_at_once_is_looked_at_too(outbox: Outbox) -> None:
    tracker = ConfirmTracker()
    queue = RefusingQueue()
    outcome = queue.publish(run_of(b"a", b"b"))
    queue.refuse(0, range(1))
    queue.commits.commit(1)
    AwaitedConfirms(tracker, outbox, CHANNEL).answer(2, outcome)
    assert (tracker.rejected_count, tracker.confirmed_count) == (1, 1)


def test_all_of_a_run_is_rejected_where_its_group_fails(outbox: Outbox) -> None:
    tracker = ConfirmTracker()
    queue = RefusingQueue()
    AwaitedConfirms(tracker, outbox, CHANNEL).answer(2, queue.publish(run_of(b"a", b"b")))
    queue.commits.fail()
    assert (tracker.rejected_count, tracker.confirmed_count) == (2, 0)
