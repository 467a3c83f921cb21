"""Whether any mirror of a queue answers: how long a record has been at the leader alone.

A leader that is cut off leads until its lease ends. Nobody takes over what consumers ack meanwhile,
so the next leader delivers it again. The less it delivers in that time, the less comes again.

One record is looked at: with the commit of the record that was last when it was chosen, the one
that is last now takes its place. So a look costs the same however many wait.
"""

from typing import Final

LAG_MAX_MS: Final = 50
"""A commit takes some ms, and some tens of ms where many are under way.

What is committed later than that is delivered with its commit. Only a backlog waits for it.
"""


class Lag:
    """Of one leadership.

    Attributes:
        index: of the record that is looked at.
        is_long: the last answer: it waits for longer than ``LAG_MAX_MS``.
    """

    __slots__ = ("_since_ms", "index", "is_long")

    def __init__(self) -> None:
        """Begin with nothing that waits."""
        self.index = self._since_ms = 0
        self.is_long = False

    def look(self, now_ms: int, last_index: int, answered_index: int) -> bool:
        """Return whether it is long.

        Args:
            now_ms: the instant.
            last_index: of the last record of the queue.
            answered_index: of the last one that a mirror has, as far as is known.
        """
        if answered_index >= self.index:
            self.index, self._since_ms = last_index, now_ms
        self.is_long = answered_index < self.index and now_ms - self._since_ms > LAG_MAX_MS
        return self.is_long
