"""The figures of a window are differences between two readings."""

import pytest

from amqp_server.perf.workers import Latencies
from benchmarks.window import Reading, between

FIRST = Reading(10.0, 1_000, 0, 900, 5.0, 1.0, 1 << 20, 20.0)
LAST = Reading(12.0, 3_000, 0, 2_900, 6.0, 1.5, 3 << 20, 22.5)


def test_rates_are_per_second_of_the_time_between() -> None:
    window = between(FIRST, LAST, None)
    assert (window.published_per_s, window.consumed_per_s) == (1_000, 1_000)
    assert window.confirmed_per_s is None


def test_cpu_time_is_per_delivery() -> None:
    window = between(FIRST, LAST, None)
    assert window.broker_cpu_us == pytest.approx(500)
    assert window.generator_cpu_us == pytest.approx(250)


def test_what_others_used_of_the_machine_is_told() -> None:
    assert between(FIRST, LAST, None).elsewhere_cores == pytest.approx(0.5)


def test_a_broker_that_is_not_seen_has_no_costs() -> None:
    first, last = (
        reading._replace(broker_cpu_s=None, broker_rss_bytes=None) for reading in (FIRST, LAST)
    )
    window = between(first, last, None)
    assert window.broker_cpu_us is None
    assert window.broker_rss_mib is None
    assert window.elsewhere_cores is None
    assert window.consumed_per_s == 1_000


def test_a_window_in_which_nothing_arrived_has_no_cost_per_message() -> None:
    window = between(FIRST, LAST._replace(consumed_count=900), Latencies(1.0, 2.0))
    assert window.consumed_per_s == 0
    assert window.broker_cpu_us is None
    assert (window.p50_us, window.p99_us) == (1.0, 2.0)
