"""Whether a turn waits for the other sockets that are ready: many small reads, one turn.

Fifty clients that write a message each make fifty sockets ready at once. A turn for each would
drain the same queue fifty times, and hand its consumer fifty pieces. So a small read waits until
the loop has read what else is ready; all of it is drained in one turn:

    read, read, read ... → end_turn → one write per connection

A client alone gains nothing by that and pays for another round of the loop: when a turn gathered
nothing but one read, the next ones go at once, twice as many each time up to 63.
"""

from typing import Final

GATHERED_BYTES_MAX: Final = 64 * 1024
"""Input beyond this goes into a turn at once: its drain is worth more than another read."""

_DOUBLINGS_MAX: Final = 6


class Gathering:
    """What the next turn of one loop has gathered, and whether it goes on.

    Attributes:
        turns_at_once: this many small reads do not wait; whoever finishes one of them counts it
            down, which costs less than a call.
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
        """Take down a read; return whether its turn waits for more.

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
        """The turn that was put off is over."""
        self.is_waiting = False
        if self._reads_count > 1:
            self._misses_count = 0
        else:
            self.turns_at_once = (1 << self._misses_count) - 1
            self._misses_count = min(self._misses_count + 1, _DOUBLINGS_MAX)
        self._bytes_count = 0
        self._reads_count = 0
