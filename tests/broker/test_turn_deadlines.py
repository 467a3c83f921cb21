"""Deadlines of queues: each is met, none before its time."""

from weakref import WeakSet

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqp_server.broker.turn import STALE_DEADLINES_MAX, Turn
from tests.support.drained import DELIVERIES_MAX, CarriedOut, FakeQueue, effect


@pytest.fixture
def turn() -> Turn:
    return Turn(DELIVERIES_MAX)


def test_without_deadlines_nothing_is_due(turn: Turn) -> None:
    turn.mark_dirty(FakeQueue())
    turn.end(1)
    assert turn.next_deadline_ms() is None
    turn.on_deadline(1_000_000)


def test_a_queue_expires_when_it_is_due_and_not_before(turn: Turn) -> None:
    queue = FakeQueue()
    queue.deadline_ms = 50
    turn.mark_dirty(queue)
    turn.end(1)
    assert turn.next_deadline_ms() == 50
    turn.on_deadline(49)
    assert "expire q 49" not in queue.journal
    turn.on_deadline(50)
    assert queue.journal[-1] == "expire q 50"
    assert turn.next_deadline_ms() is None
    turn.end(50)
    assert queue.journal[-1] == "drain q", "what it woke is drained"


def test_an_earlier_deadline_replaces_a_later_one(turn: Turn) -> None:
    queue = FakeQueue()
    for deadline_ms in (50, 30, 40):
        queue.deadline_ms = deadline_ms
        turn.mark_dirty(queue)
        turn.end(1)
    assert turn.next_deadline_ms() == 30, "too early does no harm"
    turn.on_deadline(30)
    turn.end(30)
    assert turn.next_deadline_ms() == 40, "the deadline of today comes back"


def test_a_deleted_queue_never_expires(turn: Turn) -> None:
    queue, other = FakeQueue("gone"), FakeQueue("other")
    queue.deadline_ms, other.deadline_ms = 20, 30
    turn.mark_dirty(queue)
    turn.mark_dirty(other)
    turn.end(1)
    turn.forget(queue)
    assert turn.next_deadline_ms() == 30
    turn.on_deadline(100)
    assert "expire gone 100" not in queue.journal


def test_effects_of_an_expiry_are_carried_out_in_its_tick(turn: Turn) -> None:
    carry_out = CarriedOut(turn)

    class Dying(FakeQueue):
        def expire(self, now_ms: int) -> None:
            turn.emit(carry_out, effect(self.name))

    queue = Dying("dying")
    queue.deadline_ms = 20
    turn.mark_dirty(queue)
    turn.end(1)
    turn.on_deadline(25)
    assert (carry_out.names, carry_out.times_ms) == (["dying"], [25])


def test_deleted_queues_are_not_kept_until_their_deadline(turn: Turn) -> None:
    lasting = FakeQueue("lasting")
    lasting.deadline_ms = 500
    turn.mark_dirty(lasting)
    turn.end(1)
    held: WeakSet[FakeQueue] = WeakSet()
    for index in range(1_000):
        queue = FakeQueue(f"reply-{index}")
        held.add(queue)
        queue.deadline_ms = 1_000_000
        turn.mark_dirty(queue)
        turn.end(1)
        turn.forget(queue)
    assert len(held) <= STALE_DEADLINES_MAX + 3
    assert turn.next_deadline_ms() == 500


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("deadline"), st.integers(0, 3), st.none() | st.integers(1, 60)
        ),  # ms from now
        st.tuples(st.just("forget"), st.integers(0, 3), st.none()),
        st.tuples(st.just("pass"), st.integers(0, 40), st.none()),
    ),
    max_size=40,
)


@given(steps=STEPS)
def test_no_queue_misses_its_deadline(steps: list[tuple[str, int, int | None]]) -> None:
    """The shell ticks when it is told to; a naive clock looks at every queue all the time."""
    turn = Turn(DELIVERIES_MAX)
    queues = [FakeQueue(str(index)) for index in range(4)]
    forgotten: set[int] = set()
    now_ms = 1

    def is_overdue(queue: FakeQueue) -> bool:
        return queue.deadline_ms is not None and queue.deadline_ms <= now_ms

    for kind, number, span_ms in steps:
        if kind == "deadline" and number not in forgotten:
            queues[number].deadline_ms = None if span_ms is None else now_ms + span_ms
            turn.mark_dirty(queues[number])
        elif kind == "forget":
            turn.forget(queues[number])
            forgotten.add(number)
        elif kind == "pass":
            now_ms += number
            due_ms = turn.next_deadline_ms()
            if due_ms is not None and due_ms <= now_ms:
                turn.on_deadline(now_ms)
        turn.end(now_ms)

        alive = [queue for index, queue in enumerate(queues) if index not in forgotten]
        assert not any(map(is_overdue, alive))
        earliest_ms = min(
            (queue.deadline_ms for queue in alive if queue.deadline_ms is not None), default=None
        )
        due_ms = turn.next_deadline_ms()
        if earliest_ms is not None:
            assert due_ms is not None, "a deadline is in the heap once its turn has ended"
            assert due_ms <= earliest_ms
        assert due_ms is None or due_ms > now_ms, "a tick is never due at once, for ever"
