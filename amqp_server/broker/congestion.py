"""Congestion: publishers are not read while earlier publishes still have to be worked off.

This is not an alarm. No resource runs low, no client is told, and it ends when the slow part has
caught up.

*The node* is behind, mostly its disk. A connection that publishes meanwhile waits, after the
publishes of the same read.

    on ... a publishes, waits │ b publishes, waits │ ... off: both go on, in order

*A publish* caused other work: each of its messages pushed another out of a full queue, and that one
must be moved. While there is much of this work, a connection that adds to it waits, and no other
does.

    a publishes, so many are to be moved, a waits │ b publishes │ ... they are moved: a goes on
"""

from collections import deque
from collections.abc import Callable
from typing import Final

BROUGHT_ABOUT_MAX: Final = 1_000
"""Messages that publishes caused and that may wait to be worked off: some 30 ms."""


class Congestion:
    """Says whether publishers must wait.

    Attributes:
        is_on: a connection must wait behind the present event, if the event published.
        is_brought_about: the present event caused too much work, so its connection must wait,
            published or not.
    """

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []
        self._is_behind = False
        # Both count up. A connection waits until the second reaches a mark.
        self._brought_about_count = 0
        self._worked_off_count = 0
        self._waiting_at: deque[tuple[int, Callable[[], None]]] = deque()
        self.is_brought_about = False
        self.is_on = False

    def set(self, *, is_on: bool) -> None:
        """Set whether the node is behind; when it is not, all who waited for it go on."""
        self._is_behind = is_on
        self.is_on = is_on or self.is_brought_about
        if not is_on:
            waiting, self._waiting = self._waiting, []
            for go_on in waiting:
                go_on()

    def bring_about(self, count: int, *, by_event: bool) -> None:
        """Count messages that a publish left to be worked off.

        Args:
            count: how many.
            by_event: the event of a client caused it, so that a client can wait.
        """
        self._brought_about_count += count
        if by_event and self._excess > 0:
            self.is_on = self.is_brought_about = True

    def work_off(self, count: int) -> None:
        """Count messages that were worked off; some who waited go on."""
        self._worked_off_count += count
        if self.is_brought_about and self._excess <= 0:
            self.excuse()
        waiting_at = self._waiting_at
        while waiting_at and waiting_at[0][0] <= self._worked_off_count:
            waiting_at.popleft()[1]()

    def excuse(self) -> None:
        """Let no client wait for the work that the present event caused."""
        self.is_brought_about = False
        self.is_on = self._is_behind

    def wait(self, go_on: Callable[[], None]) -> None:
        """Call ``go_on`` once, when the present congestion is over."""
        if self.is_brought_about:
            self.excuse()
            self._waiting_at.append((self._brought_about_count - BROUGHT_ABOUT_MAX, go_on))
        else:
            self._waiting.append(go_on)

    @property
    def _excess(self) -> int:
        return self._brought_about_count - self._worked_off_count - BROUGHT_ABOUT_MAX
