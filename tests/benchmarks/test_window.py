"""The figures of a window are those of the workers, given per message."""

from dataclasses import replace

import pytest

from benchmarks.window import each, window_of
from load_generator.board import Totals
from load_generator.histogram import Latencies
from load_generator.readings import Figures

FIGURES = Figures(
    elapsed_s=2.0,
    counts=Totals(published_count=2_200, consumed_count=2_000),
    latencies=None,
    stranger_count=0,
    generator_cores=(0.1, 0.15),
    broker_cores=0.5,
    elsewhere_cores=0.5,
    machine_cores=1.25,
    broker_rss_bytes=3 << 20,
)


def test_rates_are_per_second() -> None:
    window = window_of(FIGURES)
    assert (window.published_per_s, window.consumed_per_s) == (1_100, 1_000)
    assert window.confirmed_per_s is None


def test_cpu_time_is_per_delivery() -> None:
    window = window_of(FIGURES)
    assert window.broker_cpu_us == pytest.approx(500)
    assert window.generator_cpu_us == pytest.approx(250)
    assert window.generator_cores == 0.15


def test_what_is_added_is_given_for_each() -> None:
    assert each(10, 30, 4) == 5
    assert [each(None, 30, 4), each(10, None, 4), each(10, 30, 0)] == [None] * 3


def test_a_broker_that_is_not_seen_has_no_costs() -> None:
    window = window_of(replace(FIGURES, broker_cores=None, broker_rss_bytes=None))
    assert window.broker_cpu_us is None
    assert window.broker_rss_mib is None
    assert window.consumed_per_s == 1_000


def test_a_window_in_which_nothing_arrived_has_no_cost_per_message() -> None:
    latencies = Latencies(9, 1.0, 1.5, 1.8, 2.0, 2.5, 3.0)
    window = window_of(replace(FIGURES, counts=Totals(), latencies=latencies))
    assert window.consumed_per_s == 0
    assert window.broker_cpu_us is None
    assert (window.p50_us, window.p99_us) == (1.0, 2.0)
