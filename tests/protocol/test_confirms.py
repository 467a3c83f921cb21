"""Publish numbers and their answers: in order, coalesced, once."""

import pytest

from amqp_server.protocol.confirms import ConfirmReply, ConfirmTracker
from amqp_server.wire.content import render_confirm


def ack(tag: int, *, multiple: bool = False) -> ConfirmReply:
    return ConfirmReply(tag, multiple, rejected=False)


def nack(tag: int) -> ConfirmReply:
    return ConfirmReply(tag, multiple=False, rejected=True)


@pytest.fixture
def tracker() -> ConfirmTracker:
    published = ConfirmTracker()
    published.publish(10)
    return published


def test_numbers_count_from_one() -> None:
    tracker = ConfirmTracker()
    assert [tracker.publish(), tracker.publish(3), tracker.publish()] == [1, 2, 5]
    assert tracker.published == 5


def test_nothing_known_is_nothing_said(tracker: ConfirmTracker) -> None:
    assert tracker.take_replies() == []


def test_one_is_acked_alone_and_several_at_once(tracker: ConfirmTracker) -> None:
    tracker.confirm(1, 1)
    assert tracker.take_replies() == [ack(1)]
    tracker.confirm(2, 5)
    tracker.confirm(6, 7)
    assert tracker.take_replies() == [ack(7, multiple=True)]
    assert tracker.answered_up_to == 7


def test_nothing_is_said_twice(tracker: ConfirmTracker) -> None:
    tracker.confirm(1, 4)
    tracker.take_replies()
    assert tracker.take_replies() == []


def test_what_is_known_early_is_answered_alone(tracker: ConfirmTracker) -> None:
    tracker.confirm(3, 4)
    tracker.reject(6, 6)
    assert tracker.take_replies() == [ack(3), ack(4), nack(6)]
    assert tracker.answered_up_to == 0
    tracker.confirm(1, 1)
    assert tracker.take_replies() == [ack(1)]
    tracker.confirm(2, 2)
    assert tracker.take_replies() == [ack(2)]
    assert tracker.answered_up_to == 4
    tracker.confirm(5, 5)
    assert tracker.take_replies() == [ack(5)]
    assert tracker.answered_up_to == 6


def test_an_ack_passes_over_what_was_acked_alone_but_over_no_nack(tracker: ConfirmTracker) -> None:
    tracker.confirm(3, 3)
    tracker.reject(6, 6)
    assert tracker.take_replies() == [ack(3), nack(6)]
    tracker.confirm(1, 2)
    tracker.confirm(4, 5)
    tracker.confirm(7, 8)
    assert tracker.take_replies() == [ack(5, multiple=True), ack(8, multiple=True)]
    assert tracker.answered_up_to == 8


def test_a_nack_never_covers_an_ack(tracker: ConfirmTracker) -> None:
    tracker.confirm(1, 3)
    tracker.reject(4, 5)
    tracker.confirm(6, 6)
    tracker.confirm(7, 9)
    assert tracker.take_replies() == [
        ack(3, multiple=True),
        nack(4),
        nack(5),
        ack(9, multiple=True),
    ]


@pytest.mark.parametrize(("first", "last"), [(1, 11), (5, 4), (11, 11)])
def test_only_what_was_published_has_an_outcome(
    tracker: ConfirmTracker, first: int, last: int
) -> None:
    with pytest.raises(AssertionError, match="only what was published"):
        tracker.confirm(first, last)
    with pytest.raises(AssertionError, match="only what was published"):
        tracker.reject(first, last)


def test_nothing_is_said_again_of_what_was_answered_alone(tracker: ConfirmTracker) -> None:
    for number in range(2, 9):
        tracker.confirm(number, number)
        assert tracker.take_replies() == [ack(number)]
    tracker.reject(9, 10)
    assert tracker.take_replies() == [nack(9), nack(10)]
    tracker.confirm(1, 1)
    assert tracker.take_replies() == [ack(1)]
    assert tracker.answered_up_to == 10


def test_many_answered_behind_an_open_one_are_little_work(tracker: ConfirmTracker) -> None:
    tracker.publish(5_000)
    for number in range(2, 5_000):
        tracker.confirm(number, number)
        tracker.take_replies()
    tracker.confirm(1, 1)
    assert tracker.take_replies() == [ack(1)]
    assert tracker.answered_up_to == 4_999


def test_answers_leave_as_frames_in_order(tracker: ConfirmTracker) -> None:
    assert tracker.render_replies(7) == b""
    tracker.confirm(1, 3)
    assert tracker.render_replies(7) == render_confirm(7, 3, multiple=True, rejected=False)
    tracker.reject(4, 5)
    tracker.confirm(6, 6)
    assert tracker.render_replies(0xFFFE) == b"".join(
        (
            render_confirm(0xFFFE, 4, multiple=False, rejected=True),
            render_confirm(0xFFFE, 5, multiple=False, rejected=True),
            render_confirm(0xFFFE, 6, multiple=False, rejected=False),
        )
    )
    assert tracker.render_replies(7) == b""
