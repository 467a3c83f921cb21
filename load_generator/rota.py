"""Chooses the lanes that write next, and waits for their sockets.

With a rate, most lanes have nothing to do most of the time. Lanes that are due come from a heap, so
that a message costs the same with one producer as with five hundred.
"""

import heapq
import select
import selectors
from collections.abc import Sequence
from typing import Final

from load_generator.lane import Lane

_NS_PER_S: Final = 1_000_000_000
_PRECISE_BELOW_S: Final = 0.05
_READ, _BOTH = selectors.EVENT_READ, selectors.EVENT_READ | selectors.EVENT_WRITE


class Rota:
    """The lanes in the order in which they are due.

    Invariant: every lane that is not done is either due later, on the heap, or in ``_now``.
    """

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self.is_paced = bool(lanes) and lanes[0].is_paced
        self._lanes = lanes
        self._moves = any(lane.is_paced or lane.is_bounded for lane in lanes)
        self._later: list[tuple[int, int]] = []
        self._now: list[int] = list(range(len(lanes)))

    @property
    def has_work(self) -> bool:
        """A lane has something to publish, now or later."""
        return bool(self._now or self._later)

    @property
    def is_pressed(self) -> bool:
        """A lane has something to publish now, or is held up."""
        return bool(self._now)

    def due(self, now_ns: int) -> list[Lane]:
        """Return the lanes that may write."""
        while self._later and self._later[0][0] <= now_ns:
            self._now.append(heapq.heappop(self._later)[1])
        return [self._lanes[index] for index in self._now]

    def settle(self, now_ns: int) -> None:
        """Sort the lanes that have written: due now, due later, or done."""
        if not self._moves:
            return
        still: list[int] = []
        for index in self._now:
            lane = self._lanes[index]
            if lane.is_done:
                continue
            due_ns = lane.due_ns()
            if self.is_paced and due_ns > now_ns and not lane.is_full:
                heapq.heappush(self._later, (due_ns, index))
            else:
                still.append(index)
        self._now = still

    def wait_s(self, now_ns: int, longest_s: float) -> float:
        """Return the time until the next lane is due, at most ``longest_s``."""
        if not self._later:
            return longest_s
        return min(longest_s, max(0, self._later[0][0] - now_ns) / _NS_PER_S)


class Sockets:
    """The sockets of all lanes; one call waits for all of them."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._selector = selectors.DefaultSelector()
        self._full: list[Lane] = []
        for lane in lanes:
            self._selector.register(lane.socket, _READ, lane)

    def wait(self, lanes: Sequence[Lane], timeout_s: float) -> None:
        """Wait until a socket has something to read, or room; read what has come.

        Args:
            lanes: have written or tried to; those that are full wait for room.
            timeout_s: 0 does not wait. A short timeout is exact to the microsecond, at the cost of
                another system call; the selector's own timeouts are in milliseconds.

        Raises:
            BrokerRefusalError: the broker closed.
            OSError: a connection is gone.
        """
        full = [lane for lane in lanes if lane.is_full]
        if full != self._full:
            for lane in self._full:
                self._selector.modify(lane.socket, _READ, lane)
            for lane in full:
                self._selector.modify(lane.socket, _BOTH, lane)
            self._full = full
        if 0 < timeout_s < _PRECISE_BELOW_S:
            select.select([self._selector], [], [], timeout_s)
            timeout_s = 0.0
        for key, events in self._selector.select(timeout_s):
            if events & _READ:
                key.data.read()

    def close(self) -> None:
        """Close the selector; the sockets stay open."""
        self._selector.close()
