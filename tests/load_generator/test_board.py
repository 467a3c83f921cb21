"""Rows do not touch each other; sums are over all of them."""

from load_generator import histogram
from load_generator.board import Board, Totals


def test_counters_are_apart_and_summed() -> None:
    board = Board(2, lifetime_s=60)
    for tally in (board.tally(0), board.tally(1)):
        tally.set_published(1)
        tally.set_answered(2, 3, 4)
        tally.set_consumed(5)
        tally.set_blocked(6)
    board.tally(1).set_published(10)
    assert board.totals() == Totals(11, 4, 6, 8, 10, 12)
    assert (board.is_stopping, board.is_draining, board.done_count()) == (False, False, 0)


def test_publishers_are_stopped_before_consumers() -> None:
    board = Board(1, lifetime_s=60)
    board.stop_publishers()
    assert (board.is_stopping, board.is_draining) == (True, False)
    board.stop_consumers()
    assert board.is_draining


def test_workers_that_nobody_stops_end_with_their_lifetime() -> None:
    board = Board(1, lifetime_s=-1)
    assert board.is_stopping
    assert board.is_draining
    board.await_go()


def test_go_lets_workers_begin() -> None:
    board = Board(1, lifetime_s=60)
    board.go()
    board.await_go()
    assert not board.is_stopping


def test_those_who_are_done_are_counted() -> None:
    board = Board(3, lifetime_s=60)
    board.tally(0).set_done()
    board.tally(2).set_done()
    assert board.done_count() == 2


def test_latencies_of_all_workers_are_summed() -> None:
    board = Board(2, lifetime_s=60)
    board.tally(0).latencies.record(100, [60])
    board.tally(1).latencies.record(100, [60, 100])
    counts = board.latency_counts()
    assert (counts[40], counts[0], len(counts)) == (2, 1, histogram.CELL_COUNT)
