"""Consumer groups of a stream: of all consumers with the same name one reads, the others wait.

    group "billing"    reader 1 active | reader 2 | reader 3       in the order in which they came

When the active reader leaves, the next one begins behind the last message that the group has acked.

Source: RabbitMQ, single active consumer of streams; over AMQP it is HareMQ's own.
"""

from queues.stream.reader import Reader


class Groups:
    """The groups of one stream.

    Invariant: a group has at least one reader, and its first one is active.
    """

    __slots__ = ("_readers",)

    def __init__(self) -> None:
        self._readers: dict[bytes, dict[Reader, None]] = {}

    def join(self, name: bytes, reader: Reader) -> bool:
        """Add a reader; return whether it is active."""
        readers = self._readers.setdefault(name, {})
        readers[reader] = None
        return len(readers) == 1

    def leave(self, name: bytes, reader: Reader) -> Reader | None:
        """Remove a reader; return the one that is active from now on, if that has changed."""
        readers = self._readers[name]
        was_active = next(iter(readers)) is reader
        del readers[reader]
        if not readers:
            del self._readers[name]
            return None
        return next(iter(readers)) if was_active else None
