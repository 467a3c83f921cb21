"""The counters that workers share with the process that reads the clock.

Each cell has one writer, so none needs a lock. A worker has a row of its own. The measuring process
reads all rows twice, and the differences are the figures.
"""

import ctypes
import time
from multiprocessing.sharedctypes import RawArray
from typing import Final, NamedTuple

from load_generator import histogram
from load_generator.histogram import Histogram

_STOPPING, _DRAINING, _GOING, _CONTROL_COUNT = 0, 1, 2, 3


_GO_POLL_S: Final = 0.001


class Totals(NamedTuple):
    """The counts of all workers together, so far.

    Attributes:
        published_count: messages handed to the socket.
        confirmed_count: messages that the broker confirmed.
        nacked_count: messages that the broker refused.
        returned_count: mandatory messages that no queue took.
        consumed_count: deliveries received, over all queues.
        blocked_ns: time for which the broker blocked publishing connections, summed over them.
    """

    published_count: int = 0
    confirmed_count: int = 0
    nacked_count: int = 0
    returned_count: int = 0
    consumed_count: int = 0
    blocked_ns: int = 0


_DONE: Final = len(Totals._fields)
_ROW_CELLS: Final = _DONE + 1


class Board:
    """Counters of ``worker_count`` workers, and the signals that begin and end their work."""

    def __init__(self, worker_count: int, lifetime_s: float) -> None:
        """Make the board; this must happen before the workers are forked.

        Args:
            worker_count: number of rows.
            lifetime_s: every worker ends after this, even if the measuring process is killed.
        """
        self.worker_count = worker_count
        self._dies_at_s = time.monotonic() + lifetime_s
        self._cells = _shared_cells(_CONTROL_COUNT + worker_count * _ROW_CELLS)
        cell_count = histogram.CELL_COUNT
        latencies = _shared_cells(worker_count * cell_count)
        self._latencies = [
            latencies[index * cell_count : (index + 1) * cell_count]
            for index in range(worker_count)
        ]

    @property
    def is_stopping(self) -> bool:
        """Publishers must end."""
        return bool(self._cells[_STOPPING]) or time.monotonic() > self._dies_at_s

    @property
    def is_draining(self) -> bool:
        """Consumers must end; it is set after the publishers have ended."""
        return bool(self._cells[_DRAINING]) or time.monotonic() > self._dies_at_s

    def go(self) -> None:
        """Let all waiting workers begin."""
        self._cells[_GOING] = 1

    def await_go(self) -> None:
        """Wait until the run begins, or ends before it has begun."""
        while not self._cells[_GOING] and not self.is_stopping:
            time.sleep(_GO_POLL_S)

    def stop_publishers(self) -> None:
        """Ask publishers to end."""
        self._cells[_STOPPING] = 1

    def stop_consumers(self) -> None:
        """Ask consumers to end."""
        self._cells[_DRAINING] = 1

    def tally(self, index: int) -> "Tally":
        """Return the row of a worker."""
        start = _CONTROL_COUNT + index * _ROW_CELLS
        row = self._cells[start : start + _ROW_CELLS]
        return Tally(self, row, Histogram(self._latencies[index]))

    def totals(self) -> Totals:
        """Return the sums over all workers."""
        return Totals(*(self._sum(column) for column in range(_DONE)))

    def done_count(self) -> int:
        """Return the number of workers that have done all their work."""
        return self._sum(_DONE)

    def latency_counts(self) -> list[int]:
        """Return the buckets of ``histogram``, summed over all workers."""
        return histogram.total(self._latencies)

    def _sum(self, column: int) -> int:
        return sum(self._cells[_CONTROL_COUNT + column :: _ROW_CELLS])


class Tally:
    """The counts of one worker; only that worker writes them."""

    def __init__(self, board: Board, row: memoryview, latencies: Histogram) -> None:
        self.board = board
        self.latencies = latencies
        self._row = row

    def set_published(self, count: int) -> None:
        """Set the number of messages handed to the sockets so far."""
        self._row[0] = count

    def set_answered(self, confirmed_count: int, nacked_count: int, returned_count: int) -> None:
        """Set the numbers of publishes that the broker answered so far, by kind of answer."""
        self._row[1], self._row[2], self._row[3] = confirmed_count, nacked_count, returned_count

    def set_consumed(self, count: int) -> None:
        """Set the number of deliveries received so far."""
        self._row[4] = count

    def set_blocked(self, span_ns: int) -> None:
        """Set the time for which the broker has blocked this worker's connections, summed."""
        self._row[5] = span_ns

    def set_done(self) -> None:
        """Note that all work is done."""
        self._row[_DONE] = 1


def _shared_cells(count: int) -> memoryview:
    """Return cells of 64 bits that forked processes share; a memoryview is fast to index."""
    return memoryview(RawArray(ctypes.c_uint64, count)).cast("B").cast("Q")
