"""The load on streams: publishers that publish again what has no answer, readers on every node.

All of them reconnect anywhere, as the clients of queues do. Readers go on where they were, also in
the next episode. At the end each stream is read whole, through each node.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import cycle
from typing import Final, TypeVar

from load_generator import wire
from load_generator.session import Session
from load_generator.streams.session import StreamSession
from load_generator.verifying.chunk_client import ChunkPublisher, ChunkReader
from load_generator.verifying.client import Author, Pace, Publisher
from load_generator.verifying.cluster import Cluster
from load_generator.verifying.history import Action, Notebook, Value
from load_generator.verifying.stream_checker import NEW_STREAMS, StreamPast
from load_generator.verifying.stream_client import (
    SILENCE_S,
    Bookmark,
    StreamReader,
    publish_last,
    read_whole,
)
from load_generator.verifying.workload import (
    CONNECT_S,
    RETRY_S,
    Shape,
    is_served,
    keep_connected,
    keep_working,
    pace_of,
)
from load_generator.wire import LoadError

Result = TypeVar("Result")
POLL_S: Final = 0.1
MESSAGES_MAX: Final = 100_000
"""Longer streams are deleted before an episode, and others are declared: all of it is read."""


def has_stream_port(cluster: Cluster) -> bool:
    """Return whether its nodes speak the stream protocol."""
    return cluster.stream_endpoint(cluster.nodes[0]) is not None


class StreamBook:
    """What a run knows of its streams, from one episode to the next.

    Attributes:
        names: of the streams that there are now.
        notebook: gets the rows about them.
        past: what earlier episodes found.
        bookmarks: of the readers of each stream, one for each node; behind them those of readers by
            the stream protocol, likewise.
    """

    def __init__(self, bases: Sequence[str], notebook: Notebook) -> None:
        """Begin; ``declare`` makes the streams.

        Args:
            bases: the names of streams, to which a number is added.
            notebook: for rows about them alone.
        """
        self.names: tuple[str, ...] = ()
        self.notebook = notebook
        self.past: StreamPast = NEW_STREAMS
        self.bookmarks: dict[str, list[Bookmark]] = {}
        self._bases = bases
        self._generation = 0

    def declare(self, cluster: Cluster) -> None:
        """Declare new streams; raises as ``Cluster.declare``."""
        self._generation += 1
        self.names = tuple(f"{base}.{self._generation}" for base in self._bases)
        self.past = NEW_STREAMS
        reader_count = len(cluster.nodes) * (2 if has_stream_port(cluster) else 1)
        self.bookmarks = {
            name: [Bookmark(self.notebook.number()) for _ in range(reader_count)]
            for name in self.names
        }
        for name in self.names:
            cluster.declare(name, is_stream=True)

    def turn_over(self, cluster: Cluster) -> None:
        """Declare new streams in place of long ones; raises TimeoutError where that fails."""
        if len(self.past.places) <= MESSAGES_MAX * len(self.names):
            return
        old = self.names
        try:
            self.declare(cluster)
        except (OSError, LoadError) as error:
            raise TimeoutError(f"no other stream can be declared: {error}") from error
        for name in old:
            # One that stays takes room, and nothing else.
            with suppress(OSError, LoadError), Session(cluster.endpoint(cluster.nodes[0])) as one:
                one.call(wire.queue_delete(1, name), wire.QUEUE_DELETE_OK)


class StreamWorkload:
    """The clients of the streams in one episode."""

    def __init__(
        self, cluster: Cluster, shape: Shape, book: StreamBook, choose: Callable[[int], int]
    ) -> None:
        """Set up; ``start`` connects.

        Args:
            cluster: that the streams are declared in.
            shape: how many publishers, and their pace.
            book: of the streams; its notebook gets all rows.
            choose: returns a number from 0 on that is lower than the given one.
        """
        self._cluster = cluster
        self._book = book
        self._stop_publishers = threading.Event()
        self._stop_readers = threading.Event()
        self._publishers: list[threading.Thread] = []
        self._readers: list[threading.Thread] = []
        for stream in book.names:
            first = choose(len(cluster.nodes))
            for number in range(shape.publishers):
                task = (stream, first + number, pace_of(shape, number))
                self._publishers.append(_thread(self._keep_publishing, task))
            self._add_chunk_publishers(stream, first, shape)
            for number, bookmark in enumerate(book.bookmarks[stream]):
                reading = (stream, number, pace_of(shape, number), bookmark)
                is_first = number < len(cluster.nodes)
                keep = self._keep_reading if is_first else self._keep_reading_chunks
                self._readers.append(_thread(keep, reading))

    def _add_chunk_publishers(self, stream: str, first: int, shape: Shape) -> None:
        if has_stream_port(self._cluster):
            for number, prefix in enumerate(("", stream)):
                task = (stream, first + number, pace_of(shape, number), prefix)
                self._publishers.append(_thread(self._keep_publishing_chunks, task))

    def start(self) -> None:
        """Let all clients begin."""
        for thread in (*self._readers, *self._publishers):
            thread.start()

    def is_serving(self, since_ms: int) -> bool:
        """Return whether every stream has had a confirm and a delivery since an instant."""
        return is_served(self._book.notebook.rows, self._book.names, since_ms)

    def stop_publishing(self) -> None:
        """Let the publishers wait for their last answers, and end."""
        self._stop_publishers.set()
        for thread in self._publishers:
            thread.join()

    def settle(self, longest_s: float) -> list[str]:
        """Read each stream whole through each node; wait for the readers, and end them.

        Args:
            longest_s: for the attempts at each stream, and again for the readers.

        Returns:
            What was wrong, if anything: a stream could not be read to its end.
        """
        failures: list[str] = []
        for stream in self._book.names:
            try:
                end = self._read_to_the_end(stream, time.monotonic() + longest_s)
            except TimeoutError as error:
                failures.append(f"{stream} could not be read whole: {error}")
            else:
                failures += self._await_readers(stream, end, time.monotonic() + longest_s)
        self._stop_readers.set()
        for thread in self._readers:
            thread.join()
        return failures

    def _read_to_the_end(self, stream: str, until_s: float) -> int:
        """Return the offset of what is published last; raises TimeoutError."""
        nodes, notebook = self._cluster.nodes, self._book.notebook

        def published(session: Session, node: str) -> Value:
            last = publish_last(session, stream, node, notebook)
            if last is None:
                raise LoadError("the last message is refused")
            return last

        last = self._attempt(nodes, until_s, published)

        def whole(session: Session, node: str) -> int:
            return read_whole(session, stream, node, notebook, last)

        end = max(self._attempt([node], until_s, whole) for node in nodes)
        if has_stream_port(self._cluster):
            self._read_chunks_to_the_end(stream, last, until_s)
        return end

    def _read_chunks_to_the_end(self, stream: str, last: Value, until_s: float) -> None:
        """Read it whole by the stream protocol, from whoever serves it; raises TimeoutError."""
        notebook, bookmark = self._book.notebook, Bookmark(self._book.notebook.number())
        pace = Pace(silence_s=SILENCE_S)
        ended = threading.Event()

        def whole(session: StreamSession, node: str) -> None:
            # A reading that breaks off goes on elsewhere: it is one reader.
            reader = ChunkReader(
                session, stream, node, notebook, pace, bookmark, action=Action.DRAIN, awaited=last
            )
            reader.run(lambda: reader.seen_at is not None or time.monotonic() > until_s)
            if reader.seen_at is not None:
                notebook.read(Action.END, bookmark.number, node, last, reader.seen_at)
                is_whole.append(node)
            ended.set()

        is_whole: list[str] = []
        timer = threading.Timer(max(0.0, until_s - time.monotonic()), ended.set)
        timer.start()
        keep_working(self._cluster.nodes, self._connected, 0, ended, whole)
        timer.cancel()
        if not is_whole:
            raise TimeoutError("by the stream protocol")

    def _attempt(
        self, nodes: Sequence[str], until_s: float, work: Callable[[Session, str], Result]
    ) -> Result:
        """Work with one node after another until it succeeds; raises TimeoutError."""
        failure: Exception | None = None
        for node in cycle(nodes):
            if failure is not None and time.monotonic() > until_s:
                break
            try:
                with Session(self._cluster.endpoint(node), timeout_s=SILENCE_S) as session:
                    return work(session, node)
            except (OSError, LoadError) as error:
                failure = error
                time.sleep(RETRY_S)
        raise TimeoutError(f"through {node}: {failure}") from failure

    def _await_readers(self, stream: str, end: int, until_s: float) -> list[str]:
        """Wait until all readers have come to the end; return what is to be said of others."""
        while True:
            late = [one for one in self._book.bookmarks[stream] if one.next_offset <= end]
            if not late or time.monotonic() > until_s:
                break
            time.sleep(POLL_S)
        return [
            f"reader {one.number} of {stream} has come to {one.next_offset}, and not to {end}"
            for one in late
        ]

    def _keep_publishing(self, stream: str, place: int, pace: Pace) -> None:
        notebook = self._book.notebook
        author = Author(stream, notebook.number())

        def publish(session: Session, node: str) -> None:
            publisher = Publisher(session, stream, node, notebook, pace, author)
            try:
                publisher.run(self._stop_publishers)
            finally:
                publisher.give_up()

        keep_connected(self._cluster, place, self._stop_publishers, publish)

    def _keep_publishing_chunks(self, stream: str, place: int, pace: Pace, prefix: str) -> None:
        notebook = self._book.notebook
        author = Author(stream, notebook.number())
        name = f"{prefix}-{author.number}" if prefix else ""

        def publish(session: StreamSession, node: str) -> None:
            publisher = ChunkPublisher(session, stream, node, notebook, pace, author, name=name)
            try:
                publisher.run(self._stop_publishers)
            finally:
                publisher.give_up()

        keep_working(self._cluster.nodes, self._connected, place, self._stop_publishers, publish)

    def _keep_reading_chunks(self, stream: str, place: int, pace: Pace, bookmark: Bookmark) -> None:
        def read(session: StreamSession, node: str) -> None:
            reader = ChunkReader(session, stream, node, self._book.notebook, pace, bookmark)
            reader.run(self._stop_readers.is_set)

        keep_working(self._cluster.nodes, self._connected, place, self._stop_readers, read)

    def _connected(self, node: str) -> StreamSession:
        endpoint = self._cluster.stream_endpoint(node)
        assert endpoint is not None, "its nodes speak the stream protocol"
        return StreamSession(endpoint, CONNECT_S)

    def _keep_reading(self, stream: str, place: int, pace: Pace, bookmark: Bookmark) -> None:
        def read(session: Session, node: str) -> None:
            reader = StreamReader(session, stream, node, self._book.notebook, pace, bookmark)
            reader.run(self._stop_readers.is_set)

        keep_connected(self._cluster, place, self._stop_readers, read)


def _thread(work: Callable[..., None], task: tuple[object, ...]) -> threading.Thread:
    return threading.Thread(target=work, args=task, daemon=True)
