"""Counts the messages in what a reader receives, by the heads of chunks alone.

    | size u32 | key u16 | version u16 | subscription u8 | chunk header, 48 octets | data … |

What is behind a chunk's header is skipped unseen, so that a reader is never slower than the broker.
Only if latency is measured, a chunk is counted when all of it has come, and looked into.

Source: RabbitMQ, stream protocol, Deliver and osiris chunk.
"""

import struct
from typing import Final

from load_generator.histogram import Histogram
from load_generator.streams import commands
from load_generator.streams.commands import HEAD, Frame
from load_generator.streams.instants import record_chunk
from load_generator.wire import BrokerRefusalError

_CHUNK: Final = struct.Struct(">IHHBBBHIqQQ")
"""Frame head, subscription id, and of the chunk: magic, type, entries, records, timestamp, epoch,
first offset."""
_MAGIC: Final = 0x50
_DATA_AT: Final = HEAD.size + 1 + 48
"""Where the data of a chunk begin, from the first octet of the frame."""


class ChunkCounter:
    """Counts records over any cuts of the input.

    Attributes:
        message_count: records so far, from the wanted offset on.
        chunk_count: chunks of which the head has come.
    """

    def __init__(
        self,
        from_offset: int = 0,
        *,
        has_gaps: bool = False,
        latencies: Histogram | None = None,
    ) -> None:
        """Begin.

        Args:
            from_offset: smaller offsets, in the chunk that holds this one, are not counted.
            has_gaps: chunks may be left out, because of a filter.
            latencies: records the instants in the bodies; None does not read them.
        """
        self.message_count = self.chunk_count = 0
        self._from_offset = from_offset
        self._has_gaps = has_gaps
        self._latencies = latencies
        self._next_offset: int | None = None
        self._rest = b""
        self._skip_bytes = 0

    def received(self, view: memoryview, now_ns: int = 0) -> None:
        """Count what has come.

        Args:
            view: it.
            now_ns: the time at which the read returned; for latencies.

        Raises:
            BrokerRefusalError: the broker closed, or sent something else than chunks, or lost or
                repeated a message.
        """
        at, end = self._skip_bytes, len(view)
        if at >= end:
            self._skip_bytes -= end
            return
        source: bytes | memoryview = view
        if self._rest:
            source = self._rest + view
            at, end, self._rest = 0, len(source), b""
        while end - at >= HEAD.size:
            size_bytes, key, _ = HEAD.unpack_from(source, at)
            stop = at + commands.SIZE_BYTES + size_bytes
            if key == commands.DELIVER:
                if end - at < _CHUNK.size or (self._latencies and stop > end):
                    break
                self._count(_CHUNK.unpack_from(source, at))
                if self._latencies:
                    self._record(self._latencies, memoryview(source)[at:stop], now_ns)
            elif stop > end:
                break
            else:
                _check(Frame(key, bytes(source[at + HEAD.size : stop])))
            at = stop
        self._skip_bytes = max(0, at - end)
        if at < end:
            self._rest = bytes(source[at:])

    def _record(self, latencies: Histogram, deliver: memoryview, now_ns: int) -> None:
        def record(due_ns: list[int], weight: int) -> None:
            latencies.record(now_ns, due_ns, weight)

        entry_count = _CHUNK.unpack_from(deliver)[6]
        try:
            record_chunk(deliver[_DATA_AT:], entry_count, record)
        except (IndexError, struct.error) as error:
            raise BrokerRefusalError("the data of a chunk are no entries") from error

    def _count(self, head: tuple[int, ...]) -> None:
        _, _, _, _, magic, kind, _, record_count, _, _, offset = head
        if magic != _MAGIC or kind:
            raise BrokerRefusalError(f"no chunk of messages: {magic:#x}, type {kind}")
        if self._next_offset is not None and offset != self._next_offset:
            is_lost = offset > self._next_offset
            if not (is_lost and self._has_gaps):
                what = "lost" if is_lost else "repeated"
                raise BrokerRefusalError(f"offset {offset} {what}: not {self._next_offset}")
        self._next_offset = offset + record_count
        self.chunk_count += 1
        self.message_count += max(0, self._next_offset - max(offset, self._from_offset))


def _check(received: Frame) -> None:
    if received.key != commands.HEARTBEAT:
        raise commands.refusal(received)
