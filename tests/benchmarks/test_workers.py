"""Percentiles are by nearest rank."""

from benchmarks.workers import Latencies, percentiles


def test_no_samples_have_no_percentiles() -> None:
    assert percentiles([]) is None


def test_one_sample_is_every_percentile() -> None:
    assert percentiles([3_000]) == Latencies(3.0, 3.0)


def test_percentiles_are_samples_that_were_taken() -> None:
    assert percentiles([sample * 1_000 for sample in range(200, 0, -1)]) == Latencies(100.0, 198.0)
