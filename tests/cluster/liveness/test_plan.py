"""When a lease is renewed: often enough, and never for a loop that hangs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.liveness.plan import RenewalPlan, beat_interval_ms
from cluster.metadata.port import Lease

TTL_MS = 9_000


def holding(at_ms: int = 0) -> RenewalPlan:
    plan = RenewalPlan()
    plan.hold(Lease(7, TTL_MS, at_ms))
    return plan


def test_without_a_lease_or_a_sign_of_life_nothing_is_due() -> None:
    plan = RenewalPlan()
    plan.beat(0)
    assert plan.wait_ms(0) is None
    assert holding().wait_ms(0) is None


def test_it_is_due_after_a_third_of_its_time() -> None:
    plan = holding()
    plan.beat(500)
    assert plan.wait_ms(500) == 2_500
    plan.beat(3_000)
    assert plan.is_due(3_000)
    plan.renewed(Lease(7, TTL_MS, 3_000))
    assert plan.wait_ms(3_000) is None, "what was shown so far is too old by then"
    plan.beat(3_010)
    assert plan.wait_ms(3_010) == 2_990


def test_a_loop_that_hangs_loses_it() -> None:
    plan = holding()
    plan.beat(100)
    assert not plan.is_due(3_100), "the last sign of life is too old"
    assert plan.wait_ms(3_100) is None, "and only another one changes that"
    plan.beat(3_200)
    assert plan.is_due(3_200)


def test_signs_of_life_are_taken_in_the_order_in_which_they_were_given() -> None:
    plan = holding()
    plan.beat(3_000)
    plan.beat(100)
    assert plan.is_due(3_000)


def test_what_a_frozen_process_finds_in_its_socket_is_old() -> None:
    plan = holding()
    for at_ms in range(0, 1_000, 100):
        plan.beat(at_ms)
    assert plan.wait_ms(60_000) is None


def test_a_store_that_is_away_is_asked_again_sooner() -> None:
    plan = holding()
    plan.beat(3_000)
    plan.failed(3_000)
    assert plan.wait_ms(3_000) == beat_interval_ms(TTL_MS)


def test_a_lease_that_is_gone_is_not_renewed() -> None:
    plan = holding()
    plan.beat(3_000)
    plan.gone(6)
    assert plan.is_due(3_000), "that was another one"
    plan.gone(7)
    assert plan.wait_ms(3_000) is None
    plan.hold(Lease(8, TTL_MS, 3_000))
    plan.renewed(Lease(7, TTL_MS, 5_000))
    assert plan.wait_ms(3_000) is None, "the next one is due behind what was shown so far"
    plan.beat(5_900)
    assert plan.wait_ms(5_900) == 100


def test_a_lease_that_was_let_go_is_not_renewed() -> None:
    plan = holding()
    plan.beat(3_000)
    plan.hold(Lease(0, 0, 0))
    plan.renewed(Lease(7, TTL_MS, 2_900))
    plan.failed(3_000)
    assert plan.wait_ms(3_000) is None


@given(st.lists(st.tuples(st.integers(0, 900), st.booleans()), max_size=80))
@pytest.mark.parametrize("ttl_ms", [2_000, 9_000])
def test_while_the_loop_moves_it_never_ends(ttl_ms: int, steps: list[tuple[int, bool]]) -> None:
    plan = RenewalPlan()
    now_ms, ends_ms, beat_ms = 0, ttl_ms, 0
    plan.hold(Lease(1, ttl_ms, 0))
    plan.beat(0)
    for ms, is_moving in steps:
        now_ms += ms * beat_interval_ms(ttl_ms) // 900
        if is_moving:
            plan.beat(now_ms)
            beat_ms = now_ms
        if plan.is_due(now_ms):
            assert now_ms - beat_ms < ttl_ms // 3, "a loop that hangs is not helped"
            plan.renewed(Lease(1, ttl_ms, now_ms))
            ends_ms = now_ms + ttl_ms
        if now_ms - beat_ms < ttl_ms // 3:
            assert now_ms < ends_ms
