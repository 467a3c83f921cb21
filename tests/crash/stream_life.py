"""Random lives of a node with streams beside queues, on a disk that may go at any time.

Every size is tiny, so that chunks, tails, segments, direct writes and the files that are open come
to their limits all the time.
"""

import random
from typing import Final

from persistence.errors import is_shortage
from persistence.files import Files
from persistence.log_form import LogForm
from persistence.log_making import StoreLimits
from persistence.log_state import LogOptions
from persistence.streams.chunk import decode_chunk_header
from persistence.streams.log import StreamLimits
from persistence.streams.retention import Retention
from tests.crash.expected_stream import ExpectedStream, Published, compare, require
from tests.crash.life import Life
from tests.crash.stored_node import LIMITS, change_of
from tests.support.stream_logs import appended, messages_of

STREAMS_MAX: Final = 3
PUBLISHERS: Final = (b"", b"p", b"q")
CONSUMERS: Final = (b"c", b"d")
RETENTIONS: Final = (
    Retention(),
    Retention(segment_bytes_max=1_500),
    Retention(segment_bytes_max=600),
    Retention(max_bytes=2_000, segment_bytes_max=700),
    Retention(max_age_ms=200, segment_bytes_max=2_000, segment_age_ms=100),
)
SIZES: Final = (0, 3, 40, 200, 700)


class StreamLife(Life):
    """A ``Life`` that has streams too."""

    limits: StoreLimits = LIMITS._replace(
        streams=StreamLimits(
            direct_bytes_min=300,
            past_cache_bytes_min=600,
            tail_bytes_max=900,
            chunk_bytes_max=500,
            row_bytes_max=400,
        ),
        tails_bytes_max=1_500,
        open_segments_max=2,
    )

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self.streams: dict[int, ExpectedStream] = {}
        self.now_ms = 1_000
        self.actions += [
            (24, self.append),
            (4, self.read),
            (3, self.store_offset),
            (2, self.retain),
            (2, self.declare_stream),
            (1, self.delete_stream),
            (1, self.change_stream_class),
            (8, self.commit),
            (6, self.node.seal),
            (4, self.go_on_with_checkpoint),
        ]

    def take_over(self, before: "Life", *, power_was_lost: bool) -> None:
        """Look at what a restart found, streams too, and go on with it."""
        assert isinstance(before, StreamLife)
        before.node.may_lose = any(
            not each.is_fsynced
            for stream in before.streams.values()
            for each in stream.messages.values()
        )
        super().take_over(before, power_was_lost=power_was_lost)
        self.published_count = before.published_count
        self.now_ms = before.now_ms
        committed = before.node.commit.committed_lsn
        on_disk = before.node.fsynced_lsn if power_was_lost else committed
        there = self.node.opened.streams
        for queue_id, expected in before.streams.items():
            is_expected = expected.declare_lsn <= committed and expected.delete_lsn is None
            require(queue_id in there or not is_expected, f"stream {queue_id} is lost")
        for queue_id, recovered in there.items():
            stream = before.streams.get(queue_id)
            require(stream is not None, f"stream {queue_id} was never declared")
            assert stream is not None
            was_deleted = stream.delete_lsn is not None and stream.delete_lsn <= committed
            require(not was_deleted, f"stream {queue_id} is back")
            self.streams[queue_id] = compare(stream, recovered.log, committed, on_disk)

    def declare_stream(self) -> None:
        if len(self._streams()) < STREAMS_MAX:
            commit, store = self.node.commit, self.node.store
            made = store.new_stream_log(store._next_queue_id)
            lsn = commit.append_definition(
                change_of(made.queue_id, LogOptions(form=LogForm.STREAM))
            )
            stream = self.streams[made.queue_id] = ExpectedStream(made, lsn)
            stream.log.set_retention(self.draw.choice(RETENTIONS))

    def delete_stream(self) -> None:
        if len(self._streams()) > 1 and (stream := self._stream()) is not None:
            change = change_of(stream.log.queue_id, None)
            stream.delete_lsn = self.node.commit.append_definition(change)
            stream.log.drop()

    def change_stream_class(self) -> None:
        if (stream := self._stream()) is not None:
            stream.log.set_fsynced(is_fsynced=self.draw.random() < 0.7)

    def append(self) -> None:
        stream = self._stream()
        if stream is None:
            self.declare_stream()
            return
        self.now_ms += self.draw.randrange(20)
        count = self.draw.choice((1, 1, 2, 5))
        publisher = self.draw.choice(PUBLISHERS)
        messages = []
        for _ in range(count):
            self.published_count += 1
            messages.append(self.new_message())
        log = stream.log
        first_offset = log.next_offset
        publishing_id = self.published_count if publisher else 0
        values = self.draw.choice(((), (b"red",), (b"red", b"blue")))
        lsn = log.append(
            appended(
                *messages,
                filter_values=values,
                publisher=publisher,
                publishing_id=publishing_id,
            ),
            self.now_ms,
        )
        require(log.next_offset == first_offset + count, "offsets are dense")
        for offset, message in enumerate(messages, start=first_offset):
            stream.messages[offset] = Published(
                message, lsn, log.is_fsynced, publisher, publishing_id
            )

    def new_message(self) -> bytes:
        """Return a message that nobody has published before."""
        return b"%d " % self.published_count + bytes(self.draw.choice(SIZES))

    def read(self) -> None:
        """Read from anywhere; what is readable is what was published, and whole."""
        if (stream := self._stream()) is None:
            return
        log = stream.log
        offset = self.draw.randrange(log.next_offset + 2)
        checks = self.draw.random() < 0.5
        while True:
            try:
                extent = log.read(offset, self.draw.choice((1, 300, 5_000)), checks=checks)
            except OSError as error:
                if not is_shortage(error):
                    raise
                continue
            if extent is None:
                break
            require(decode_chunk_header(extent.octets).next_offset > offset, "reading goes on")
            for at, message in messages_of(extent):
                require(at < log.readable_offset, "what is read is committed")
                require(stream.messages[at].octets == message, f"offset {at} has another content")
            require(extent.next_offset > offset, "reading goes on")
            offset = extent.next_offset
        is_at_end = max(offset, log.first_offset) >= log.readable_offset
        require(is_at_end, f"reading ends at {offset}, before {log.readable_offset}")

    def store_offset(self) -> None:
        stream = self._stream()
        if stream is None or not stream.log.readable_offset:
            return
        offset = self.draw.randrange(stream.log.readable_offset)
        reference = self.draw.choice(CONSUMERS)
        stream.log.store_offset(reference, offset)
        stream.stored.append((self.node.commit.last_lsn, reference, offset))

    def retain(self) -> None:
        if (stream := self._stream()) is None:
            return
        if self.draw.random() < 0.3:
            stream.log.set_retention(self.draw.choice(RETENTIONS))
        self.now_ms += self.draw.randrange(60)
        while True:
            try:
                stream.log.retain(self.now_ms)
            except OSError as error:
                if not is_shortage(error):
                    raise
            else:
                return

    def _streams(self) -> list[ExpectedStream]:
        return [stream for stream in self.streams.values() if stream.delete_lsn is None]

    def _stream(self) -> ExpectedStream | None:
        streams = self._streams()
        return self.draw.choice(streams) if streams else None
