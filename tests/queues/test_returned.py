"""Returned messages: by position, alike ones together."""

import pytest

from queues.batch import Entry
from queues.returned import Returned
from tests.support.records import record


def entry(position: int, *, delivery_count: int = 1, expires_at_ms: int = 0) -> Entry:
    return Entry(position, record(b"m%d" % position), expires_at_ms, delivery_count)


def returned(*entries: Entry) -> Returned:
    store = Returned()
    store.add(entries)
    return store


def taken(store: Returned, max_count: int = 100, now_ms: int = 1) -> list[list[int]]:
    batches = []
    while (batch := store.take(max_count, now_ms)) is not None:
        batches.append(list(batch.positions))
        assert [one.body for one in batch.records] == [b"m%d" % at for at in batch.positions]
    return batches


def test_they_come_out_by_position_whatever_the_order_of_return() -> None:
    assert taken(returned(entry(7), entry(5), entry(6))) == [[5, 6, 7]]


def test_a_batch_ends_where_the_positions_stop_being_evenly_spaced() -> None:
    assert taken(returned(*map(entry, (0, 2, 4, 5, 6, 9)))) == [[0, 2, 4], [5, 6], [9]]


def test_a_batch_ends_where_the_past_differs() -> None:
    store = returned(entry(0), entry(1, delivery_count=2), entry(2, delivery_count=2))
    assert taken(store) == [[0], [1, 2]]


def test_a_batch_says_how_often_its_messages_came_back() -> None:
    batch = returned(entry(3, delivery_count=4)).take(1, 1)
    assert batch is not None
    assert (batch.delivery_count, batch.redelivered, batch.expires_at_ms) == (4, True, None)


def test_no_more_are_taken_than_asked_for() -> None:
    assert taken(returned(*map(entry, range(5))), max_count=2) == [[0, 1], [2, 3], [4]]


def test_a_batch_ends_before_an_expired_message() -> None:
    store = returned(entry(0, expires_at_ms=90), entry(1, expires_at_ms=40), entry(2))

    batch = store.take(9, 40)

    assert batch is not None
    assert (list(batch.positions), batch.expires_at_ms) == ([0], [90])
    assert store.take(9, 40) is None
    assert store.head_expires_at_ms == 40


def test_only_expired_messages_at_the_head_are_taken_as_expired() -> None:
    store = returned(entry(0, expires_at_ms=4), entry(1, expires_at_ms=5), entry(2))
    batch = store.take_expired(9, 5)
    assert batch is not None
    assert list(batch.positions) == [0, 1]
    assert store.take_expired(9, 5) is None


def test_clearing_tells_the_positions_that_were_held() -> None:
    store = returned(*map(entry, (1, 2, 5)))
    assert store.clear() == [range(1, 3), range(5, 6)]
    assert (len(store), store.body_bytes, store.head_expires_at_ms) == (0, 0, 0)


def test_bytes_follow_what_is_held() -> None:
    store = returned(entry(1), entry(22))
    assert store.body_bytes == 5
    store.take(1, 1)
    assert store.body_bytes == 3


def test_a_message_returned_twice_breaks_the_invariant() -> None:
    with pytest.raises(AssertionError, match="each position once"):
        returned(entry(1), entry(1)).check_invariants(before_position=2)


def test_a_message_that_never_left_breaks_the_invariant() -> None:
    with pytest.raises(AssertionError, match="before the tail"):
        returned(entry(2)).check_invariants(before_position=2)
