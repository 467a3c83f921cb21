"""A stream that is compacted does what a list of messages and a dict of last values do.

Readers are at any place while it is compacted, and end with the state that the model has.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.streams import compacting
from persistence.streams.extent import Extent
from persistence.streams.retention import Retention
from tests.support.keyed_messages import (
    COMPACTION,
    PLAIN,
    SUB_BATCH,
    TOMBSTONE_AGE_MS,
    is_tombstone,
    key_of,
    sub_batch,
)
from tests.support.stream_logs import (
    NEVER_DIRECT,
    TINY,
    USUAL_STORE,
    DiskPlace,
    appended,
)

KEYS = [b"a", b"b", b"c", b"dd"]
SEGMENT_BYTES = (150, 400, 1_000)


@dataclass
class Reader:
    """One who reads from a place on, and knows the last of each key.

    Attributes:
        offset: of the next message.
        known: last offset and message of each key, tombstones too.
    """

    offset: int
    known: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)

    def take(self, messages: list[tuple[int, bytes]]) -> None:
        for offset, message in messages:
            key = key_of(message)
            if key is not None and offset >= self.offset:
                self.known[key] = (offset, message)


class Model:
    """The messages that were ever published, and the log that keeps some of them."""

    def __init__(self, keys_max: int, segment_bytes_max: int, *, is_direct: bool) -> None:
        self.messages: list[bytes] = []
        self.now_ms = 1_000
        self._segment_bytes_max = segment_bytes_max
        limits = TINY if is_direct else NEVER_DIRECT
        store_limits = USUAL_STORE._replace(compaction_keys_max=keys_max)
        self.place = DiskPlace(limits, store_limits=store_limits)
        self._configure()
        self.readers: list[Reader] = []

    def _configure(self) -> None:
        self.place.log.set_retention(Retention(segment_bytes_max=self._segment_bytes_max))
        self.place.log.set_compaction(COMPACTION)

    def append(self, messages: list[bytes], is_sub_batch: bool) -> None:
        """Append messages; those of a sub-batch are one entry."""
        what = sub_batch(*messages) if is_sub_batch else appended(*messages)
        self.place.log.append(what, self.now_ms)
        self.place.commit()
        self.messages += messages

    def compact(self, pieces: int, age_ms: int) -> None:
        """Do some pieces; then what is there is what was published, and the last of each key."""
        self.now_ms += age_ms
        before = self.known()
        for _ in range(pieces):
            if self.place.log.compact(self.now_ms):
                break
        after = self.known()
        assert {key: each for key, each in before.items() if not is_tombstone(each[1])} == {
            key: each for key, each in after.items() if not is_tombstone(each[1])
        }

    def known(self) -> dict[bytes, tuple[int, bytes]]:
        """Return what one who reads everything now knows."""
        reader = Reader(0)
        offset = 0
        while (extent := self.place.log.read(offset, 300)) is not None:
            found = plain_messages(extent)
            for at, message in found:
                assert self.messages[at] == message, "an offset never changes its content"
            assert [at for at, _ in found] == sorted({at for at, _ in found})
            reader.take(found)
            offset = extent.next_offset
        return reader.known

    def join(self, offset: int) -> None:
        """Let a reader begin somewhere."""
        self.readers.append(Reader(offset % (len(self.messages) + 1)))

    def read(self, index: int) -> None:
        """Let a reader read an extent."""
        if self.readers:
            reader = self.readers[index % len(self.readers)]
            extent = self.place.log.read(reader.offset, 1)
            if extent is not None:
                reader.take(plain_messages(extent))
                reader.offset = extent.next_offset

    def restart(self, has_checkpoint: bool) -> None:
        """Kill the node and start it again."""
        if has_checkpoint:
            self.place.checkpoint()
        self.place = self.place.restarted()
        assert self.place.damages == []
        self._configure()

    def end(self) -> None:
        """Have all readers read to the end: they know what is true."""
        last: dict[bytes, tuple[int, bytes]] = {}
        for offset, message in enumerate(self.messages):
            key = key_of(message)
            if key is not None:
                last[key] = (offset, message)
        there = self.known()
        for reader in [*self.readers, Reader(0)]:
            begin = reader.offset
            while (extent := self.place.log.read(reader.offset, 1)) is not None:
                reader.take(plain_messages(extent))
                reader.offset = extent.next_offset
            for key, (offset, message) in last.items():
                told = reader.known.get(key)
                if is_tombstone(message):
                    # One who read more slowly than the tombstone's age does not learn of it.
                    is_late = begin > 0 and key not in there
                    assert told is None or told == (offset, message) or is_late
                elif offset >= begin or told is not None:
                    assert told == (offset, message)


def plain_messages(extent: Extent) -> list[tuple[int, bytes]]:
    """Return offset and octets of each message, those of sub-batches too."""
    found: list[tuple[int, bytes]] = []
    for position, header in extent.chunks:
        at = position + header.data_at
        data = bytes(extent.octets[at : at + header.data_bytes])
        offset, at = header.first_offset, 0
        while at < len(data):
            if data[at] >= PLAIN:
                at += SUB_BATCH.size  # Its messages follow.
            stop = at + 4 + int.from_bytes(data[at : at + 4], "big")
            found.append((offset, data[at + 4 : stop]))
            offset, at = offset + 1, stop
        assert offset == header.next_offset
    return found


MESSAGES = st.lists(
    st.builds(
        lambda key, value: key + b"=" + value if key else b"none",
        st.sampled_from([*KEYS, b""]),
        st.sampled_from([b"", b"1", b"22", b"." * 60]),
    ),
    min_size=1,
    max_size=5,
)
Step: TypeAlias = Callable[[Model], None]


def append(messages: list[bytes], is_sub_batch: bool) -> Step:
    return lambda model: model.append(messages, is_sub_batch)


def compact(pieces: int, age_ms: int) -> Step:
    return lambda model: model.compact(pieces, age_ms)


APPENDS = st.builds(append, MESSAGES, st.sampled_from((False, False, False, True)))
COMPACTIONS = st.builds(compact, st.integers(1, 40), st.sampled_from((0, 1, TOMBSTONE_AGE_MS)))
STEPS = st.lists(
    st.one_of(
        APPENDS,
        APPENDS,
        COMPACTIONS,
        st.integers(0, 1_000).map(lambda offset: lambda model: model.join(offset)),
        st.integers(0, 9).map(lambda index: lambda model: model.read(index)),
        st.booleans().map(lambda is_saved: lambda model: model.restart(is_saved)),
    ),
    min_size=10,
    max_size=60,
)


@settings(deadline=None, max_examples=150)
@given(STEPS, st.sampled_from((1, 3, 1_000)), st.sampled_from(SEGMENT_BYTES), st.booleans())
def test_readers_know_the_last_of_each_key_whatever_is_compacted(
    steps: list[Step], keys_max: int, segment_bytes_max: int, is_direct: bool
) -> None:
    with patch.object(compacting, "PIECE_LENGTH", 2):
        model = Model(keys_max, segment_bytes_max, is_direct=is_direct)
        for step in steps:
            step(model)
        model.end()
