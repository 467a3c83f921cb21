"""Counters of an exchange: what goes out is a message for each queue."""

from exchanges.counters import ExchangeCounters


def test_what_goes_out_is_what_came_in_times_its_queues() -> None:
    counters = ExchangeCounters()
    counters.published_count = 10
    counters.unroutable_count = 3
    counters.more_copies_count = 4
    assert counters.routed_count == 11


def test_what_is_unroutable_is_returned_or_dropped() -> None:
    counters = ExchangeCounters()
    counters.published_count = counters.unroutable_count = 5
    counters.return_count = 2
    assert (counters.dropped_count, counters.routed_count) == (3, 0)
