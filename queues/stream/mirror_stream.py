"""The engine of a mirrored stream on a node that has a mirror of it: it serves readers alone.

They are served as at the leader, from the chunks of this node, as far as these are committed. What
is published, stored or decided for a group goes to the leader, by another way.
"""

from collections.abc import Callable

from queues.consumer_port import ConsumerHandle
from queues.ports import EngineParts
from queues.stream.engine import StreamEngine
from queues.stream_log import StreamLog
from queues.stream_port import StreamReader


class MirrorStream(StreamEngine):
    """A ``StreamEngine`` that is only read.

    Attributes:
        on_unread: called when the last reader has gone, within that call.
    """

    def __init__(self, parts: EngineParts[StreamLog]) -> None:
        """Make the engine with these parts."""
        super().__init__(parts)
        self.on_unread: Callable[[], None] = _ignore

    def cancel(self, handle: ConsumerHandle, now_ms: int) -> None:
        """Remove a consumer."""
        super().cancel(handle, now_ms)
        self._look_for_readers()

    def detach(self, reader: StreamReader) -> None:
        """Serve it no more."""
        super().detach(reader)
        self._look_for_readers()

    def _look_for_readers(self) -> None:
        if not self.subscription_count and not self._readers:
            self.on_unread()


def _ignore() -> None:
    pass
