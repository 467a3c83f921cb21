"""Each publish is answered once, in time, after its return; whoever does otherwise is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.crash.confirm_checker import Event, Frame, Violation, check_confirms

CHANNEL = 1


def publish(tag: int, at_ms: int = 0) -> Event:
    return Event(at_ms, CHANNEL, Frame.PUBLISH, tag)


def ack(tag: int, at_ms: int = 10, *, multiple: bool = False) -> Event:
    return Event(at_ms, CHANNEL, Frame.ACK, tag, multiple)


def nack(tag: int, at_ms: int = 10, *, multiple: bool = False) -> Event:
    return Event(at_ms, CHANNEL, Frame.NACK, tag, multiple)


def violations(*events: Event, end_ms: int = 1_000) -> list[tuple[int, str]]:
    found = check_confirms(events, end_ms, answered_within_ms=100)
    assert {one.channel for one in found} <= {CHANNEL}
    return [(one.tag, one.text) for one in found]


def test_each_may_be_answered_alone_or_with_those_before_it() -> None:
    published = [publish(tag) for tag in range(1, 7)]
    answers = [ack(2), nack(1), ack(5, multiple=True), nack(6)]
    assert violations(*published, *answers) == []


@pytest.mark.parametrize("again", [ack(1), nack(1), ack(1, multiple=True)])
def test_nothing_is_answered_twice(again: Event) -> None:
    assert violations(publish(1), ack(1), again) == [(1, "answered twice")]


@pytest.mark.parametrize("tag", [0, 2])
def test_what_was_not_published_is_not_answered(tag: int) -> None:
    expected = [(tag, "was answered and never published"), (1, "was never answered")]
    assert violations(publish(1), ack(tag, multiple=True)) == expected


def test_what_nobody_answered_is_named_at_the_end() -> None:
    assert violations(publish(1), publish(2), ack(2)) == [(1, "was never answered")]
    assert violations(publish(1, at_ms=900), end_ms=1_000) == []


def test_a_closed_channel_owes_no_answer_and_gives_none() -> None:
    close = Event(5, CHANNEL, Frame.CLOSE, 0)
    assert violations(publish(1), close) == []
    assert violations(publish(1), close, ack(1)) == [(1, "came after the channel was closed")]


def test_an_answer_has_its_time() -> None:
    assert violations(publish(1), ack(1, at_ms=100)) == []
    assert violations(publish(1), ack(1, at_ms=101)) == [(1, "was answered too late")]


def test_a_return_comes_before_its_answer() -> None:
    returned = Event(5, CHANNEL, Frame.RETURN, 1)
    assert violations(publish(1), returned, ack(1)) == []
    assert violations(publish(1), ack(1), returned) == [(1, "returned after its answer")]


def test_channels_number_for_themselves() -> None:
    events = [publish(1), Event(0, 2, Frame.PUBLISH, 1), ack(1)]
    assert check_confirms(events, 1_000, answered_within_ms=100) == [
        Violation(2, 1, "was never answered")
    ]


def test_a_program_that_miscounts_is_not_the_brokers_fault() -> None:
    with pytest.raises(AssertionError, match="numbered from 1"):
        violations(publish(2))


@given(order=st.permutations(range(1, 12)), flips=st.lists(st.booleans(), min_size=11))
def test_any_order_of_single_answers_is_valid_and_one_missing_is_seen(
    order: list[int], flips: list[bool]
) -> None:
    published = [publish(tag) for tag in range(1, 12)]
    answers = [ack(tag) if flip else nack(tag) for tag, flip in zip(order, flips, strict=False)]
    assert violations(*published, *answers) == []
    assert violations(*published, *answers[:-1]) == [(order[-1], "was never answered")]
    assert violations(*published, *answers, answers[0]) == [(order[0], "answered twice")]
