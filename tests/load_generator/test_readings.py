"""Figures are differences between two readings."""

import os

import pytest

from load_generator import histogram, readings
from load_generator.board import Board, Totals
from load_generator.readings import Reading, between

COUNTS = [0] * histogram.CELL_COUNT
FIRST = Reading(10.0, Totals(1_000, 0, 0, 0, 900), COUNTS, [1.0, 0.5], 5.0, 1 << 20, 20.0)
LAST = Reading(12.0, Totals(3_000, 0, 0, 0, 2_900), COUNTS, [1.2, 0.8], 6.0, 3 << 20, 22.5)


def test_counts_and_rates_are_of_the_time_between() -> None:
    figures = between(FIRST, LAST)
    assert figures.counts == Totals(published_count=2_000, consumed_count=2_000)
    assert figures.per_s(figures.counts.published_count) == 1_000


def test_cores_are_cpu_time_over_time() -> None:
    figures = between(FIRST, LAST)
    assert figures.generator_cores == pytest.approx((0.1, 0.15))
    assert figures.broker_cores == pytest.approx(0.5)
    assert figures.machine_cores == pytest.approx(1.25)
    assert figures.elsewhere_cores == pytest.approx(0.5)


def test_a_broker_that_is_not_seen_has_no_cores() -> None:
    figures = between(FIRST._replace(broker_cpu_s=None), LAST._replace(broker_cpu_s=None))
    assert figures.broker_cores is None
    assert figures.elsewhere_cores is None


def test_latencies_are_those_of_the_time_between() -> None:
    before, after = [*COUNTS], [*COUNTS]
    before[7], after[7], after[9] = 5, 5, 1
    figures = between(FIRST._replace(latency_counts=before), LAST._replace(latency_counts=after))
    assert figures.latencies is not None
    assert (figures.latencies.message_count, figures.latencies.max_us) == (1, 0.009)
    assert figures.stranger_count == 0


def test_no_time_at_all_is_no_division_by_nothing() -> None:
    assert between(FIRST, FIRST).per_s(0) == 0


def test_a_reading_sees_processes_and_board() -> None:
    board = Board(1, lifetime_s=60)
    board.tally(0).set_published(3)
    reading = readings.take(board, [os.getpid(), 1 << 30], os.getpid())
    assert reading.totals.published_count == 3
    assert reading.generator_cpu_s[0] > 0
    assert reading.generator_cpu_s[1] == 0
    assert reading.broker_rss_bytes is not None
