"""Confirms wait for the disk, in order, with one call under way."""

import pytest

from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.awaited_confirms import AwaitedConfirms
from amqp_server.protocol.confirms import ConfirmTracker
from amqp_server.wire.content import render_confirm
from queues.commits import point_at
from tests.support.commits import FakeCommits

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
