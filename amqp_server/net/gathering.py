"""Decides whether a turn waits for other ready sockets, so that many small reads share one turn.

Fifty clients that write a message each make fifty sockets ready at once. A turn for each would
drain the same queue fifty times, and hand its consumer fifty pieces. So a small read waits until
the loop has read the other ready sockets. All of it is drained in one turn:

    read, read, read ... → end_turn → one write per connection

A single client gains nothing by this and pays for another round of the loop. When a turn gathered
only one read, the next turns run at once, twice as many each time up to 63.
"""

from typing import Final

GATHERED_BYTES_MAX: Final = 64 * 1024
"""Input beyond this gets a turn at once, because its drain is worth more than another read."""

_DOUBLINGS_MAX: Final = 6


class Gathering:
    """The reads gathered for the next turn of one loop.

    Attributes:
        turns_at_once: this many small reads do not wait; the code that finishes one of them counts
            it down, which is cheaper than a call.
        is_waiting: whether a turn has been put off.
    """

    __slots__ = ("_bytes_count", "_misses_count", "_reads_count", "is_waiting", "turns_at_once")

    def __init__(self) -> None:
        """Begin as if one client were there."""
        self._bytes_count = 0
        self._reads_count = 0
        self._misses_count = _DOUBLINGS_MAX
        self.turns_at_once = (1 << _DOUBLINGS_MAX) - 1
        self.is_waiting = False

    def waits(self, nbytes: int) -> bool:
        """Note a read; return whether its turn waits for more.

        Args:
            nbytes: how much was read.
        """
        self._bytes_count += nbytes
        if self._bytes_count >= GATHERED_BYTES_MAX:
            self._bytes_count = 0
            return False
        self._reads_count += 1
        self.is_waiting = True
        return True

    def turned(self) -> None:
        """Note that the delayed turn is over."""
        self.is_waiting = False
        if self._reads_count > 1:
            self._misses_count = 0
        else:
            self.turns_at_once = (1 << self._misses_count) - 1
            self._misses_count = min(self._misses_count + 1, _DOUBLINGS_MAX)
        self._bytes_count = 0
        self._reads_count = 0
