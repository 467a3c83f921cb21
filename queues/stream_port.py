"""The port between a stream and those who read and write it by chunks: the stream protocol.

Such a reader and writer has no consumer handle and no run. It appends entries as chunks have them,
and reads whole chunks from the log. It is served in turn with all other readers of the stream.
"""

from enum import Enum, auto
from typing import NamedTuple, Protocol

from persistence.streams.gathering import Appended
from queues.commits import CommitGroup
from queues.offset_spec import OffsetSpec
from queues.stream_log import StreamLog


class Then(Enum):
    """Where a reader is after it was served."""

    READY = auto()
    AT_END = auto()
    HELD = auto()


class Served(NamedTuple):
    """What serving a reader came to.

    Attributes:
        cost: what it took, in messages of average size; at least 1.
        then: where the reader is now.
    """

    cost: int
    then: Then


class StreamReader(Protocol):
    """One who reads a stream, over whatever protocol; compared by identity."""

    def serve(self, max_count: int, now_ms: int) -> Served:
        """Deliver the next messages, about as many at most; never raises."""


class StreamQueue(Protocol):
    """A stream, as the stream protocol knows it.

    Attributes:
        subscription_count: subscriptions of the stream protocol that it has, for its counts.
    """

    subscription_count: int

    @property
    def log(self) -> StreamLog:
        """Its log, to read chunks and to store offsets."""

    @property
    def commit_group(self) -> CommitGroup:
        """The commit group of its log from now on."""

    def append(self, appended: Appended, now_ms: int) -> int:
        """Append entries; return the LSN."""

    def first_offset_of(self, spec: OffsetSpec, now_ms: int) -> int:
        """Return the offset of the first message that a reader with this specification gets."""

    def attach(self, reader: StreamReader) -> None:
        """Serve a reader that is new, or was held back."""

    def detach(self, reader: StreamReader) -> None:
        """Serve it no more."""

    def read_again(self, error: OSError, now_ms: int) -> None:
        """Have a reader that is at the end served again in a while: the disk refused a read."""
