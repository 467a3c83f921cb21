"""A part of a queue in memory: messages with places and expiries, first in, first out."""

from collections.abc import Iterator, Sequence

import pytest

from persistence.record import LARGE_BODY_BYTES, memory_bytes
from queues.batch import Batch, messages_of
from queues.tail import NodeMemory, QueueMemory, Slice, Tail, bands_of, check
from tests.support.records import record, run_of

ABC = run_of(b"a", b"b", b"c")
MANY = run_of(*[b"%d" % number for number in range(200)])


def new_tail(redeliver_below: int = 0) -> Tail:
    return Tail(QueueMemory(NodeMemory()), redeliver_below)


def taken(tail: Tail, max_count: int = 1_000, now_ms: int = 1) -> Iterator[Batch]:
    while (batch := tail.take(max_count, 1 << 30, now_ms)) is not None:
        yield batch


def places(tail: Tail) -> list[list[int]]:
    return [list(batch.positions) for batch in taken(tail)]


def flat(slices: Sequence[Slice]) -> list[tuple[bytes, int, int]]:
    found: list[tuple[bytes, int, int]] = []
    for one in slices:
        expires = one.expires_at_ms
        each = [expires] * len(one.positions) if isinstance(expires, int) else expires
        bodies = [each_record.body for each_record in one.records]
        found += zip(bodies, one.positions, each, strict=True)
    return found


def test_messages_leave_in_order_with_their_positions() -> None:
    tail = new_tail()
    tail.append(ABC, 5)
    tail.append(ABC[:1], 8)
    batches = list(taken(tail))
    assert [one.body for batch in batches for one in batch.records] == [b"a", b"b", b"c", b"a"]
    assert [at for batch in batches for at in batch.positions] == [5, 6, 7, 8]
    assert (tail.count, tail.body_bytes, tail.memory_bytes) == (0, 0, 0)


def test_a_batch_is_evenly_spaced() -> None:
    tail = new_tail()
    tail.append_slice(MANY[:7], [0, 2, 4, 5, 6, 9, 30], 0)
    assert places(tail) == [[0, 2, 4], [5, 6], [9, 30]]


def test_positions_without_gaps_are_a_range_even_if_they_are_told_one_by_one() -> None:
    tail = new_tail()
    tail.append_slice(ABC, range(4, 7), 0)
    (only,) = tail.slices()
    assert only.positions == range(4, 7)


def test_expiries_differ_within_a_part() -> None:
    tail = new_tail()
    tail.append(ABC, 0, [50, 40, 60])
    first = tail.take(9, 100, 40)
    assert first is not None
    assert (list(first.positions), first.expires_at_ms) == ([0], [50])
    assert tail.take(9, 100, 40) is None
    assert tail.head_expires_at_ms == 40
    expired = tail.take_expired(9, 100, 40)
    assert expired is not None
    assert (list(expired.positions), expired.expires_at_ms) == ([1], [40])
    assert tail.take_expired(9, 100, 40) is None


def test_what_was_published_one_by_one_leaves_together_with_an_expiry_each() -> None:
    tail = new_tail()
    for number, one in enumerate(MANY):
        tail.append([one], number, 1_000 + number)
    batches = list(taken(tail))
    assert len(batches) <= 2
    entries = [entry for batch in batches for entry in messages_of(batch)]
    assert [entry.expires_at_ms for entry in entries] == list(range(1_000, 1_200))


def test_a_batch_ends_with_the_body_that_fills_it() -> None:
    tail = new_tail()
    tail.append(run_of(b"1234", b"1234", b"1234"), 0)
    batch = tail.take(9, 5, 1)
    assert batch is not None
    assert (len(batch), batch.body_bytes) == (2, 8)


def test_only_one_band_of_a_run_is_taken_in() -> None:
    tail = new_tail()
    run = [record(b"%d" % number, priority=number % 3) for number in range(6)]
    bands = bands_of(run, 1)
    assert bands == bytes([0, 1, 1, 0, 1, 1])
    tail.append_band(run, 10, [0, 7, 8, 9, 0, 0], bands, 1)
    assert flat(tail.slices()) == [(b"1", 11, 7), (b"2", 12, 8), (b"4", 14, 0), (b"5", 15, 0)]
    check(tail)


def test_a_large_message_is_never_copied_into_memory_that_still_grows() -> None:
    tail = new_tail()
    large = record(bytes(LARGE_BODY_BYTES), priority=1)
    run = [record(b"a", priority=1), large, record(b"b", priority=1), record(b"c")]
    tail.append(run[:1], 0)
    tail.append_band(run, 1, 0, bands_of(run, 1), 1)
    check(tail)
    assert [len(one[0]) for one in flat(tail.slices())] == [1, 1, LARGE_BODY_BYTES, 1]


def test_what_may_have_been_delivered_before_a_restart_is_told_apart() -> None:
    tail = new_tail(redeliver_below=2)
    tail.append(ABC, 0)
    batches = list(taken(tail))
    assert [(list(one.positions), one.redelivered) for one in batches] == [
        ([0, 1], True),
        ([2], False),
    ]


def test_a_part_can_be_cut_off_and_put_back() -> None:
    tail = new_tail()
    tail.append(MANY, 0, list(range(200)))
    tail.append_slice(ABC, [300, 305, 306], 9)
    before = flat(tail.slices())
    room_bytes = memory_bytes(MANY[:50])

    cut = tail.take_slices(room_bytes)

    assert flat(cut) == before[:50]
    assert flat(tail.slices()) == before[50:]
    check(tail)
    tail.put_back(cut)
    assert flat(tail.slices()) == before
    check(tail)


def test_at_least_one_message_is_cut_off_however_large() -> None:
    tail = new_tail()
    tail.append(ABC, 0)
    assert len(flat(tail.take_slices(1))) == 1


def test_a_cut_takes_what_is_left_if_there_is_no_more() -> None:
    tail = new_tail()
    tail.append(ABC, 0)
    tail.append_slice(ABC, [10, 20, 30], 0)
    assert [at for _, at, _ in flat(tail.take_slices(1 << 30))] == [0, 1, 2, 10, 20, 30]
    assert tail.count == 0


def test_one_tail_takes_over_what_another_has() -> None:
    memory = QueueMemory(NodeMemory())
    one, other = Tail(memory), Tail(memory)
    other.append(ABC, 7, 30)
    used_bytes = memory.used_bytes
    one.absorb(other)
    assert (flat(other.slices()), memory.used_bytes) == ([], used_bytes)
    assert flat(one.slices()) == [(b"a", 7, 30), (b"b", 8, 30), (b"c", 9, 30)]
    one.append(ABC, 10)
    check(one)


def test_memory_counts_for_the_queue_and_for_the_node() -> None:
    node = NodeMemory()
    one, other = QueueMemory(node), QueueMemory(node)
    tail, second = Tail(one), Tail(other)
    tail.append(ABC, 0)
    second.append(ABC[:1], 0)
    assert one.used_bytes == memory_bytes(ABC)
    assert node.used_bytes == memory_bytes(ABC) + memory_bytes(ABC[:1])
    tail.clear()
    second.take(1, 1, 1)
    assert (one.used_bytes, other.used_bytes, node.used_bytes) == (0, 0, 0)


@pytest.mark.parametrize(
    ("used_bytes", "node_bytes", "is_over"), [(100, 0, False), (101, 0, True), (60, 0, False)]
)
def test_a_queue_is_over_its_budget(used_bytes: int, node_bytes: int, is_over: bool) -> None:
    memory = QueueMemory(NodeMemory(), budget_bytes=100, short_budget_bytes=50)
    memory.add(used_bytes)
    assert memory.is_over is is_over


def test_a_smaller_budget_holds_while_the_node_is_short() -> None:
    node = NodeMemory(limit_bytes=200)
    memory = QueueMemory(node, budget_bytes=100, short_budget_bytes=50)
    memory.add(60)
    assert (node.is_short, memory.is_over) == (False, False)
    QueueMemory(node).add(141)
    assert (node.is_short, memory.is_over) == (True, True)
    memory.add(-10)
    assert not memory.is_over
