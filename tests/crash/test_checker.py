"""The checker passes a right broker whatever it goes through, and convicts each wrong one."""

import random
from collections.abc import Callable
from dataclasses import fields
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.crash.checker import ACK_GRACE_MS, INVALID, Verdict, check
from tests.crash.faulty_broker import ACKS_PER_FAULT_MAX, Fault, FaultyBroker
from tests.crash.history import Action, Kind, Row, Value

FIRST, SECOND, THIRD = Value(1, 1), Value(1, 2), Value(1, 3)
PUBLISHER, CONSUMER, OTHER = 1, 2, 3

CAUGHT_AS: Final = {
    Fault.LOSES_A_CONFIRMED_MESSAGE: "lost",
    Fault.DELIVERS_WHAT_WAS_NEVER_PUBLISHED: "unexpected",
    Fault.TAKES_BACK_AN_OLD_ACK: "resurrected",
    Fault.TAKES_BACK_AN_ACK_WITHOUT_A_CRASH: "resurrected",
    Fault.TAKES_BACK_TOO_MANY_ACKS: "resurrected",
    Fault.FORGETS_THE_FLAG: "unflagged",
    Fault.SWAPS_NEW_MESSAGES: "inverted",
    Fault.SWAPS_OLD_MESSAGES: "inverted",
}


def verdict(*rows: Row) -> Verdict:
    return check(rows, acks_per_fault_max=1)


def published(*values: Value, confirmed: bool = True) -> list[Row]:
    rows = [Row(0, value.publisher, Kind.INVOKE, Action.ENQUEUE, value) for value in values]
    if confirmed:
        rows += [Row(0, value.publisher, Kind.OK, Action.ENQUEUE, value) for value in values]
    return rows


def delivered(
    value: Value, at_ms: int = 10, *, process: int = CONSUMER, redelivered: bool = False
) -> Row:
    return Row(at_ms, process, Kind.OK, Action.DELIVER, value, redelivered)


def drained(value: Value) -> Row:
    return Row(99_000, OTHER, Kind.OK, Action.DRAIN, value, redelivered=True)


def acked(value: Value, at_ms: int) -> Row:
    return Row(at_ms, CONSUMER, Kind.OK, Action.ACK, value)


def fault(at_ms: int) -> Row:
    return Row(at_ms, -1, Kind.INFO, Action.FAULT)


# ── every broker ──


def history_of(seed: int, broken: Fault | None = None) -> tuple[list[Row], bool]:
    broker = FaultyBroker(seed, broken)
    broker.run()
    return broker.history, broker.has_failed


@given(st.integers(0, 1_000_000))
def test_a_right_broker_is_valid_whatever_happens_to_it(seed: int) -> None:
    history, _ = history_of(seed)
    found = check(history, acks_per_fault_max=ACKS_PER_FAULT_MAX)
    assert found.is_valid, found.table()


def test_a_right_broker_shows_all_that_is_allowed() -> None:
    verdicts = [check(history_of(seed)[0], acks_per_fault_max=3) for seed in range(30)]
    for field in fields(Verdict):
        assert any(getattr(one, field.name) for one in verdicts) == (field.name not in INVALID)


@pytest.mark.parametrize("broken", Fault)
def test_a_broken_broker_is_convicted_each_time_it_fails(broken: Fault) -> None:
    failures = 0
    for seed in range(40):
        history, has_failed = history_of(seed, broken)
        found = check(history, acks_per_fault_max=ACKS_PER_FAULT_MAX)
        assert bool(getattr(found, CAUGHT_AS[broken])) == has_failed, found.table()
        assert found.is_valid == (not has_failed)
        failures += has_failed
    assert failures > 10


# ── one by one ──


def test_nothing_happened() -> None:
    assert verdict().is_valid


def test_what_was_confirmed_and_never_arrived_is_lost() -> None:
    assert verdict(*published(FIRST, SECOND), delivered(SECOND)).lost == (FIRST,)
    assert verdict(*published(FIRST, confirmed=False)).is_valid


def test_a_loss_in_front_of_what_arrived_is_no_torn_tail() -> None:
    found = verdict(*published(FIRST, SECOND, THIRD), delivered(SECOND))
    assert found.lost == (FIRST, THIRD)
    assert found.lost_in_the_middle == (FIRST,)


def test_what_arrives_without_its_confirm_is_recovered() -> None:
    found = verdict(*published(FIRST, confirmed=False), delivered(FIRST))
    assert found.is_valid
    assert found.recovered == (FIRST,)


def test_what_arrives_before_it_was_published_is_unexpected() -> None:
    assert verdict(delivered(FIRST), *published(FIRST)).unexpected == (FIRST,)
    assert verdict(delivered(FIRST)).unexpected == (FIRST,)


@pytest.mark.parametrize(
    ("ack_age_ms", "is_valid"), [(0, True), (ACK_GRACE_MS, True), (ACK_GRACE_MS + 1, False)]
)
def test_a_fault_may_take_back_a_young_ack(ack_age_ms: int, *, is_valid: bool) -> None:
    found = verdict(
        *published(FIRST),
        delivered(FIRST),
        acked(FIRST, 5_000),
        *published(SECOND),
        fault(5_000 + ack_age_ms),
        drained(FIRST),
        drained(SECOND),
    )
    assert found.is_valid is is_valid
    assert (found.replayed, found.resurrected) == (((FIRST,), ()) if is_valid else ((), (FIRST,)))


def test_an_old_ack_that_no_later_confirm_followed_is_not_safe() -> None:
    begun = [*published(FIRST), delivered(FIRST), acked(FIRST, 5_000)]
    rest = [fault(90_000), drained(FIRST), drained(SECOND)]
    assert verdict(*begun, *published(SECOND, confirmed=False), *rest).replayed == (FIRST,)
    confirmed_later = [*published(SECOND, confirmed=False), *begun, published(SECOND)[1]]
    assert verdict(*confirmed_later, *rest).replayed == (FIRST,), "it was published before the ack"


def test_a_fault_may_take_back_only_so_many_acks() -> None:
    values = (FIRST, SECOND)
    rows = [*published(*values), *map(delivered, values)]
    rows += [acked(value, 5_000) for value in values]
    found = verdict(*rows, fault(5_001), *map(drained, values))
    assert found.resurrected == values


def test_two_faults_may_each_take_back_as_many() -> None:
    found = verdict(
        *published(FIRST, SECOND),
        *(delivered(FIRST), acked(FIRST, 5_000), fault(5_001)),
        *(delivered(SECOND, 6_000), acked(SECOND, 7_000), fault(7_001)),
        *(drained(FIRST), drained(SECOND)),
    )
    assert found.is_valid
    assert found.replayed == (FIRST, SECOND)


def test_an_ack_is_not_made_young_by_a_later_fault() -> None:
    rows = [*published(FIRST), delivered(FIRST), acked(FIRST, 1_000), *published(SECOND)]
    rows += [fault(9_000), fault(9_001), drained(FIRST), drained(SECOND)]
    assert verdict(*rows).resurrected == (FIRST,)


def test_an_ack_without_a_round_trip_after_it_is_not_counted() -> None:
    written = Row(11, CONSUMER, Kind.INVOKE, Action.ACK, FIRST)
    unknown = Row(12, CONSUMER, Kind.INFO, Action.ACK, FIRST)
    rows = [*published(FIRST), delivered(FIRST), written, unknown, fault(9_000), drained(FIRST)]
    found = verdict(*rows)
    assert found.is_valid
    assert (found.duplicated, found.replayed) == ((FIRST,), ())


def test_what_is_delivered_again_says_so() -> None:
    rows = [*published(FIRST), delivered(FIRST, redelivered=True)]
    assert verdict(*rows, delivered(FIRST, redelivered=True)).is_valid
    assert verdict(*rows, delivered(FIRST)).unflagged == (FIRST,)


def test_a_consumer_sees_new_messages_of_a_publisher_in_order() -> None:
    rows = published(FIRST, SECOND)
    assert verdict(*rows, delivered(SECOND), delivered(FIRST)).inverted == (FIRST,)
    assert verdict(*rows, delivered(SECOND), delivered(FIRST, process=OTHER)).is_valid
    assert verdict(*rows, delivered(SECOND), delivered(FIRST, redelivered=True)).is_valid


def test_publishers_are_not_ordered_among_each_other() -> None:
    other = Value(9, 1)
    rows = published(FIRST, SECOND, other)
    assert verdict(*rows, delivered(FIRST), delivered(other), delivered(SECOND)).is_valid


def test_in_the_drain_old_messages_are_in_order_too() -> None:
    assert verdict(*published(FIRST, SECOND), drained(SECOND), drained(FIRST)).inverted == (FIRST,)


def test_a_value_is_published_once() -> None:
    with pytest.raises(AssertionError, match="published once"):
        verdict(*published(FIRST), *published(FIRST))


# ── the table ──


def test_the_table_counts_everything_and_names_what_is_wrong() -> None:
    values = [Value(1, counter) for counter in range(1, 9)]
    found = verdict(*published(*values), delivered(values[-1]))
    lines = found.table().splitlines()
    assert lines[0] == "attempts             8"
    assert "lost                 7  1-1 1-2 1-3 1-4 1-5 ..." in lines
    assert "unflagged            0" in lines
    assert lines[-2:] == ["middle               7", "INVALID"]
    assert verdict().table().endswith("\nvalid")


def removed(rows: list[Row], keep: Callable[[Row], bool]) -> list[Row]:
    return [row for row in rows if keep(row)]


@given(seed=st.integers(0, 10_000), pick=st.randoms(use_true_random=False))
def test_a_history_without_the_deliveries_of_one_confirmed_value_lost_it(
    seed: int, pick: random.Random
) -> None:
    history, _ = history_of(seed)
    found = check(history, acks_per_fault_max=ACKS_PER_FAULT_MAX)
    victim = pick.choice(found.confirmed)
    arrivals = {Action.DELIVER, Action.DRAIN}
    left = removed(history, lambda row: row.value != victim or row.action not in arrivals)
    assert check(left, acks_per_fault_max=ACKS_PER_FAULT_MAX).lost == (victim,)
