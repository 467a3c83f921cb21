"""A reading worker of the stream protocol: counts chunks by their heads, and gives credit."""

import selectors
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from load_generator.board import Tally
from load_generator.histogram import Histogram
from load_generator.load import Load
from load_generator.session import Endpoint, wait_in_kernel
from load_generator.streams import commands
from load_generator.streams.counting import ChunkCounter
from load_generator.streams.session import StreamSession
from load_generator.wire import BrokerRefusalError

_POLL_S: Final = 0.1
_BUFFERS_BYTES: Final = 1 << 21
"""All buffers of one worker; they fit into a cache, which matters more than large reads."""
_BUFFER_BYTES_MIN: Final = 1 << 16
_BUFFER_BYTES_MAX: Final = 1 << 19


def read(
    load: Load,
    endpoint: Endpoint,
    indexes: Sequence[int],
    tally: Tally,
    ready: Callable[[], None],
) -> None:
    """Read as the consumers with these indexes until the board says drain.

    Raises:
        BrokerRefusalError: the broker closed, or lost or repeated a message.
        OSError: a connection broke.
    """
    buffer = memoryview(bytearray(buffer_bytes(len(indexes))))
    sessions: list[StreamSession] = []
    try:
        sessions.extend(StreamSession(endpoint) for _ in indexes)
        if not load.publisher_keys:
            # No publisher adds messages in this case, so a reader must not start too early.
            ready()
            tally.board.await_go()
        latencies = tally.latencies if load.has_instants else None
        readers = [_Reader(session, load, buffer, latencies) for session in sessions]
        for reader, index in zip(readers, indexes, strict=True):
            reader.subscribe(load.consumer_queues[index])
        if load.publisher_keys:
            ready()
        if len(readers) == 1:
            _read_alone(readers[0], tally)
        else:
            _read_in_turn(readers, tally)
    finally:
        for session in sessions:
            session.close()


class _Reader:
    """One subscription: its connection, and the counter of its chunks."""

    def __init__(
        self,
        session: StreamSession,
        load: Load,
        buffer: memoryview,
        latencies: Histogram | None,
    ) -> None:
        assert load.streaming is not None, "a load of streams"
        self.session = session
        self._offset = load.offset or "next"
        from_offset = int(self._offset) if self._offset.isdecimal() else 0
        self.counter = ChunkCounter(from_offset, has_gaps=bool(load.filters), latencies=latencies)
        self._filters = load.filters
        self._credit = load.streaming.credit
        self._buffer = buffer

    def subscribe(self, stream: str) -> None:
        """Subscribe, and count what came with the answer."""
        session = self.session
        session.socket.sendall(
            commands.subscribe(stream, self._offset, self._credit, self._filters)
        )
        answer = session.read_answer(commands.SUBSCRIBE)
        if commands.code_of(answer) != commands.OK:
            raise commands.refusal(answer)
        self._count(memoryview(session.take_rest()))

    def read(self) -> None:
        """Count one read, and give the credit of its chunks back.

        Raises:
            BlockingIOError: nothing came within the timeout of the socket.
        """
        byte_count = self.session.socket.recv_into(self._buffer)
        if not byte_count:
            raise BrokerRefusalError("the broker ended the connection")
        self._count(self._buffer[:byte_count])

    def _count(self, view: memoryview) -> None:
        before = self.counter.chunk_count
        self.counter.received(view, time.monotonic_ns())
        if count := self.counter.chunk_count - before:
            self.session.socket.sendall(commands.credit(count))


def _read_alone(reader: _Reader, tally: Tally) -> None:
    wait_in_kernel(reader.session.socket, _POLL_S)
    tally.set_consumed(reader.counter.message_count)
    while not tally.board.is_draining:
        try:
            reader.read()
        except BlockingIOError:
            continue
        tally.set_consumed(reader.counter.message_count)


def _read_in_turn(readers: Sequence[_Reader], tally: Tally) -> None:
    with selectors.DefaultSelector() as selector:
        for reader in readers:
            selector.register(reader.session.socket, selectors.EVENT_READ, reader)
        consumed_count = sum(reader.counter.message_count for reader in readers)
        tally.set_consumed(consumed_count)
        while not tally.board.is_draining:
            for key, _events in selector.select(_POLL_S):
                reader = key.data
                consumed_count -= reader.counter.message_count
                # With TLS a socket may be readable before a frame has come.
                with suppress(BlockingIOError):
                    reader.read()
                consumed_count += reader.counter.message_count
                tally.set_consumed(consumed_count)


def buffer_bytes(reader_count: int) -> int:
    """Return the size of the buffer that all readers of a worker share, one after the other."""
    return max(_BUFFER_BYTES_MIN, min(_BUFFER_BYTES_MAX, _BUFFERS_BYTES // max(1, reader_count)))
