"""Whose turn it is."""

from collections.abc import Sequence

import pytest

from queues.classic.consumers import Consumers
from queues.classic.rules import CLASSIC_RULES, QUORUM_RULES, SharingRules
from queues.consumer_port import ConsumerHandle
from queues.errors import ExclusiveUseError
from queues.options import QueueOptions
from tests.support.consumer import FakeConsumer, Prefetch

SINGLE_ACTIVE = QueueOptions(single_active_consumer=True)


def consumers(
    *handles: FakeConsumer,
    options: QueueOptions | None = None,
    rules: SharingRules = CLASSIC_RULES,
) -> Consumers:
    group = Consumers(options or QueueOptions(), rules)
    for handle in handles:
        group.add(handle)
    return group


def tags(handles: Sequence[ConsumerHandle]) -> str:
    return "".join(handle.consumer_tag for handle in handles)


def test_all_with_credit_take_turns_and_each_gets_what_all_can_get() -> None:
    group = consumers(FakeConsumer("a", prefetch=5), FakeConsumer("b", prefetch=3))
    handles, credit = group.next_round(100)
    assert (tags(handles), credit) == ("ab", 3)


def test_who_has_no_credit_is_passed_over() -> None:
    busy = FakeConsumer("a", prefetch=1)
    busy.prefetch.unacked_count = 1
    handles, credit = consumers(busy, FakeConsumer("b", prefetch=2)).next_round(100)
    assert (tags(handles), credit) == ("b", 2)


def test_nobody_is_served_while_nobody_has_credit() -> None:
    paused = FakeConsumer("a")
    paused.is_paused = True
    assert consumers(paused).next_round(100) == ((), 0)
    assert consumers().next_round(100) == ((), 0)


def test_there_are_no_more_in_a_round_than_messages() -> None:
    handles, _ = consumers(*map(FakeConsumer, "abc")).next_round(2)
    assert tags(handles) == "ab"


def test_one_alone_is_told_of_unless_it_is_only_the_active_one() -> None:
    one, two = FakeConsumer("a"), FakeConsumer("b")
    group = consumers(one)
    told = [(group.sole, group.count)]
    group.add(two)
    told.append((group.sole, group.count))
    for handle in (one, two):
        group.remove(handle)
        told.append((group.sole, group.count))
    assert told == [(one, 1), (None, 2), (two, 1), (None, 0)]
    assert consumers(one, options=SINGLE_ACTIVE).sole is None


@pytest.mark.parametrize(
    ("message_count", "next_order"),
    [(1, "bca"), (2, "cab"), (3, "abc"), (4, "bca"), (7, "bca"), (8, "cab")],
)
def test_who_was_served_last_goes_to_the_back(message_count: int, next_order: str) -> None:
    group = consumers(*map(FakeConsumer, "abc"))
    handles, _ = group.next_round(100)
    group.served(handles, message_count)
    assert tags(group.next_round(100)[0]) == next_order


def test_higher_priorities_are_served_alone_while_they_have_credit() -> None:
    high = FakeConsumer("h", priority=10, prefetch=1)
    group = consumers(FakeConsumer("z", priority=-1), FakeConsumer("n"), high)
    assert tags(group.next_round(100)[0]) == "h"
    high.is_paused = True
    assert tags(group.next_round(100)[0]) == "n"


def test_consumers_that_share_credit_go_one_by_one() -> None:
    shared = Prefetch(5)
    group = consumers(FakeConsumer("a", prefetch=shared), FakeConsumer("b", prefetch=shared))
    assert group.next_round(100) == ([*group], 1)


def test_a_lone_consumer_uses_its_shared_credit_at_once() -> None:
    handles, credit = consumers(FakeConsumer("a", prefetch=Prefetch(5))).next_round(100)
    assert (tags(handles), credit) == ("a", 5)


def test_a_removed_consumer_is_served_no_more() -> None:
    first, second = FakeConsumer("a"), FakeConsumer("b")
    group = consumers(first, second)
    assert group.remove(first)
    assert not group.remove(first)
    assert (tags(group.next_round(100)[0]), len(group)) == ("b", 1)


def test_a_consumer_may_be_exclusive_when_it_is_alone() -> None:
    group = consumers(FakeConsumer("a", exclusive=True))
    with pytest.raises(ExclusiveUseError):
        group.add(FakeConsumer("b"))
    assert len(group) == 1


def test_exclusive_use_needs_an_unused_queue() -> None:
    with pytest.raises(ExclusiveUseError):
        consumers(FakeConsumer("a"), FakeConsumer("b", exclusive=True))


def test_exclusive_use_ends_with_its_consumer() -> None:
    alone = FakeConsumer("a", exclusive=True)
    group = consumers(alone)
    group.remove(alone)
    group.add(FakeConsumer("b"))
    assert len(group) == 1


def test_a_single_active_consumer_cannot_be_exclusive() -> None:
    with pytest.raises(ExclusiveUseError):
        consumers(FakeConsumer("a", exclusive=True), options=SINGLE_ACTIVE)


def test_quorum_queues_ignore_exclusive_use() -> None:
    group = consumers(
        FakeConsumer("a", exclusive=True),
        FakeConsumer("b"),
        rules=QUORUM_RULES,
    )
    assert len(group) == 2


def test_only_the_first_is_active() -> None:
    group = consumers(FakeConsumer("a"), FakeConsumer("b", priority=9), options=SINGLE_ACTIVE)
    assert tags(group.next_round(100)[0]) == "a"


def test_when_the_active_one_has_no_credit_nobody_is_served() -> None:
    active = FakeConsumer("a")
    group = consumers(active, FakeConsumer("b"), options=SINGLE_ACTIVE)
    active.is_paused = True
    assert group.next_round(100) == ((), 0)


def test_the_eldest_of_the_highest_priority_is_next() -> None:
    """RabbitMQ 3.10, classic queue, in this order of consuming."""
    priorities = {"a": 0, "b": 0, "c": 5, "d": 0, "e": 5, "f": 7}
    handles = {tag: FakeConsumer(tag, priority=priority) for tag, priority in priorities.items()}
    group = consumers(*handles.values(), options=SINGLE_ACTIVE)
    order = ""
    while (active := group.active) is not None:
        order += active.consumer_tag
        group.remove(active)
    assert order == "afcebd"


def test_the_active_one_stays_when_a_waiting_one_goes() -> None:
    waiting = FakeConsumer("b")
    group = consumers(FakeConsumer("a"), waiting, options=SINGLE_ACTIVE)
    group.remove(waiting)
    assert group.active is not None
    assert group.active.consumer_tag == "a"


def test_a_quorum_queue_hands_over_to_a_higher_priority_once_all_is_settled() -> None:
    group = consumers(
        FakeConsumer("a"), FakeConsumer("b", priority=1), options=SINGLE_ACTIVE, rules=QUORUM_RULES
    )
    assert group.next_round(100) == ((), 0)
    group.all_settled()
    assert tags(group.next_round(100)[0]) == "b"


def test_no_handover_among_equals_nor_in_a_classic_queue() -> None:
    for rules, priority in ((QUORUM_RULES, 0), (CLASSIC_RULES, 1)):
        group = consumers(
            FakeConsumer("a"),
            FakeConsumer("b", priority=priority),
            options=SINGLE_ACTIVE,
            rules=rules,
        )
        group.all_settled()
        assert tags(group.next_round(100)[0]) == "a"


def test_the_active_one_is_served_again_when_its_successor_goes() -> None:
    successor = FakeConsumer("b", priority=1)
    group = consumers(FakeConsumer("a"), successor, options=SINGLE_ACTIVE, rules=QUORUM_RULES)
    group.remove(successor)
    assert tags(group.next_round(100)[0]) == "a"


# -- who waits for credit ----------------------------------------------------------------------


def full(tag: str) -> FakeConsumer:
    """Return a consumer whose own window is full."""
    handle = FakeConsumer(tag, prefetch=1)
    handle.prefetch.unacked_count = 1
    return handle


def give_back(group: Consumers, handle: FakeConsumer) -> None:
    handle.prefetch.unacked_count = 0
    group.credit_regained(handle)


def test_who_gets_credit_back_is_the_last_in_turn() -> None:
    first = full("a")
    group = consumers(first, *map(FakeConsumer, "bc"))
    assert tags(group.next_round(100)[0]) == "bc"
    blocked = [first.is_blocked]
    give_back(group, first)
    blocked.append(first.is_blocked)
    assert blocked == [True, False]
    assert tags(group.next_round(100)[0]) == "bca"


def test_who_was_not_asked_keeps_its_turn() -> None:
    first, second = full("a"), FakeConsumer("b")
    group = consumers(second, first)
    assert tags(group.next_round(1)[0]) == "b"
    assert not first.is_blocked
    first.prefetch.unacked_count = 0
    assert tags(group.next_round(100)[0]) == "ba"


def test_who_is_blocked_is_not_asked_again() -> None:
    blocked = [full(f"{number}") for number in range(10_000)]
    group = consumers(*blocked, FakeConsumer("a"))
    for _ in range(100):
        assert tags(group.next_round(1)[0]) == "a"
    assert {handle.asked_count for handle in blocked} == {1}


def test_a_lane_that_opens_lets_all_that_wait_for_it_in_again_in_order() -> None:
    lane = Prefetch(4)
    group = consumers(*[FakeConsumer(tag, prefetch=lane) for tag in "abc"], FakeConsumer("d"))
    lane.is_stopped = True
    assert tags(group.next_round(100)[0]) == "d"
    lane.is_stopped = False
    assert tags(group.next_round(100)[0]) == "d", "they have not heard of it"
    group.lane_opened(lane)
    assert tags(group.next_round(100)[0]) == "dabc"


def test_a_lane_with_room_for_one_costs_one_step_however_many_wait() -> None:
    lane = Prefetch(1)
    handles = [FakeConsumer(f"{number:04}", prefetch=lane) for number in range(3_000)]
    group = consumers(*handles)
    served = []
    for _ in range(3_000):
        group.lane_opened(lane)
        chosen, credit = group.next_round(100)
        assert (len(chosen), credit) == (1, 1)
        served.append(chosen[0].consumer_tag)
        group.served(chosen, 1)
        lane.unacked_count = 1
        assert group.next_round(100)[0] == ()
        lane.unacked_count = 0
    assert served == sorted(served), "each had its turn"
    assert sum(handle.asked_count for handle in handles) < 20_000


def test_no_more_are_in_a_round_than_their_lane_has_room_for() -> None:
    lane = Prefetch(2)
    shared = [FakeConsumer(tag, prefetch=lane) for tag in "abc"]
    group = consumers(*shared, FakeConsumer("d"))
    handles, credit = group.next_round(100)
    assert (tags(handles), credit) == ("ab", 1)


def test_a_shut_lane_holds_back_what_needs_no_ack() -> None:
    lane = Prefetch(1)
    group = consumers(
        FakeConsumer("a", prefetch=lane), FakeConsumer("n", prefetch=lane, no_ack=True)
    )
    handles, _ = group.next_round(100)
    assert tags(handles) == "a"
    group.served(handles, 1)
    lane.unacked_count = 1
    assert group.next_round(100) == ((), 0)


def test_own_credit_that_comes_back_while_the_lane_is_shut_waits_in_its_place() -> None:
    lane = Prefetch(2)
    first, second, third = [FakeConsumer(tag, prefetch=1, lane=lane) for tag in "abc"]
    group = consumers(first, second, third)
    first.prefetch.unacked_count = second.prefetch.unacked_count = 1
    lane.unacked_count = 2
    assert group.next_round(100) == ((), 0)
    give_back(group, second)
    give_back(group, first)
    lane.unacked_count = 0
    group.lane_opened(lane)
    assert tags(group.next_round(1)[0]) == "a"


def test_a_removed_consumer_waits_for_nothing() -> None:
    lane = Prefetch(1)
    waiting = [FakeConsumer(tag, prefetch=lane) for tag in "ab"]
    own = full("c")
    group = consumers(*waiting, own, FakeConsumer("d"))
    lane.unacked_count = 1
    assert tags(group.next_round(100)[0]) == "d"
    for handle in (waiting[0], own):
        assert group.remove(handle)
    give_back(group, own)
    lane.unacked_count = 0
    group.lane_opened(lane)
    assert tags(group.next_round(100)[0]) == "db"
    assert group.remove(waiting[1])
    assert tags(group.next_round(100)[0]) == "d"
    assert not group.serves(lane)


def test_joining_and_leaving_looks_at_nobody_else() -> None:
    handles = [FakeConsumer(f"{number}", priority=number % 7) for number in range(20_000)]
    group = consumers(*handles)
    for handle in handles:
        group.remove(handle)
    assert len(group) == 0
    assert sum(handle.asked_count for handle in handles) == 0


def test_lanes_are_shared_as_long_as_two_are_on_one() -> None:
    lane = Prefetch()
    one, two = FakeConsumer("a", lane=lane), FakeConsumer("b", lane=lane)
    group = consumers(one, FakeConsumer("c"))
    found = [group.share_lanes]
    group.add(two)
    found.append(group.share_lanes)
    group.remove(one)
    found.append(group.share_lanes)
    assert found == [False, True, False]
