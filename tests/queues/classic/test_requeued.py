"""Requeued messages: by position, alike ones together."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.record import detached, kept_bytes, memory_bytes
from queues.batch import Batch, QueuedMessage, batches_of, messages_of
from queues.classic.requeued import JOINED_MAX, Requeued
from queues.tail import NodeMemory, QueueMemory
from tests.support.classic_queue import returned_batches
from tests.support.queue_log import FakeLog
from tests.support.records import record


def entry(position: int, *, delivery_count: int = 1, expires_at_ms: int = 0) -> QueuedMessage:
    return QueuedMessage(position, record(b"m%d" % position), expires_at_ms, delivery_count)


def new_store() -> Requeued:
    return Requeued(QueueMemory(NodeMemory()))


def requeued(*entries: QueuedMessage) -> Requeued:
    store = new_store()
    store.add(
        returned_batches(
            [each._replace(delivery_count=each.delivery_count - 1) for each in entries]
        )
    )
    return store


def long_batch(positions: range) -> Batch:
    records = [record(b"m%d" % at) for at in positions]
    return Batch(positions, records, None, 1, redelivered=True)


def taken(store: Requeued, max_count: int = 100, now_ms: int = 1) -> list[list[int]]:
    batches = []
    while (batch := store.take(max_count, now_ms)) is not None:
        batches.append(list(batch.positions))
        assert [one.body for one in batch.records] == [b"m%d" % at for at in batch.positions]
    return batches


def test_they_come_out_by_position_whatever_the_order_of_return() -> None:
    assert taken(requeued(entry(7), entry(5), entry(6))) == [[5, 6, 7]]


def test_a_batch_ends_where_the_positions_stop_being_evenly_spaced() -> None:
    assert taken(requeued(*map(entry, (0, 2, 4, 5, 6, 9)))) == [[0, 2, 4], [5, 6], [9]]


def test_a_batch_ends_where_the_past_differs() -> None:
    store = requeued(entry(0), entry(1, delivery_count=2), entry(2, delivery_count=2))
    assert taken(store) == [[0], [1, 2]]


def test_a_batch_says_how_often_its_messages_came_back() -> None:
    batch = requeued(entry(3, delivery_count=4)).take(1, 1)
    assert batch is not None
    assert (batch.delivery_count, batch.redelivered, batch.expires_at_ms) == (4, True, None)


def test_no_more_are_taken_than_asked_for() -> None:
    assert taken(requeued(*map(entry, range(5))), max_count=2) == [[0, 1], [2, 3], [4]]


def test_a_batch_ends_before_an_expired_message() -> None:
    store = requeued(entry(0, expires_at_ms=90), entry(1, expires_at_ms=40), entry(2))

    batch = store.take(9, 40)

    assert batch is not None
    assert (list(batch.positions), batch.expires_at_ms) == ([0], [90])
    assert store.take(9, 40) is None
    assert store.head_expires_at_ms == 40


def test_only_expired_messages_at_the_head_are_taken_as_expired() -> None:
    store = requeued(entry(0, expires_at_ms=4), entry(1, expires_at_ms=5), entry(2))
    batch = store.take_expired(9, 5)
    assert batch is not None
    assert list(batch.positions) == [0, 1]
    assert store.take_expired(9, 5) is None


def test_clearing_tells_the_positions_that_were_held() -> None:
    store = requeued(*map(entry, (1, 2, 5)))
    assert store.clear() == [range(1, 3), range(5, 6)]
    assert (len(store), store.body_bytes, store.head_expires_at_ms) == (0, 0, 0)


def test_bytes_follow_what_is_held() -> None:
    store = requeued(entry(1), entry(22))
    assert store.body_bytes == 5
    store.take(1, 1)
    assert store.body_bytes == 3


def test_a_message_returned_twice_breaks_the_invariant() -> None:
    with pytest.raises(AssertionError, match="each position once"):
        requeued(entry(1), entry(1)).check_invariants(before_position=2)


def test_a_message_that_never_left_breaks_the_invariant() -> None:
    with pytest.raises(AssertionError, match="before the tail"):
        requeued(entry(2)).check_invariants(before_position=2)


def test_long_batches_come_out_as_they_came_back() -> None:
    store = new_store()
    batches = [long_batch(range(first, first + 100)) for first in (300, 0, 100)]
    store.add(batches)
    assert taken(store, max_count=1_000) == [list(range(at, at + 100)) for at in (0, 100, 300)]


@pytest.mark.parametrize("ways", [2, 3, 20, 300])
def test_what_lay_across_each_other_comes_out_joined_some_at_a_time(ways: int) -> None:
    """Consumers in turn were dealt every n-th message, and all of it comes back."""
    count = 3_000
    store = new_store()
    store.add([long_batch(range(first, count, ways)) for first in reversed(range(ways))])
    positions = taken(store, max_count=10_000)
    assert [at for batch in positions for at in batch] == list(range(count))
    assert len(positions) <= max(count // JOINED_MAX * 4, 100) if ways < JOINED_MAX else True


def test_what_comes_back_before_what_was_joined_comes_first() -> None:
    store = requeued(*map(entry, range(10, 20)))
    first = store.take(1, 1)
    assert first is not None
    store.add(returned_batches([entry(3, delivery_count=0)]))
    store.add([first])
    store.check_invariants(before_position=20)
    assert [at for batch in taken(store) for at in batch] == [3, *range(10, 20)]


def test_clearing_what_lies_across_each_other_tells_contiguous_positions() -> None:
    store = new_store()
    store.add([long_batch(range(0, 10, 2)), long_batch(range(1, 9, 2))])
    assert store.clear() == [range(9)]


def logged(*entries: QueuedMessage, chunk_count: int = 3) -> FakeLog:
    """Return a log that was told of these messages."""
    log = FakeLog()
    log.chunk_count = chunk_count
    tell(log, entries)
    return log


def tell(log: FakeLog, entries: Sequence[QueuedMessage]) -> None:
    for one in sorted(entries):
        log.next_position = 0  # they may come in any order
        log.append(one.position, [one.record], one.expires_at_ms)


def spill(store: Requeued, log: FakeLog, keep_bytes: int = 0) -> int | None:
    return store.spill(0, log, keep_bytes, 1, 1 << 30)


def test_what_is_spilled_comes_back_at_its_place_with_its_past() -> None:
    entries = [
        entry(at, delivery_count=1 + at % 2, expires_at_ms=90 * (at == 7)) for at in range(10)
    ]
    store, log = requeued(*entries), logged(*entries)
    memory_bytes = store.memory_bytes
    freed_bytes = spill(store, log)
    assert freed_bytes == memory_bytes - store.memory_bytes > 0
    assert (store.count, store.body_bytes, len(log.stored())) == (10, 20, 9)
    store.check_invariants(before_position=10)
    found = []
    while (batch := store.take(100, 1)) is not None:
        found += messages_of(batch)
        store.check_invariants(before_position=10)
    assert found == entries
    assert (store.spilled, store.count, store.memory_bytes) == (None, 0, 0)


def test_what_comes_first_stays_in_memory() -> None:
    store, log = new_store(), FakeLog()
    for first in range(0, 1_000, 100):
        log.append(first, long_batch(range(first, first + 100)).records)
        store.add([long_batch(range(first, first + 100))])
    part_bytes = store.memory_bytes // 10
    assert spill(store, log, keep_bytes=3 * part_bytes) == 7 * part_bytes
    assert log.stored() == list(range(300, 1_000))
    log.chunk_count = 100
    assert [at for batch in taken(store) for at in batch] == list(range(1_000))


def test_what_is_unacked_in_a_chunk_is_not_read_back() -> None:
    entries = [entry(at) for at in range(0, 20, 2)]
    log = logged(*map(entry, range(20)), chunk_count=7)
    log.store(range(20))
    store = requeued(*entries)
    spill(store, log)
    assert [at for batch in taken(store) for at in batch] == list(range(0, 20, 2))


def test_what_comes_back_between_spilled_ones_is_taken_in_order() -> None:
    evens, odds = (list(map(entry, range(first, 40, 2))) for first in (0, 1))
    store, log = requeued(*evens), logged(*evens, *odds)
    spill(store, log)
    store.add(batches_of(odds))
    store.check_invariants(before_position=40)
    assert [at for batch in taken(store) for at in batch] == list(range(40))


def test_a_disk_that_cannot_be_read_is_asked_again() -> None:
    entries = list(map(entry, range(6)))
    store, log = requeued(*entries), logged(*entries)
    spill(store, log)
    log.is_broken = True
    assert taken(store) == [[0]]
    assert (store.is_stalled, store.count, store.head_expires_at_ms) == (True, 5, 0)
    store.add(returned_batches([entry(9)]))
    assert taken(store) == [], "it is behind those on disk"
    store.add(returned_batches([entry(0)]))
    assert taken(store) == [[0]], "it is before them"
    log.is_broken = False
    assert [at for batch in taken(store) for at in batch] == [1, 2, 3, 4, 5, 9]
    assert (store.is_stalled, store.count) == (False, 0)


def test_a_disk_that_refuses_leaves_all_in_memory() -> None:
    entries = list(map(entry, range(6)))
    store, log = requeued(*entries), logged(*entries)
    log.is_full = True
    assert (spill(store, log), store.spilled) == (None, None)
    store.check_invariants(before_position=6)
    assert [at for batch in taken(store) for at in batch] == list(range(6))


@pytest.mark.parametrize("lost", [{4, 5}, set(range(1, 6)), {2}])
def test_messages_that_are_lost_on_disk_are_left_out_and_not_counted(lost: set[int]) -> None:
    entries = list(map(entry, range(6)))
    store, log = requeued(*entries), logged(*entries)
    spill(store, log)
    log.lost = lost
    assert [at for batch in taken(store) for at in batch] == [
        at for at in range(6) if at not in lost
    ]
    assert (store.count, store.body_bytes, store.spilled) == (0, 0, None)


def test_a_small_part_of_a_block_does_not_keep_the_block() -> None:
    records = detached([record(bytes(100))] * 1_000)
    store = new_store()
    store.add([Batch(range(5, 6), records[5:6], None, 1, redelivered=True)])
    batch = store.take(1, 1)
    assert batch is not None
    assert kept_bytes(batch.records) < 10 * memory_bytes(batch.records)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["add", "add", "add", "spill", "spill", "take", "take_expired", "clear"]
            ),
            st.integers(1, 90),
            st.integers(0, 3),
        ),
        max_size=40,
    ),
    st.randoms(use_true_random=False),
    st.integers(1, 50),
)
@settings(max_examples=300, deadline=None)
def test_a_sorted_list_would_do_the_same(
    steps: list[tuple[str, int, int]], chance: random.Random, chunk_count: int
) -> None:
    store, model = new_store(), list[QueuedMessage]()
    log = logged(chunk_count=chunk_count)
    free = list(range(600))
    for step, count, kind in steps:
        if step == "add":
            start, gap = chance.randrange(500), chance.choice((1, 1, 2, 3, 7))
            positions = [at for at in range(start, start + gap * count, gap) if at in free]
            free = [at for at in free if at not in positions]
            expires = chance.choice((0, 0, 5))
            entries = [
                entry(at, delivery_count=kind + 1, expires_at_ms=expires) for at in positions
            ]
            tell(log, entries)
            store.add(batches_of(entries))
            model = sorted([*model, *entries])
        elif step == "spill":
            spill(store, log, keep_bytes=store.memory_bytes * kind // 4)
        elif step == "clear":
            assert [at for one in store.clear() for at in one] == [one.position for one in model]
            model = []
        else:
            batch = getattr(store, step)(count, 5)
            is_expired = bool(model) and 0 < model[0].expires_at_ms <= 5
            assert (batch is not None) is (bool(model) and is_expired is (step == "take_expired"))
            if batch is not None:
                assert messages_of(batch) == model[: len(batch)]
                assert len(batch) <= count
                model = model[len(batch) :]
        store.check_invariants(before_position=1_200)
        assert store.count == len(model)
        assert store.head_expires_at_ms == (model[0].expires_at_ms if model else 0)
