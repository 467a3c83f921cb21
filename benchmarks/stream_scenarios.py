"""The scenarios with streams, as data; HareMQ's are of class fsync, RabbitMQ's are never synced."""

from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class StreamFlow:
    """A publisher with confirms and a reader of one stream; the figure is what is read.

    Attributes:
        name: on the command line.
        title: in the report.
        speaks_streams: the stream protocol; else AMQP.
        body_size_bytes: length of every body.
        batch_count: messages in one Publish of the stream protocol.
        sub_entry_count: messages in one sub-entry; 0 is without.
        confirm_window: most unconfirmed publishes.
        backlog_max: messages that the publisher may be ahead of the reader.
    """

    name: str
    title: str
    speaks_streams: bool
    body_size_bytes: int = 12
    batch_count: int = 100
    sub_entry_count: int = 0
    confirm_window: int = 10_000
    backlog_max: int = 100_000


@dataclass(frozen=True, slots=True)
class Replay:
    """Messages are stored, and then read from the first by a number of readers.

    The figure is what all readers read together. A window ends with the last message, or after its
    seconds. It has the growth of the broker's memory besides, by all of the replay.

    Attributes:
        name, title, speaks_streams, body_size_bytes: as of a ``StreamFlow``.
        message_count: stored before.
        reader_count: on a connection each.
        is_chunk_each: each message was confirmed before the next, so that each is a chunk.
    """

    name: str
    title: str
    speaks_streams: bool
    message_count: int
    reader_count: int = 1
    body_size_bytes: int = 12
    is_chunk_each: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """Messages are stored; the figure is the growth of the broker's memory."""

    name: str
    title: str
    message_count: int
    body_size_bytes: int = 12


@dataclass(frozen=True, slots=True)
class Seek:
    """A reader begins at a time in the middle of what is stored; the figure is its first chunk.

    Attributes:
        name, title: as of a ``StreamFlow``.
        message_count: stored before.
        seek_count: readers, one after another.
    """

    name: str
    title: str
    message_count: int
    seek_count: int = 50


@dataclass(frozen=True, slots=True)
class ManyStreams:
    """Streams that get a message a second each; the figure is the CPU time of a message.

    Beside it are the memory of each stream, and the files that the broker has open.

    Attributes:
        name, title: as of a ``StreamFlow``.
        stream_count: streams, and publishers.
    """

    name: str
    title: str
    stream_count: int


@dataclass(frozen=True, slots=True)
class RestartStreams:
    """Streams are filled, the broker is killed and started again, until it serves all of them.

    A stream is served when a reader has its last chunk, which must be the one that was confirmed.

    Attributes:
        name, title: as of a ``StreamFlow``.
        stream_count: streams.
        message_count: in each stream.
        body_size_bytes: length of every body.
    """

    name: str
    title: str
    stream_count: int
    message_count: int
    body_size_bytes: int = 12


OfStreams: TypeAlias = StreamFlow | Replay | Stored | Seek | ManyStreams

STREAM_SCENARIOS: Final[tuple[OfStreams, ...]] = (
    StreamFlow(
        "stream-amqp-12",
        "stream over AMQP, confirms 2000, prefetch 5000, 12 B",
        speaks_streams=False,
        confirm_window=2_000,
    ),
    StreamFlow(
        "stream-amqp-1k",
        "stream over AMQP, confirms 2000, prefetch 5000, 1 KiB",
        speaks_streams=False,
        body_size_bytes=1_024,
        confirm_window=2_000,
    ),
    StreamFlow(
        "stream-12", "stream protocol, batches of 100, confirms 10000, 12 B", speaks_streams=True
    ),
    StreamFlow(
        "stream-1k",
        "stream protocol, batches of 100, confirms 10000, 1 KiB",
        speaks_streams=True,
        body_size_bytes=1_024,
    ),
    StreamFlow(
        "stream-sub-12",
        "stream protocol, sub-entries of 10, confirms 10000, 12 B",
        speaks_streams=True,
        sub_entry_count=10,
    ),
    Replay(
        "replay-amqp",
        "replay over AMQP, 5 M of 12 B",
        speaks_streams=False,
        message_count=5_000_000,
    ),
    Replay(
        "replay-amqp-20",
        "20 replays over AMQP, 1 M of 12 B",
        speaks_streams=False,
        message_count=1_000_000,
        reader_count=20,
    ),
    Replay(
        "replay-amqp-each",
        "replay over AMQP, 50,000 of 12 B, a chunk each",
        speaks_streams=False,
        message_count=50_000,
        is_chunk_each=True,
    ),
    Replay(
        "replay",
        "replay, stream protocol, 3 M of 12 B",
        speaks_streams=True,
        message_count=3_000_000,
    ),
    Replay(
        "replay-20",
        "20 replays, stream protocol, 3 M of 12 B",
        speaks_streams=True,
        message_count=3_000_000,
        reader_count=20,
    ),
    Stored("stored-5m", "5 M of 12 B stored in a stream", 5_000_000),
    Seek("seek-10m", "seek to a time in 10 M of 12 B", 10_000_000),
    ManyStreams("streams-500", "500 streams, a message a second each", 500),
    ManyStreams("streams-1000", "1,000 streams, a message a second each", 1_000),
)

STREAM_RESTARTS: Final = (
    RestartStreams("restart-streams", "restart, 10 M messages of 12 B in 10 streams", 10, 10**6),
)
