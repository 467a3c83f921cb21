"""Frames of Publish, rendered before the clock starts, and sent again and again from one buffer.

| frame 0 | frame 1 | … | frame n-1 |   and again from the left
  ^ cursor: a write takes a number of whole frames from here

If latency is measured, the instant at which a frame is due is written into its bodies just before
it is sent. Each lane has a ring of its own.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from load_generator.load import PUBLISH_WRITE_BYTES, Load, Streaming
from load_generator.streams import commands
from load_generator.streams.instants import instant_places, stamp
from load_generator.streams.partitions import partition_of

RING_BYTES_MAX: Final = 1 << 26
"""Most memory of a ring, if there are so many keys."""


class FrameRing:
    """The frames of one publisher.

    Attributes:
        streams: those that the publisher publishes to; the publisher id is the place here.
    """

    def __init__(self, load: Load, keys: Sequence[str]) -> None:
        """Render.

        Args:
            load: what to publish.
            keys: of this publisher: names of streams, or keys that are hashed over partitions.
        """
        assert load.streaming is not None, "a load of streams"
        self._how: Streaming = load.streaming
        self._body = load.body
        self.streams = self._how.partitions or tuple(keys)
        frames: list[bytes] = []
        counts: list[int] = []
        for publisher_id, count in self._shares(keys):
            frames.append(self.rendered(publisher_id, count))
            counts.append(count)
        # Few frames are repeated, so that a write is one piece of the buffer.
        times = max(1, 2 * PUBLISH_WRITE_BYTES // sum(map(len, frames)))
        self._buffer = bytearray().join(frames * times)
        self._octets = memoryview(self._buffer)
        self._ends = [0, *accumulate(map(len, frames * times))]
        self._counts = [0, *accumulate(counts * times)]
        self._places: list[list[int]] = []
        if load.has_instants:
            self._places = [self._places_in(each) for each in frames] * times
        self._at = 0
        self._taken = range(0)

    def rendered(self, publisher_id: int, count: int) -> bytes:
        """Render one frame of so many messages."""
        return commands.publish(publisher_id, self._body, count, self._how, 0)

    def _shares(self, keys: Sequence[str]) -> list[tuple[int, int]]:
        """Return publisher id and number of messages of each frame."""
        batch_count = self._how.batch_count
        if not self._how.partitions:
            return [(number, batch_count) for number in range(len(keys))]
        # Each batch of keys goes out as one frame for each partition that gets some of it.
        shares: list[tuple[int, int]] = []
        room_bytes = RING_BYTES_MAX
        numbers = [partition_of(key, len(self._how.partitions)) for key in keys]
        numbers *= -(-batch_count // len(numbers))
        for start in range(0, len(numbers), batch_count):
            part = numbers[start : start + batch_count]
            shares += [(number, part.count(number)) for number in sorted(set(part))]
            room_bytes -= len(part) * (len(self._body) + commands.HEAD.size)
            if room_bytes < 0:
                break
        return shares

    def take(self, count_max: int) -> tuple[memoryview, int]:
        """Return the next frames of at most so many messages and PUBLISH_WRITE_BYTES together.

        Returns:
            The octets and the number of messages; both empty if not even one frame fits.
        """
        at = stop = self._at
        last = len(self._ends) - 1
        first_octet, first_count = self._ends[at], self._counts[at]
        while stop < last and self._counts[stop + 1] - first_count <= count_max:
            if stop > at and self._ends[stop + 1] - first_octet > PUBLISH_WRITE_BYTES:
                break
            stop += 1
        self._at = 0 if stop == last else stop
        self._taken = range(at, stop)
        octets = self._octets[first_octet : self._ends[stop]]
        return octets, self._counts[stop] - first_count

    def stamp(self, due_ns: int, interval_ns: float) -> None:
        """Write instants into the frames that were taken last.

        Args:
            due_ns: instant before the first message of them.
            interval_ns: time from one message to the next; 0 gives all the same instant.
        """
        for index in self._taken:
            count = self._counts[index + 1] - self._counts[self._taken.start]
            instant_ns = due_ns + round(count * interval_ns)
            stamp(self._buffer, self._ends[index], self._places[index], instant_ns)

    def take_rest(self, count: int, instant_ns: int = 0) -> tuple[memoryview, int]:
        """Return one last frame of exactly so many messages, fewer than the next one has.

        Args:
            count: of the messages.
            instant_ns: at which it is due, if latency is measured.
        """
        whole = count - count % max(1, self._how.sub_entry_count)
        octets = bytearray(self.rendered(0, whole))
        if self._places:
            stamp(octets, 0, self._places_in(octets), instant_ns)
        return memoryview(octets), whole

    def _places_in(self, octets: bytes | bytearray) -> list[int]:
        return instant_places(octets, has_values=bool(self._how.filter_values))

    def next_count(self) -> int:
        """Return the number of messages in the next frame."""
        return self._counts[self._at + 1] - self._counts[self._at]
