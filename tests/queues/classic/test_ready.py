"""Ready messages: first in, first out, and back to the old place."""

from queues.batch import Batch, messages_of
from queues.classic.ready import Ready
from tests.support.records import run_of

ABC = run_of(b"a", b"b", b"c")


def bodies(batch: Batch | None) -> list[bytes]:
    return [] if batch is None else [record.body for record in batch.records]


def test_positions_grow_by_one_over_runs() -> None:
    ready = Ready()
    assert [ready.append(ABC), ready.append(ABC[:1]), ready.append(ABC)] == [0, 3, 4]


def test_messages_leave_in_the_order_of_arrival() -> None:
    ready = Ready()
    ready.append(ABC)
    first, rest = ready.take(2, 1), ready.take(9, 1)
    assert (bodies(first), bodies(rest)) == ([b"a", b"b"], [b"c"])
    assert first is not None
    assert (first.positions, first.delivery_count, first.redelivered) == (range(2), 0, False)
    assert ready.take(1, 1) is None


def test_taking_nothing_takes_nothing() -> None:
    ready = Ready()
    ready.append(ABC)
    assert ready.take(0, 1) is None
    assert ready.count == 3


def test_positions_go_on_after_the_queue_was_empty() -> None:
    ready = Ready()
    ready.append(ABC)
    ready.take(3, 1)
    assert ready.append(ABC) == 3


def test_count_and_bytes_follow() -> None:
    ready = Ready()
    ready.append(run_of(b"a", b"bb", b"ccc"))
    assert (ready.count, ready.body_bytes) == (3, 6)
    batch = ready.take(2, 1)
    assert (ready.count, ready.body_bytes) == (1, 3)
    assert batch is not None
    assert batch.body_bytes == 3
    ready.requeue([batch.requeued()])
    assert (ready.count, ready.body_bytes) == (3, 6)
    ready.check_invariants()


def test_a_requeued_message_is_ahead_of_later_ones_and_marked() -> None:
    ready = Ready()
    ready.append(ABC)
    taken = ready.take(2, 1)
    assert taken is not None
    ready.requeue([taken.part(1).requeued()])
    again = ready.take(9, 1)
    assert again is not None
    assert (bodies(again), again.redelivered, again.positions) == ([b"b"], True, range(1, 2))
    assert bodies(ready.take(9, 1)) == [b"c"]


def test_a_batch_ends_before_a_message_that_has_expired() -> None:
    ready = Ready()
    ready.append(ABC, [50, 40, 60])
    batch = ready.take(9, 40)
    assert batch is not None
    assert (bodies(batch), batch.expires_at_ms) == ([b"a"], [50])
    assert ready.take(9, 40) is None
    assert bodies(ready.take_expired(9, 40)) == [b"b"]
    assert bodies(ready.take(9, 40)) == [b"c"]


def test_a_message_is_alive_until_the_instant_it_expires() -> None:
    ready = Ready()
    ready.append(ABC, 40)
    assert ready.take_expired(9, 39) is None
    assert bodies(ready.take(1, 39)) == [b"a"]
    assert ready.take(1, 40) is None
    assert bodies(ready.take_expired(9, 40)) == [b"b", b"c"]


def test_one_that_expires_waits_behind_one_that_does_not() -> None:
    ready = Ready()
    ready.append(ABC[:1])
    ready.append(ABC[1:], 5)
    assert ready.head_expires_at_ms == 0
    assert ready.take_expired(9, 99) is None
    assert bodies(ready.take(9, 99)) == [b"a"]
    assert ready.head_expires_at_ms == 5


def test_a_batch_has_expiries_only_where_a_message_expires() -> None:
    ready = Ready()
    ready.append(ABC[:1], 5)
    ready.append(ABC[1:])
    expiries: list[int] = []
    while ready.count:  # however many come in one batch
        batch = ready.take(9, 1)
        assert batch is not None
        expiries += [entry.expires_at_ms for entry in messages_of(batch)]
    assert expiries == [5, 0, 0]
    ready.append(ABC)
    last = ready.take(9, 1)
    assert last is not None
    assert last.expires_at_ms is None


def test_no_more_expired_ones_are_taken_than_asked_for() -> None:
    ready = Ready()
    ready.append(ABC, 5)
    assert bodies(ready.take_expired(2, 5)) == [b"a", b"b"]


def test_a_requeued_message_keeps_its_expiry() -> None:
    ready = Ready()
    ready.append(ABC, [7, 0, 0])
    taken = ready.take(1, 1)
    assert taken is not None
    ready.requeue([taken.requeued()])
    assert ready.head_expires_at_ms == 7
    assert ready.take(9, 7) is None
    assert bodies(ready.take_expired(9, 7)) == [b"a"]
    assert bodies(ready.take(9, 7)) == [b"b", b"c"]


def test_the_head_can_be_dropped_expired_or_not() -> None:
    ready = Ready()
    ready.append(ABC, [1, 0, 0])
    assert bodies(ready.drop_head(2)) == [b"a", b"b"]


def test_a_purge_tells_what_it_forgot_and_keeps_counting() -> None:
    ready = Ready()
    ready.append(run_of(b"a", b"b", b"c", b"d"), 9)
    taken = ready.take(2, 1)
    assert taken is not None
    ready.requeue([taken.part(0, 1, 1).requeued()])
    assert ready.purge() == [range(1), range(2, 4)]
    assert (ready.count, ready.body_bytes, ready.head_expires_at_ms) == (0, 0, 0)
    assert ready.append(ABC) == 4
    ready.check_invariants()
