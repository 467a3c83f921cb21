"""Percentiles are by nearest rank; the board's counters do not touch each other."""

from amqp_server.perf.workers import Board, Latencies, percentiles


def test_no_samples_have_no_percentiles() -> None:
    assert percentiles([]) is None


def test_one_sample_is_every_percentile() -> None:
    assert percentiles([3_000]) == Latencies(3.0, 3.0)


def test_percentiles_are_samples_that_were_taken() -> None:
    assert percentiles([sample * 1_000 for sample in range(200, 0, -1)]) == Latencies(100.0, 198.0)


def test_counters_are_apart() -> None:
    board = Board()
    board.published_count, board.confirmed_count, board.consumed_count = 1, 2, 3
    assert (board.published_count, board.confirmed_count, board.consumed_count) == (1, 2, 3)
    assert not (board.is_stopping)
    assert not (board.is_draining)
    assert not (board.is_measuring)


def test_publishers_are_stopped_before_consumers() -> None:
    board = Board()
    board.stop_publishers()
    assert (board.is_stopping, board.is_draining) == (True, False)
    board.stop_consumers()
    assert board.is_draining


def test_measuring_begins_and_ends() -> None:
    board = Board()
    board.is_measuring = True
    assert board.is_measuring
    board.is_measuring = False
    assert not board.is_measuring
