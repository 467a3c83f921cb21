"""The checker of the stream kill loop finds each kind of fault, and nothing in a valid history."""

from collections.abc import Callable
from itertools import count

import pytest

from tests.crash.history import Value
from tests.crash.stream_ledger import Ledger, Tracked, body_in, body_of, message_of, value_of
from tests.crash.stream_link import chunk_of

PUBLISHED_COUNT = 10


def ledger_of(
    *, has_retention: bool = False, may_repeat: bool = False
) -> tuple[Ledger, list[Value]]:
    """Return a ledger of one publisher, whose messages are all confirmed."""
    ledger = Ledger("s", count(1), has_retention=has_retention, may_repeat=may_repeat)
    publisher = ledger.new_publisher()
    values = [ledger.publish(publisher) for _ in range(PUBLISHED_COUNT)]
    for value in values:
        ledger.confirm(value)
    return ledger, values


def read(ledger: Ledger, values: list[Value], first_offset: int = 0) -> None:
    """Read these from here on, over the stream protocol."""
    for offset, value in enumerate(values, first_offset):
        body = body_of(value, 20)
        ledger.read(offset, body, message_of(body))


def test_all_that_is_there_is_valid_as_often_as_it_is_read() -> None:
    ledger, values = ledger_of()
    read(ledger, values)
    read(ledger, values)
    ledger.judge(range(PUBLISHED_COUNT))
    assert ledger.wrong == []
    assert (ledger.confirmed_count, ledger.read_count) == (10, 20)


def lose(ledger: Ledger, values: list[Value]) -> range:
    read(ledger, values[:4] + values[5:])
    return range(9)


def repeat(ledger: Ledger, values: list[Value]) -> range:
    read(ledger, [*values, values[-1]])
    return range(11)


def swap(ledger: Ledger, values: list[Value]) -> range:
    read(ledger, [values[1], values[0], *values[2:]])
    return range(10)


def change_content(ledger: Ledger, values: list[Value]) -> range:
    read(ledger, values)
    read(ledger, values[1:])
    return range(10)


def change_octets(ledger: Ledger, values: list[Value]) -> range:
    read(ledger, values)
    body = body_of(values[0], 20)
    ledger.read(0, body, message_of(body) + b"\x00")
    return range(10)


def invent(ledger: Ledger, values: list[Value]) -> range:
    read(ledger, [*values, Value(1, 11)])
    return range(11)


def damage(ledger: Ledger, values: list[Value]) -> range:
    read(ledger, values)
    ledger.read(10, body_of(values[0], 20)[:-1])
    return range(10)


def take_back_what_was_read(ledger: Ledger, values: list[Value]) -> range:
    read(ledger, values)
    ledger.publish(1)
    read(ledger, [Value(1, 11)], 10)
    return range(10)


def begin_late(ledger: Ledger, values: list[Value]) -> range:
    read(ledger, values, 1)
    return range(1, 11)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (lose, "1 lost, as [5]"),
        (repeat, "10 comes behind 10"),
        (swap, "1 comes behind 2"),
        (change_content, "offset 0: was Value(publisher=1, counter=1)"),
        (change_octets, "other octets"),
        (invent, "was never published"),
        (damage, "is damaged"),
        (take_back_what_was_read, "but 10 was read"),
        (begin_late, "begins with offset 1"),
    ],
)
def test_a_fault_is_found(fault: Callable[[Ledger, list[Value]], range], line: str) -> None:
    ledger, values = ledger_of()
    ledger.judge(fault(ledger, values))
    assert any(line in one for one in ledger.wrong), ledger.wrong


def test_retention_takes_the_oldest_alone() -> None:
    ledger, values = ledger_of(has_retention=True)
    read(ledger, values)
    ledger.judge(range(4, 10))
    assert ledger.wrong == []
    ledger.judge(range(3, 10))
    assert ledger.wrong == ["s: begins with offset 3, before with 4"]


def test_retention_does_not_excuse_a_loss_behind_it() -> None:
    ledger, values = ledger_of(has_retention=True)
    read(ledger, values[:5] + values[6:])
    ledger.judge(range(4, 9))
    assert ledger.wrong == ["s: publisher 1: 1 lost, as [6]"]


def test_a_dead_letter_may_come_twice_and_not_never() -> None:
    ledger, values = ledger_of(may_repeat=True)
    read(ledger, [*values[1:], values[4]])
    ledger.judge(range(10))
    assert ledger.wrong == ["s: publisher 1: 1 lost, as [1]"]


def test_a_stored_offset_is_neither_ahead_nor_far_behind() -> None:
    ledger, _ = ledger_of()
    tracked = Tracked("c", ledger, sent=8)
    tracked.is_known(3, 1_000)
    tracked.is_known(7, 2_000)
    tracked.check(5, 1_500)
    assert (ledger.wrong, tracked.sent) == ([], 5)
    tracked.check(6, 1_500)
    assert ledger.wrong == ["s: c: 6 is stored, 5 was the last sent"]


def test_an_offset_that_was_known_long_before_must_be_stored() -> None:
    ledger, _ = ledger_of()
    tracked = Tracked("c", ledger, sent=8)
    tracked.is_known(7, 1_000)
    tracked.check(None, 1_500)
    assert ledger.wrong == ["s: c: -1 is stored, 7 was known to be"]


@pytest.mark.parametrize("size_bytes", [0, 1, 300, 70_000])
def test_a_body_says_which_it_is_in_both_protocols(size_bytes: int) -> None:
    body = body_of(Value(3, 4), size_bytes)
    assert value_of(body) == Value(3, 4)
    assert body_in(message_of(body)) == body


def test_a_damaged_chunk_is_not_taken() -> None:
    with pytest.raises(AssertionError, match="a chunk of 0 octets says 5"):
        chunk_of(bytes(36) + (5).to_bytes(4, "big") + bytes(8))
