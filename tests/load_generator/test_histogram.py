"""Percentiles from buckets are those of the samples, and never below them."""

from hypothesis import given
from hypothesis import strategies as st

from load_generator import histogram
from load_generator.histogram import BUCKET_COUNT, CELL_COUNT, LATENCY_NS_MAX, Histogram


def cells_of(values_ns: list[int], weight: int = 1) -> list[int]:
    cells = memoryview(bytearray(8 * CELL_COUNT)).cast("Q")
    now_ns = 1 << 41
    Histogram(cells).record(now_ns, [now_ns - value for value in values_ns], weight)
    return list(cells)


@given(st.lists(st.integers(0, LATENCY_NS_MAX), min_size=1, max_size=200))
def test_each_percentile_is_a_sample_or_less_than_a_hundredth_above(values_ns: list[int]) -> None:
    found = histogram.percentiles(cells_of(values_ns))
    assert found is not None
    assert found.message_count == len(values_ns)
    ordered = sorted(values_ns)
    for per_mille, found_us in zip((500, 750, 950, 990, 999, 1_000), found[1:], strict=True):
        exact_ns = ordered[-(-len(ordered) * per_mille // 1_000) - 1]
        assert exact_ns <= found_us * 1_000 + 0.5
        assert found_us * 1_000 <= exact_ns * 1.008 + 0.5


def test_nothing_counted_has_no_percentiles() -> None:
    assert histogram.percentiles([0] * CELL_COUNT) is None
    assert histogram.percentiles([]) is None


def test_what_this_hosts_clock_did_not_write_is_counted_apart() -> None:
    cells = cells_of([-1, LATENCY_NS_MAX + 1, 5])
    assert histogram.stranger_count(cells) == 2
    assert sum(cells[:BUCKET_COUNT]) == 1


def test_a_sample_may_stand_for_several() -> None:
    found = histogram.percentiles(cells_of([7], weight=40))
    assert found is not None
    assert found.message_count == 40


def test_what_happened_in_between_is_a_difference_of_sums() -> None:
    first = histogram.total([cells_of([10]), cells_of([20])])
    last = histogram.total([cells_of([10]), cells_of([20, 30, 30])])
    found = histogram.percentiles(histogram.difference(last, first))
    assert found is not None
    assert (found.message_count, found.p50_us, found.max_us) == (2, 0.03, 0.03)
    assert histogram.difference(last, []) == last
