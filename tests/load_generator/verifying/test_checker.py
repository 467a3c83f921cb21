"""The checker finds in a history what the history holds, and nothing else."""

import pytest

from load_generator.verifying.checker import NOTHING, Earlier, Verdict, check, fault_spans
from load_generator.verifying.history import Value
from tests.support.fault_history import Script


def of(script: Script, earlier: Earlier = NOTHING) -> Verdict:
    return check(script.rows, acks_per_client_max=2, earlier=earlier)


def one(counter: int) -> tuple[Value, ...]:
    return (Value("q", 1, counter),)


def test_a_message_that_went_through_is_all_right() -> None:
    verdict = of(Script().published(1, 2).delivered(1, 2).acked(1, 2))
    assert verdict.is_valid
    assert len(verdict.confirmed) == len(verdict.delivered) == 2
    assert verdict.text().endswith("valid")


def test_nothing_is_valid() -> None:
    assert of(Script()).is_valid


def test_confirmed_and_never_delivered_is_lost() -> None:
    verdict = of(Script().published(1, 2, 3).delivered(1, 3))
    assert verdict.lost == one(2)
    assert verdict.lost_in_the_middle == one(2)
    assert not verdict.is_valid
    assert "q:1:2" in verdict.text()
    assert verdict.text().endswith("INVALID")


def test_the_last_of_a_publisher_is_not_lost_in_the_middle() -> None:
    verdict = of(Script().published(1, 2).delivered(1))
    assert verdict.lost == one(2)
    assert verdict.lost_in_the_middle == ()


def test_what_the_drain_finds_is_not_lost() -> None:
    assert of(Script().published(1).drained(1)).is_valid


@pytest.mark.parametrize("script", [Script().begun(1), Script().begun(1).refused(1)])
def test_what_was_not_confirmed_may_be_gone(script: Script) -> None:
    assert of(script).is_valid


def test_what_was_not_confirmed_may_arrive() -> None:
    verdict = of(Script().begun(1, 2).refused(2).delivered(1, 2))
    assert verdict.is_valid
    assert verdict.recovered == one(1) + one(2)


def test_what_nobody_published_is_unexpected() -> None:
    verdict = of(Script().delivered(1).published(1))
    assert verdict.unexpected == one(1)
    assert not verdict.is_valid


def test_a_duplicate_is_counted_and_allowed() -> None:
    verdict = of(Script().published(1).delivered(1).delivered(1, redelivered=True))
    assert verdict.is_valid
    assert verdict.duplicated == one(1)
    assert verdict.unflagged == ()


def test_a_duplicate_without_the_flag_is_counted() -> None:
    verdict = of(Script().published(1).delivered(1).delivered(1))
    assert verdict.is_valid
    assert verdict.unflagged == one(1)


def test_a_message_that_comes_back_after_its_ack_is_resurrected() -> None:
    script = Script().published(1).delivered(1).acked(1).after(5_000).delivered(1)
    assert of(script).resurrected == one(1)


def test_an_ack_long_before_a_fault_is_safe() -> None:
    script = Script().published(1).delivered(1).acked(1).after(2_100).fault().after(9_000).mended()
    assert of(script.delivered(1, redelivered=True)).resurrected == one(1)


def test_an_ack_just_before_a_fault_may_be_taken_back() -> None:
    script = Script().published(1).delivered(1).acked(1).after(1_000).fault()
    verdict = of(script.delivered(1, redelivered=True))
    assert verdict.is_valid
    assert verdict.replayed == one(1)


def test_an_ack_between_a_fault_and_its_repair_may_be_taken_back() -> None:
    script = Script().published(1).delivered(1).fault().after(9_000).acked(1).after(9_000)
    verdict = of(script.mended().delivered(1, redelivered=True))
    assert verdict.replayed == one(1)
    assert verdict.is_valid


def test_an_ack_before_a_fault_does_not_come_back_before_it() -> None:
    script = Script().published(1).delivered(1).acked(1).delivered(1).fault()
    assert of(script).resurrected == one(1)


def test_an_ack_long_after_the_repair_is_safe() -> None:
    script = Script().published(1).fault().mended().after(2_100).delivered(1).acked(1)
    assert of(script.delivered(1)).resurrected == one(1)


def test_a_fault_takes_back_as_many_acks_as_consumers_could_hold() -> None:
    taken = Script().published(1, 2, 3).delivered(1, 2, 3).acked(1, 2, 3).fault()
    assert len(of(taken.delivered(1, 2, 3, redelivered=True)).resurrected) == 3
    script = Script().published(1, 2, 3).delivered(1, 2).acked(1, 2).delivered(3, client=8)
    script.acked(3, client=8).fault().delivered(1, 2, 3, redelivered=True)
    assert of(script).is_valid


def test_an_ack_without_a_round_trip_promises_nothing() -> None:
    script = Script().published(1).delivered(1).after(9_000).delivered(1, redelivered=True)
    assert of(script).is_valid


EARLIER = NOTHING.and_of(of(Script().published(1, publisher=3).begun(2).delivered(1, publisher=3)))


def test_what_arrived_in_an_earlier_history_stays_away() -> None:
    verdict = of(Script().delivered(1, publisher=3), EARLIER)
    assert verdict.resurrected == (Value("q", 3, 1),)
    assert verdict.unexpected == ()


def test_what_never_arrived_in_an_earlier_history_may_come_late() -> None:
    late = of(Script().delivered(2), EARLIER)
    assert late.is_valid
    assert of(Script().delivered(2).delivered(2), EARLIER).resurrected == one(2)
    # Once it has come it is settled, too.
    assert of(Script().delivered(2), EARLIER.and_of(late)).resurrected == one(2)


def test_a_later_message_first_is_inverted() -> None:
    verdict = of(Script().published(1, 2).delivered(2, 1))
    assert verdict.inverted == one(1)
    assert not verdict.is_valid


def test_a_fault_may_displace_what_was_published_before_its_repair() -> None:
    verdict = of(Script().published(1, 2).fault().delivered(2, 1).mended())
    assert verdict.is_valid
    assert verdict.displaced == one(1)


@pytest.mark.parametrize(
    "script",
    [
        Script().published(1, 2).delivered(2, 1).fault().mended(),
        Script().fault().mended().published(1, 2).delivered(2, 1),
    ],
    ids=["before the fault", "published after its repair"],
)
def test_a_fault_displaces_nothing_else(script: Script) -> None:
    assert of(script).inverted == one(1)


@pytest.mark.parametrize(
    "script",
    [
        Script().published(1, 2).delivered(2).delivered(1, client=8),
        Script().published(1, 2).delivered(2).delivered(1, redelivered=True),
        Script().published(1, 2).delivered(1, 2, 1),
        Script().published(2).published(1, publisher=2).delivered(2).delivered(1, publisher=2),
    ],
    ids=["another consumer", "redelivered", "a duplicate", "another publisher"],
)
def test_order_is_promised_to_one_consumer_of_one_publisher(script: Script) -> None:
    assert of(script).inverted == ()


def test_a_value_that_is_published_twice_is_a_mistake_of_the_run() -> None:
    with pytest.raises(AssertionError, match="twice"):
        of(Script().begun(1, 1))


def test_spans_of_faults_end_where_all_was_mended() -> None:
    script = Script().fault().after(100).mended().after(100).fault()
    assert fault_spans(script.rows) == [(10, 120), (230, None)]
