"""More was taken in than is worked off: publishers are not read until it has become less.

No alarm: nothing runs low, nobody is told, and it is over as soon as what is slow, mostly the disk,
has caught up. Who knows what is slow says so here; a connection that publishes meanwhile waits,
after the publishes that it was read with.

    on ... a publishes, waits │ b publishes, waits │ ... off: both go on, in order
"""

from collections.abc import Callable


class Congestion:
    """Whether publishers of this node are to wait.

    Attributes:
        is_on: they are.
    """

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []
        self.is_on = False

    def set(self, *, is_on: bool) -> None:
        """Begin it, or end it: then all who waited go on."""
        self.is_on = is_on
        if not is_on:
            waiting, self._waiting = self._waiting, []
            for go_on in waiting:
                go_on()

    def wait(self, go_on: Callable[[], None]) -> None:
        """Have ``go_on`` called once, when it is over."""
        self._waiting.append(go_on)
