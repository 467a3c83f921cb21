"""Batches: parts for consumers in turn, and the way back message by message."""

from queues.batch import Batch, QueuedMessage, messages_of
from tests.support.records import run_of

RUN = run_of(b"a", b"bb", b"ccc", b"dddd", b"eeeee")


def test_parts_deal_the_messages_out_in_turn() -> None:
    batch = Batch(range(10, 15), RUN, [0, 7, 0, 9, 0], 2, redelivered=True)

    first, second = batch.part(0, 2), batch.part(1, 2)

    assert (list(first.positions), first.records, first.expires_at_ms) == (
        [10, 12, 14],
        [RUN[0], RUN[2], RUN[4]],
        [0, 0, 0],
    )
    assert (list(second.positions), second.records, second.expires_at_ms) == (
        [11, 13],
        [RUN[1], RUN[3]],
        [7, 9],
    )
    assert (second.delivery_count, second.redelivered) == (2, True)


def test_a_part_may_stop_early() -> None:
    assert list(Batch(range(5), RUN).part(1, 1, 3).positions) == [1, 2]


def test_the_bytes_are_those_of_the_bodies_of_each_part() -> None:
    batch = Batch(range(5), RUN, known_body_bytes=15)
    assert (batch.body_bytes, batch.part(0, 2).body_bytes, batch.part(1, 2).body_bytes) == (
        15,
        9,
        6,
    )


def test_bytes_that_nobody_knew_are_counted() -> None:
    assert Batch(range(5), RUN).body_bytes == 15


def test_entries_carry_each_message_with_its_place_and_past() -> None:
    batch = Batch(range(3, 7, 3), RUN[:2], [0, 8], 1, redelivered=True)
    assert messages_of(batch) == [QueuedMessage(3, RUN[0], 0, 1), QueuedMessage(6, RUN[1], 8, 1)]


def test_entries_of_a_batch_in_which_none_expires_never_expire() -> None:
    assert messages_of(Batch(range(1), RUN[:1])) == [QueuedMessage(0, RUN[0], 0, 0)]
