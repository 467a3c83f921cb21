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

*A queue* is behind: it is led on another node, and what was published to it and is not confirmed
fills its part of the memory. A connection that publishes to it waits until there is room, and no
other does.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

BROUGHT_ABOUT_MAX: Final = 1_000
"""Messages that publishes caused and that may wait to be worked off: some 30 ms."""

UntilRoom: TypeAlias = Callable[[Callable[[], None]], None]
"""Takes what is to be called once, when a queue has room again."""


class Congestion:
    """Says whether publishers must wait.

    Attributes:
        is_on: a connection must wait behind the present event, if the event published.
        is_brought_about: the present event caused too much work, so its connection must wait,
            published or not.
        full: of a queue without room that the present event published to, so its connection must
            wait; None where it published to none.
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
        self.full: UntilRoom | None = None

    def set(self, *, is_on: bool) -> None:
        """Set whether the node is behind; when it is not, all who waited for it go on."""
        self._is_behind = is_on
        self.is_on = is_on or self.is_brought_about or self.full is not None
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

    def fill(self, until_room: UntilRoom) -> None:
        """Note that the present event published to a queue that has no room for more."""
        self.full = until_room
        self.is_on = True

    def blame_only(self, full: UntilRoom | None) -> None:
        """Let no client wait for a queue but for this one, which ``full`` was before."""
        self.full = full
        self.is_on = self._is_behind or self.is_brought_about or full is not None

    def excuse(self) -> None:
        """Let no client wait for the work that the present event caused, or for a queue."""
        self.full = None
        self.is_brought_about = False
        self.is_on = self._is_behind

    def wait(self, go_on: Callable[[], None]) -> None:
        """Call ``go_on`` once, when the present congestion is over."""
        full = self.full
        if self.is_brought_about:
            self.excuse()
            self._waiting_at.append((self._brought_about_count - BROUGHT_ABOUT_MAX, go_on))
        elif full is not None:
            self.excuse()
            full(go_on)
        else:
            self._waiting.append(go_on)

    @property
    def is_caused(self) -> bool:
        """Whether it is the present event that caused it, so that its connection must wait."""
        return self.is_brought_about or self.full is not None

    @property
    def _excess(self) -> int:
        return self._brought_about_count - self._worked_off_count - BROUGHT_ABOUT_MAX
