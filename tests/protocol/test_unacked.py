"""Delivery tags: what an ack settles, in which parts, and what is unknown."""

import weakref
from collections.abc import Iterable, Sequence
from typing import overload

import pytest

from amqp_server.protocol.errors import UnknownDeliveryTagError
from amqp_server.protocol.unacked import Part, Unacked
from persistence.record import Record
from queues.batch import Batch
from tests.support.records import run_of


def batch(first: int, *bodies: bytes) -> Batch:
    return Batch(range(first, first + len(bodies)), run_of(*bodies))


def told(parts: Iterable[Part[str]]) -> list[tuple[str, list[bytes]]]:
    return [(owner, [record.body for record in settled.records]) for owner, settled in parts]


@pytest.fixture
def unacked() -> Unacked[str]:
    """Tags 1-3 are ann's, 4 was skipped, 5-6 are bob's."""
    tags: Unacked[str] = Unacked()
    assert tags.add("ann", batch(10, b"a", b"b", b"c"), 100) == 1
    assert tags.skip(1) == 4
    assert tags.add("bob", batch(20, b"x", b"y"), 200) == 5
    return tags


def test_one_tag_settles_one_message(unacked: Unacked[str]) -> None:
    assert told(unacked.settle_each(2, 2)) == [("ann", [b"b"])]
    assert unacked.count == 4


def test_a_range_over_one_batch_is_one_part(unacked: Unacked[str]) -> None:
    assert told(unacked.settle_each(1, 3)) == [("ann", [b"a", b"b", b"c"])]


def test_a_part_keeps_its_positions(unacked: Unacked[str]) -> None:
    (part,) = unacked.settle_each(2, 3)
    assert list(part.batch.positions) == [11, 12]


def test_multiple_settles_everything_before_it(unacked: Unacked[str]) -> None:
    assert told(unacked.settle_up_to(5)) == [("ann", [b"a", b"b", b"c"]), ("bob", [b"x"])]
    assert unacked.count == 1
    unacked.check_invariants()


def test_multiple_leaves_out_what_is_settled_already(unacked: Unacked[str]) -> None:
    list(unacked.settle_each(2, 2))
    assert told(unacked.settle_up_to(3)) == [("ann", [b"a"]), ("ann", [b"c"])]


def test_multiple_zero_is_everything_be_it_nothing(unacked: Unacked[str]) -> None:
    assert told(unacked.settle_up_to(0)) == [("ann", [b"a", b"b", b"c"]), ("bob", [b"x", b"y"])]
    assert told(unacked.settle_up_to(0)) == []


@pytest.mark.parametrize("tag", [0, 4, 7, 2**64 - 1])
def test_a_tag_that_nobody_has_is_unknown(unacked: Unacked[str], tag: int) -> None:
    with pytest.raises(UnknownDeliveryTagError, match=f"unknown delivery tag {tag}"):
        list(unacked.settle_each(tag, tag))
    if tag:
        with pytest.raises(UnknownDeliveryTagError):
            list(unacked.settle_up_to(tag))
    assert unacked.count == 5


def test_a_tag_is_settled_once(unacked: Unacked[str]) -> None:
    list(unacked.settle_each(2, 2))
    for again in (unacked.settle_each(2, 2), unacked.settle_up_to(2)):
        with pytest.raises(UnknownDeliveryTagError):
            list(again)
    assert unacked.count == 4


def test_a_range_stops_at_its_first_unknown_tag(unacked: Unacked[str]) -> None:
    settled: list[Part[str]] = []
    with pytest.raises(UnknownDeliveryTagError, match="unknown delivery tag 4"):
        settled.extend(unacked.settle_each(2, 6))
    assert told(settled) == [("ann", [b"b", b"c"])]
    assert unacked.count == 3


def test_what_is_taken_at_the_end_is_in_the_order_of_delivery(unacked: Unacked[str]) -> None:
    list(unacked.settle_each(2, 2))
    assert told(unacked.take_all()) == [("ann", [b"a"]), ("ann", [b"c"]), ("bob", [b"x", b"y"])]
    assert unacked.count == 0


def test_the_oldest_delivery_is_the_first_that_is_not_settled(unacked: Unacked[str]) -> None:
    assert list(unacked.oldest(200)) == [("ann", 100), ("bob", 200)]
    list(unacked.settle_each(1, 3))
    assert list(unacked.oldest(200)) == [("bob", 200)]


def test_the_search_for_old_deliveries_ends_at_the_first_young_one(unacked: Unacked[str]) -> None:
    assert list(unacked.oldest(99)) == []
    assert list(unacked.oldest(199)) == [("ann", 100)]
    unacked.add("eve", batch(9, b"e"), 150)  # no clock goes back: only a step too far finds it
    assert list(unacked.oldest(199)) == [("ann", 100)]


def test_tags_are_never_given_twice(unacked: Unacked[str]) -> None:
    list(unacked.take_all())
    assert unacked.add("ann", batch(1, b"z"), 300) == 7


def test_what_is_settled_takes_no_memory() -> None:
    tags: Unacked[str] = Unacked()
    tags.add("ann", batch(0, b"kept"), 0)
    for position in range(3000):
        tag = tags.add("ann", batch(position, b"x"), 0)
        list(tags.settle_each(tag, tag))
    list(tags.settle_each(1, 1))
    tag = tags.add("ann", batch(9, b"x"), 0)
    list(tags.settle_each(tag, tag))
    assert tags.count == 0
    assert len(tags._spans) < 1500


class Octets(Sequence[Record]):
    """Records whose end can be watched."""

    def __init__(self, *bodies: bytes) -> None:
        self._records = run_of(*bodies)

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        return self._records[index]


def test_messages_are_let_go_when_all_of_their_batch_are_settled() -> None:
    """However old the oldest delivery is: one that is never acked must not hold the rest."""
    tags: Unacked[str] = Unacked()
    tags.add("ann", batch(0, b"kept"), 0)
    records = Octets(b"a", b"b")
    seen = weakref.ref(records)
    tags.add("bob", Batch(range(1, 3), records), 0)
    del records
    list(tags.settle_each(3, 3))
    assert seen() is not None
    list(tags.settle_each(2, 2))
    assert seen() is None


def test_spans_that_are_done_are_forgotten_behind_one_that_is_not() -> None:
    tags: Unacked[str] = Unacked()
    tags.add("ann", batch(0, b"kept"), 0)
    for position in range(3000):
        tag = tags.add("bob", batch(position, b"x"), 0)
        list(tags.settle_each(tag, tag))
    assert tags.count == 1
    assert len(tags._spans) < 1500
    tags.check_invariants()
    assert told(tags.settle_up_to(0)) == [("ann", [b"kept"])]


def test_what_is_settled_is_settled_as_it_is_asked_for(unacked: Unacked[str]) -> None:
    parts = unacked.settle_up_to(0)
    assert unacked.count == 5
    assert told([next(parts)]) == [("ann", [b"a", b"b", b"c"])]
    assert unacked.count == 2
    unacked.add("cid", batch(30, b"later"), 300)
    assert told(parts) == [("bob", [b"x", b"y"])]
    assert unacked.count == 1


def test_a_tag_is_outstanding_from_its_delivery_to_its_settlement(unacked: Unacked[str]) -> None:
    list(unacked.settle_each(2, 2))
    tags = range(9)
    assert [tag for tag in tags if unacked.is_outstanding(tag)] == [1, 3, 5, 6]
    list(unacked.take_all())
    assert [tag for tag in tags if unacked.is_outstanding(tag)] == []


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(1, 99, [1, 3, 5, 6]), (2, 5, [3, 5]), (4, 4, []), (6, 6, [6]), (7, 9, []), (3, 1, [])],
)
def test_outstanding_tags_are_listed_in_order(
    unacked: Unacked[str], first: int, last: int, expected: list[int]
) -> None:
    list(unacked.settle_each(2, 2))
    assert list(unacked.outstanding(first, last)) == expected


def test_what_is_held_is_looked_at_from_any_tag_on(unacked: Unacked[str]) -> None:
    list(unacked.settle_each(2, 2))
    held = [
        (tag, owner, [record.body for record in found.records], at_ms)
        for tag, owner, found, at_ms in unacked.held(0)
    ]
    assert held == [
        (1, "ann", [b"a"], 100),
        (3, "ann", [b"c"], 100),
        (5, "bob", [b"x", b"y"], 200),
    ]
    assert [each.first_tag for each in unacked.held(2)] == [3, 5]
    assert [each.first_tag for each in unacked.held(6)] == [6]
    assert list(unacked.held(7)) == []
    assert unacked.count == 4
