"""Who of a stream's readers is served next: those that have credit and something to read, in turn.

ready      has credit, and messages that it did not get        served in turn
at the end has read everything                                 waits for a commit
held back  has no credit, or no room in its output             waits until ``resume``
"""

from collections import OrderedDict
from typing import Final

from queues.stream_port import StreamReader, Then

SHARE_MAX: Final = 2_048
"""Messages that one reader gets before the others have their turn."""


class Serving:
    """The readers of one stream.

    Invariant: a reader is in one place at most; one that is held back is in none.
    """

    __slots__ = ("_at_end", "_ready")

    def __init__(self) -> None:
        self._ready: OrderedDict[StreamReader, None] = OrderedDict()
        self._at_end: OrderedDict[StreamReader, None] = OrderedDict()

    def resume(self, reader: StreamReader) -> None:
        """Serve a reader that is new, or was held back."""
        self._ready[reader] = None

    def leave(self, reader: StreamReader) -> None:
        """Serve a reader no more."""
        self._ready.pop(reader, None)
        self._at_end.pop(reader, None)

    def more_came(self) -> bool:
        """Serve those that are at the end; return whether there are any."""
        at_end = self._at_end
        if not at_end:
            return False
        if not self._ready:
            # Mostly so, and then ten thousand of them cost nothing here.
            self._ready, self._at_end = at_end, self._ready
        else:
            self._ready.update(at_end)
            at_end.clear()
        return True

    def clear(self) -> None:
        """Serve nobody any more."""
        self._ready.clear()
        self._at_end.clear()

    def serve(self, max_count: int, now_ms: int) -> bool:
        """Serve readers in turn, up to so many messages; return whether any is still ready."""
        left = max_count
        while self._ready and left > 0:
            reader = self._ready.popitem(last=False)[0]
            cost, then = reader.serve(min(left, SHARE_MAX), now_ms)
            left -= cost
            if then is Then.READY:
                self._ready[reader] = None
            elif then is Then.AT_END:
                self._at_end[reader] = None
        return bool(self._ready)
