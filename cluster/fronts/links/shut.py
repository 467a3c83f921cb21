"""Who asked whether a link has room and heard no, and is told when it has.

A queue waits for its own window, or for that of the whole connection. What opens the connection
opens it for all that wait: they are told in the order in which they asked, and some at a time.
"""

from collections.abc import Callable
from typing import Final

TOLD_MAX: Final = 64
"""Queues that are told in one go; others have their turn before the next ones."""


class ShutQueues:
    """The queues of one connection that wait for room."""

    __slots__ = ("_changed", "_for_link", "_for_queue", "_is_link_shut", "_is_queue_shut", "_say")

    def __init__(
        self,
        is_queue_shut: Callable[[str], bool],
        is_link_shut: Callable[[], bool],
        say: Callable[[str | None], None],
    ) -> None:
        """Begin with none; ``say`` tells a queue that there is room, or with None: tell soon."""
        self._is_queue_shut = is_queue_shut
        self._is_link_shut = is_link_shut
        self._say = say
        self._for_queue: dict[str, None] = {}
        self._for_link: dict[str, None] = {}
        self._changed: dict[str, None] = {}

    def ask(self, queue: str) -> bool:
        """Return whether a queue is shut; it is told when it is not any more."""
        if self._is_queue_shut(queue):
            self._for_link.pop(queue, None)
            self._for_queue[queue] = None
            return True
        if self._is_link_shut():
            self._for_queue.pop(queue, None)
            self._for_link[queue] = None
            return True
        return False

    def changed(self, queue: str) -> None:
        """Something of a queue has left, or credit came for it."""
        if queue in self._for_queue:
            self._changed[queue] = None

    def tell(self) -> None:
        """Tell those that have room now."""
        for queue in tuple(self._changed):
            del self._changed[queue]
            if queue in self._for_queue and not self._is_queue_shut(queue):
                del self._for_queue[queue]
                self._for_link[queue] = None
        count = 0
        while self._for_link and not self._is_link_shut():
            if count == TOLD_MAX:
                self._say(None)
                return
            count += 1
            queue = next(iter(self._for_link))
            del self._for_link[queue]
            if self._is_queue_shut(queue):
                self._for_queue[queue] = None
            else:
                self._say(queue)

    def close(self) -> None:
        """The connection has ended: nobody is told any more."""
        self._for_queue.clear()
        self._for_link.clear()
        self._changed.clear()
