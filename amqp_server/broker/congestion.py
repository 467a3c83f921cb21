"""More was taken in than is worked off: who publishes is not read until it has become less.

No alarm: nothing runs low, nobody is told, and it is over as soon as what is slow has caught up.

*The node* is behind, mostly its disk: a connection that publishes meanwhile waits, after the
publishes that it was read with.

    on ... a publishes, waits │ b publishes, waits │ ... off: both go on, in order

*A publish* brought about more than itself: each message of it pushed another out of a full queue,
which is to be moved. While that is much, whoever adds to it waits, and nobody else does.

    a publishes, so many are to be moved, a waits │ b publishes │ ... they are moved: a goes on
"""

from collections import deque
from collections.abc import Callable
from typing import Final

BROUGHT_ABOUT_MAX: Final = 1_000
"""So many messages that publishes brought about may be still to be worked off: some 30 ms."""


class Congestion:
    """Whether who publishes is to wait.

    Attributes:
        is_on: whoever has an event carried out now is to wait behind it, if it published.
        is_brought_about: that event brought about too much: it is to wait, published or not.
    """

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []
        self._is_behind = False
        # Both count up: who waits, waits for the second to get to a mark.
        self._brought_about_count = 0
        self._worked_off_count = 0
        self._waiting_at: deque[tuple[int, Callable[[], None]]] = deque()
        self.is_brought_about = False
        self.is_on = False

    def set(self, *, is_on: bool) -> None:
        """Have the node be behind, or not: then all who waited for it go on."""
        self._is_behind = is_on
        self.is_on = is_on or self.is_brought_about
        if not is_on:
            waiting, self._waiting = self._waiting, []
            for go_on in waiting:
                go_on()

    def bring_about(self, count: int, *, by_event: bool) -> None:
        """Note so many messages that a publish left to be worked off.

        Args:
            count: how many.
            by_event: a client's event did it; not something that nobody could wait for.
        """
        self._brought_about_count += count
        if by_event and self._excess > 0:
            self.is_on = self.is_brought_about = True

    def work_off(self, count: int) -> None:
        """Note that so many were; some who waited go on."""
        self._worked_off_count += count
        if self.is_brought_about and self._excess <= 0:
            self.excuse()
        waiting_at = self._waiting_at
        while waiting_at and waiting_at[0][0] <= self._worked_off_count:
            waiting_at.popleft()[1]()

    def excuse(self) -> None:
        """Have nobody wait for what the event under way brought about."""
        self.is_brought_about = False
        self.is_on = self._is_behind

    def wait(self, go_on: Callable[[], None]) -> None:
        """Have ``go_on`` called once, when what is on is over."""
        if self.is_brought_about:
            self.excuse()
            self._waiting_at.append((self._brought_about_count - BROUGHT_ABOUT_MAX, go_on))
        else:
            self._waiting.append(go_on)

    @property
    def _excess(self) -> int:
        return self._brought_about_count - self._worked_off_count - BROUGHT_ABOUT_MAX
