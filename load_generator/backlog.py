"""How far publishers may be ahead of the deliveries."""

import time
from typing import Final

from load_generator.board import Board
from load_generator.lane import UNLIMITED
from load_generator.load import Load

BACKLOG_POLL_S: Final = 0.000_5
"""How long a publisher sleeps that is far enough ahead of the consumers."""
BACKLOG_PATIENCE_S: Final = 1.0
"""How long deliveries may be missing before they are taken for lost, dropped or expired."""


class Backlog:
    """How far the publishers of all workers are ahead of the deliveries.

    A message that never becomes a delivery (dropped by a limit, taken by a stranger) would count
    for ever, so after BACKLOG_PATIENCE_S without a delivery what is outstanding is forgotten.
    """

    def __init__(self, load: Load, board: Board) -> None:
        self._max = load.backlog_max
        self._copies = load.copies
        self._board = board
        self._consumed_count = -1
        self._moved_at_s = 0.0
        self._forgotten = 0

    def room(self) -> int:
        """Return how many messages may be published now."""
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
