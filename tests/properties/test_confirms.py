"""Every publish is answered exactly once, with what became of it, whatever the order."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from amqp_server.protocol.confirms import ConfirmReply, ConfirmTracker


def answer(replies: list[ConfirmReply], answered: dict[int, bool], open_from: int) -> int:
    """Carry replies out as a client does; return the first number that is still open."""
    for tag, multiple, rejected in replies:
        assert not (multiple and rejected), "a nack is for one publish"
        assert tag not in answered, "each number is named once"
        for number in range(open_from if multiple else tag, tag + 1):
            assert not answered.get(number, False), "an ack never covers a nack"
            answered[number] = rejected
        while open_from in answered:
            open_from += 1
    return open_from


class ConfirmsMachine(RuleBasedStateMachine):
    """Outcomes become known in any order; a naive client keeps the score."""

    def __init__(self) -> None:
        super().__init__()
        self.tracker = ConfirmTracker()
        self.pending: list[int] = []
        self.known: dict[int, bool] = {}
        self.answered: dict[int, bool] = {}
        self.open_from = 1

    @rule(count=st.integers(1, 6))
    def publish(self, count: int) -> None:
        first = self.tracker.publish(count)
        assert first == len(self.pending) + len(self.known) + 1
        self.pending += range(first, first + count)

    @precondition(lambda self: bool(self.pending))
    @rule(at=st.integers(0, 30), count=st.integers(1, 6), rejected=st.booleans())
    def settle(self, at: int, count: int, rejected: bool) -> None:
        first = self.pending[at % len(self.pending)]
        last = first
        while last + 1 in self.pending and last + 1 < first + count:
            last += 1
        (self.tracker.reject if rejected else self.tracker.confirm)(first, last)
        for number in range(first, last + 1):
            self.pending.remove(number)
            self.known[number] = rejected

    @rule()
    def take(self) -> None:
        replies = self.tracker.take_replies()
        self.open_from = answer(replies, self.answered, self.open_from)
        assert self.tracker.take_replies() == []
        first_pending = min(self.pending, default=self.tracker.published + 1)
        assert self.open_from == first_pending, "all that is known was said"
        assert self.answered == self.known

    @invariant()
    def answers_are_true(self) -> None:
        assert self.answered.items() <= self.known.items()
        assert self.tracker.answered_up_to == self.open_from - 1


TestConfirms = ConfirmsMachine.TestCase


@given(order=st.permutations(range(1, 40)), take_every=st.integers(1, 9))
def test_every_publish_is_acked_exactly_once(order: list[int], take_every: int) -> None:
    tracker = ConfirmTracker()
    tracker.publish(len(order))
    answered: dict[int, bool] = {}
    open_from = 1
    for step, number in enumerate(order, start=1):
        tracker.confirm(number, number)
        if step % take_every == 0 or step == len(order):
            open_from = answer(tracker.take_replies(), answered, open_from)
    assert answered == dict.fromkeys(sorted(order), False)
