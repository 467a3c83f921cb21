"""Random lives of streams that are compacted, on a disk that may go at any time."""

import random
from typing import Final

from persistence.errors import is_shortage
from persistence.files import Files
from persistence.streams.compactor import Compactor
from persistence.streams.log import StreamLog
from persistence.streams.retention import Retention
from tests.crash.expected_stream import ExpectedStream, require
from tests.crash.life import Life
from tests.crash.stream_life import StreamLife
from tests.support.keyed_messages import (
    COMPACTION,
    TOMBSTONE_AGE_MS,
    is_tombstone,
    key_of,
    state_of,
)
from tests.support.stream_logs import all_messages

KEYS: Final = 6
NO_KEY_SHARE: Final = 0.05
TOMBSTONE_SHARE: Final = 0.15
SIZES: Final = (1, 3, 40, 200)
RETENTIONS: Final = (
    Retention(segment_bytes_max=400),
    Retention(segment_bytes_max=700),
    Retention(segment_bytes_max=1_500),
    Retention(max_bytes=3_000, segment_bytes_max=700),
    Retention(max_age_ms=500, segment_bytes_max=700, segment_age_ms=100),
)


class CompactedLife(StreamLife):
    """A ``StreamLife`` whose streams keep the last message of each key."""

    limits = StreamLife.limits._replace(compaction_keys_max=4)

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self.published_ms: dict[tuple[int, int], int] = {}
        """When a message came, by stream and offset."""
        self.removed_count = 0
        self.actions = [
            (40, self.append),
            (14, self.commit),
            (4, self.node.seal),
            (16, self.compact),
            (12, self.go_on_with_checkpoint),
            (3, self.read),
            (1, self.store_offset),
            (1, self.retain),
            (1, self.declare_stream),
            (1, self.delete_stream),
            (1, self.change_stream_class),
        ]

    def take_over(self, before: Life, *, power_was_lost: bool) -> None:
        """Look at what a restart found, and go on with it."""
        assert isinstance(before, CompactedLife)
        super().take_over(before, power_was_lost=power_was_lost)
        self.published_ms = before.published_ms
        for stream in self.streams.values():
            stream.log.set_retention(self.draw.choice(RETENTIONS))
            self._begin(stream)

    def declare_stream(self) -> None:
        known = set(self.streams)
        super().declare_stream()
        for queue_id in set(self.streams) - known:
            stream = self.streams[queue_id]
            stream.log.set_retention(self.draw.choice(RETENTIONS))
            self._begin(stream)

    def new_message(self) -> bytes:
        """Return a message with a key, or a tombstone, or one without a key."""
        key = b"%d" % self.draw.randrange(KEYS)
        chance = self.draw.random()
        if chance < TOMBSTONE_SHARE:
            return key + b"="
        if chance < TOMBSTONE_SHARE + NO_KEY_SHARE:
            return super().new_message()
        return b"%s=%d %s" % (key, self.published_count, b"." * self.draw.choice(SIZES))

    def append(self) -> None:
        super().append()
        for queue_id, stream in self.streams.items():
            for offset in stream.messages:
                self.published_ms.setdefault((queue_id, offset), self.now_ms)

    def compact(self) -> None:
        """Do some pieces of a compaction; all that was the last of its key is there."""
        if (stream := self._stream()) is None:
            return
        log = stream.log
        self.now_ms += self.draw.randrange(40)
        _forgive(log._compactor)
        before = self._all_readable(log)
        for _ in range(self.draw.choice((1, 5, 100))):
            if log.compact(self.now_ms):
                break
        after = self._all_readable(log)
        require(after.items() <= before.items(), "a compaction changes no content")
        is_same = state_of(list(before.items())) == state_of(list(after.items()))
        require(is_same, "a compaction keeps the last message of each key")
        newest = {key_of(message): offset for offset, message in after.items()}
        for offset, message in before.items():
            key = key_of(message)
            if not is_tombstone(message) or newest.get(key, -1) >= offset:
                continue
            # No time has passed since the first of its pieces.
            older = [at for at, each in before.items() if at < offset and key_of(each) == key]
            require(not older, "a tombstone does not go with the messages before it")
        self.removed_count += len(before) - len(after)

    def _all_readable(self, log: StreamLog) -> dict[int, bytes]:
        """Return what can be read; a shortage passes."""
        while True:
            try:
                return dict(all_messages(log))
            except OSError as error:
                if not is_shortage(error):
                    raise

    def _begin(self, stream: ExpectedStream) -> None:
        stream.log.set_compaction(COMPACTION)
        stream.may_be_gone = self._may_be_gone

    def _may_be_gone(self, stream: ExpectedStream, found: dict[int, bytes]) -> set[int]:
        """Return the offsets that may be gone: there is a newer message of their key.

        Where that is a tombstone, it may be gone too once it was old enough, but not before all
        that are older.
        """
        newest = {key_of(message): offset for offset, message in found.items()}
        gone = set()
        for offset, published in stream.messages.items():
            key = key_of(published.octets)
            if key is not None and newest.get(key, -1) > offset:
                gone.add(offset)
        last = {key_of(each.octets): at for at, each in sorted(stream.messages.items())}
        for key, offset in last.items():
            if key is None or offset in found or not is_tombstone(stream.messages[offset].octets):
                continue
            at_ms = self.published_ms.get((stream.log.queue_id, offset), 0)
            if at_ms + TOMBSTONE_AGE_MS > self.now_ms or key in newest:
                continue
            gone |= {at for at, each in stream.messages.items() if key_of(each.octets) == key}
        return gone


def _forgive(compactor: Compactor) -> None:
    """Have what the disk refused tried again at once."""
    compactor._not_before_ms = 0
