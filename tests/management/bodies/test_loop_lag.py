"""How late the loop was, as JSON."""

from typing import Any

import pytest

from amqp_server.broker.views import LagView
from management.bodies.loop_lag import loop_lag_body

BOUNDS_US = (1_000, 10_000, 100_000)


def body_of(*counts: int, total_us: int = 0, max_us: int = 0) -> dict[str, Any]:
    return loop_lag_body(LagView(100, 60_000, BOUNDS_US, counts, total_us, max_us), "n")


def test_nothing_was_probed_yet() -> None:
    body = body_of(0, 0, 0, 0)
    assert (body["probes"], body["mean_ms"], body["p50_ms"], body["p99_ms"]) == (0, 0.0, 0.0, 0.0)
    assert (body["bounds_ms"], body["counts"]) == ([1.0, 10.0, 100.0], [0, 0, 0, 0])


def test_a_quantile_is_worked_out_within_its_class() -> None:
    body = body_of(50, 48, 2, 0, total_us=500_000, max_us=82_000)
    assert body["p50_ms"] == 1.0
    # Half of the class from 10 ms to the longest.
    assert body["p99_ms"] == pytest.approx(46.0)
    assert (body["mean_ms"], body["max_ms"]) == (5.0, 82.0)


def test_a_quantile_is_never_above_the_longest() -> None:
    assert body_of(100, 0, 0, 0, max_us=400)["p99_ms"] <= 0.4
    assert 100 < body_of(0, 0, 0, 9, max_us=7_000_000)["p99_ms"] <= 7_000
