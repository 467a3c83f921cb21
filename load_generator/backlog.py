"""The limit of how far publishers may be ahead of the deliveries."""

import time
from typing import Final

from load_generator.board import Board
from load_generator.lane import UNLIMITED
from load_generator.load import Load

BACKLOG_POLL_S: Final = 0.000_5
"""A publisher that is too far ahead of the consumers sleeps this long."""
BACKLOG_PATIENCE_S: Final = 1.0
"""After this time without a delivery, missing ones count as lost, dropped or expired."""


class Backlog:
    """Counts how far the publishers of all workers are ahead of the deliveries.

    Some messages never become a delivery here: a limit drops them, or another client gets them. So
    after BACKLOG_PATIENCE_S without a delivery, the missing ones no longer count.
    """

    def __init__(self, load: Load, board: Board) -> None:
        self._max = load.backlog_max
        self._copies = load.copies
        self._board = board
        self._consumed_count = -1
        self._moved_at_s = 0.0
        self._forgotten = 0

    def room(self) -> int:
        """Return the number of messages that may be published now."""
        if not self._max:
            return UNLIMITED
        totals = self._board.totals()
        arrived = totals.consumed_count // self._copies + totals.returned_count
        outstanding = totals.published_count - totals.nacked_count - arrived - self._forgotten
        room = self._max - outstanding
        if room > 0 or totals.consumed_count != self._consumed_count:
            self._consumed_count = totals.consumed_count
            self._moved_at_s = time.monotonic()
        elif time.monotonic() - self._moved_at_s > BACKLOG_PATIENCE_S:
            self._forgotten += outstanding
        return room
