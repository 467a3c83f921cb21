"""What a transaction holds: in order, bounded, given up at once."""

import pytest

from amqp_server.broker.errors import NodeLimitError
from amqp_server.broker.node_budget import Holding, NodeBudget
from amqp_server.broker.turn import Turn
from amqp_server.protocol.errors import ModeError
from amqp_server.protocol.publishing import Grant, Letter, Plan
from amqp_server.protocol.transaction import TOGETHER_MAX, Settlement, Transaction, by_tag
from exchanges.counters import ExchangeCounters, PublishedCount
from tests.support.records import record, run_of

GRANT = Grant("", None, False, 0, ExchangeCounters(), PublishedCount(""))
PLAN = Plan(GRANT, "jobs", 0, False)


class Nobody:
    """A client that nobody refuses anything."""

    def refuse(self, channel: int, error: Exception, now_ms: int) -> None:
        raise AssertionError("there is room")


def transaction_of(limit_bytes: int, budget: NodeBudget | None = None) -> Transaction:
    node = budget or NodeBudget(Turn(1), "open transactions", "broker.tx_bytes_max")
    return Transaction(limit_bytes, Holding(node, Nobody(), 1))


def take(transaction: Transaction) -> tuple[list[Letter], list[list[Settlement]]]:
    with transaction.taken() as (letters, settlements):
        return letters, [together for together in by_tag(settlements) if together]


def settlement(first: int, last: int, *, requeue: bool | None = None) -> Settlement:
    return Settlement(first, last, multiple=False, requeue=requeue)


def test_what_is_held_is_taken_in_order_and_once() -> None:
    transaction = transaction_of(10_000)
    first, second = Letter(PLAN, run_of(b"a", b"b")), Letter(PLAN, run_of(b"c"))
    transaction.hold_letter(first)
    transaction.hold_tags([3], requeue=None)
    transaction.hold_tags([1], requeue=True)
    transaction.hold_letter(second)
    settlements = [[settlement(3, 3)], [settlement(1, 1, requeue=True)]]
    letters, taken_settlements = take(transaction)
    held = [[record.body for record in letter.records] for letter in letters]
    assert (held, taken_settlements) == ([[b"a", b"b"], [b"c"]], settlements)
    assert take(transaction) == ([], [])
    assert transaction.held_tags == set()


def test_tags_that_count_up_are_held_as_ranges() -> None:
    transaction = transaction_of(0)
    transaction.hold_tags([1, 2, 3, 5, 8, 9], requeue=False)
    transaction.hold_tags([], requeue=None)
    assert transaction.settlements == [
        settlement(1, 3, requeue=False),
        settlement(5, 5, requeue=False),
        settlement(8, 9, requeue=False),
    ]
    assert transaction.held_tags == {1, 2, 3, 5, 8, 9}


def test_settlements_of_one_kind_in_a_row_are_taken_by_tag() -> None:
    transaction = transaction_of(0)
    for tag, requeue in ((7, True), (5, True), (6, True), (4, None), (9, True), (2, True)):
        transaction.hold_tags([tag], requeue=requeue)
    _, settlements = take(transaction)
    assert settlements == [
        [settlement(5, 7, requeue=True)],
        [settlement(4, 4)],
        [settlement(2, 2, requeue=True), settlement(9, 9, requeue=True)],
    ]
    for tag in range(1, 2 * TOGETHER_MAX + 3, 2):
        transaction.hold_tags([tag], requeue=True)
    assert list(map(len, take(transaction)[1])) == [TOGETHER_MAX, 1]


def test_a_tag_is_held_once() -> None:
    transaction = transaction_of(0)
    transaction.hold_tags([1, 2], requeue=None)
    with pytest.raises(AssertionError, match="held once"):
        transaction.hold_tags([2], requeue=True)


def held_count(body: bytes, limit_bytes: int) -> int:
    """Return how many messages a transaction holds before it refuses the next."""
    transaction = transaction_of(limit_bytes)
    for count in range(limit_bytes):
        try:
            transaction.hold_letter(Letter(PLAN, (record(body),)))
        except ModeError:
            return count
    raise AssertionError("it holds without end")


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 1000])
def test_it_is_bounded_whatever_the_size_of_the_bodies(body: bytes) -> None:
    """A message without a body takes memory as well."""
    assert 0 < held_count(body, 10_000) <= 10_000 // (len(body) + 100)


def test_what_was_taken_counts_no_more() -> None:
    transaction = transaction_of(10_000)
    for _ in range(10):
        transaction.hold_letter(Letter(PLAN, (record(b"x" * 5_000),)))
        take(transaction)
    with pytest.raises(ModeError, match="transaction holds more than 10000 bytes"):
        transaction.hold_letter(Letter(PLAN, (record(b"x" * 10_001),)))


def test_the_node_counts_what_it_holds_until_it_is_worked_off() -> None:
    node = NodeBudget(Turn(1), "open transactions", "broker.tx_bytes_max")
    transaction = transaction_of(10_000, node)
    transaction.hold_letter(Letter(PLAN, (record(b"x" * 5_000),)))
    held_bytes = node.used_bytes
    assert held_bytes > 5_000
    transaction.hold_tags(range(1, 101), requeue=None)
    assert node.used_bytes > held_bytes + 100 * 64
    with transaction.taken():
        assert node.used_bytes > held_bytes
    assert node.used_bytes == 0
    transaction.hold_tags([7], requeue=None)
    transaction.let_go()
    assert (node.used_bytes, take(transaction)) == (0, ([], []))


def test_what_the_node_has_no_room_for_is_not_held() -> None:
    node = NodeBudget(Turn(1), "open transactions", "broker.tx_bytes_max", 2_000)
    transaction = transaction_of(10_000, node)
    with pytest.raises(NodeLimitError, match=r"2000 bytes \(broker.tx_bytes_max\)"):
        transaction.hold_letter(Letter(PLAN, (record(b"x" * 2_000),)))
    with pytest.raises(NodeLimitError):
        transaction.hold_tags(range(1, 101), requeue=None)
    assert (node.used_bytes, take(transaction)) == (0, ([], []))


def test_held_messages_keep_no_others_in_memory() -> None:
    """One message of a read, held, must not hold the read."""
    transaction = transaction_of(10_000)
    run = run_of(b"a", b"b")
    transaction.hold_letter(Letter(PLAN, run))
    assert take(transaction)[0][0].records is not run


def test_long_lists_are_put_in_order_in_pieces() -> None:
    transaction = transaction_of(0)
    for tag in range(3 * TOGETHER_MAX, 0, -1):
        transaction.hold_tags([tag], requeue=True)
    with transaction.taken() as (_, settlements):
        together = list(by_tag(settlements))
    assert together[:-1] == [[]] * 6, "three times to sort, three times to join"
    assert together[-1] == [settlement(1, 3 * TOGETHER_MAX, requeue=True)]
