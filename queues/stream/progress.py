"""Up to where a reader has acked everything that it got.

    delivered   | 10 11 12 13 14 | 20 21 22 |
    acked         x  x  .  x  x    .  .  .         everything below 12

A client may ack in any order. What is stored for it must not be ahead of a message that it has not
acked: it would never get that again.
"""

from collections import deque


class Progress:
    """The deliveries of one reader that are not acked, as ranges of offsets.

    Attributes:
        offset: every message below it that the reader got is acked.

    Invariant: the ranges ascend, none is empty, and all that is in one is not acked.
    """

    __slots__ = ("_next_offset", "_ranges", "offset")

    def __init__(self, offset: int) -> None:
        """Begin with a reader that gets messages from this offset on."""
        self.offset = offset
        self._next_offset = offset
        self._ranges: deque[range] = deque()

    def delivered(self, offsets: range) -> None:
        """Note a delivery; its offsets are above all before."""
        ranges = self._ranges
        if ranges and ranges[-1].stop == offsets.start:
            ranges[-1] = range(ranges[-1].start, offsets.stop)
        else:
            ranges.append(offsets)
        self._next_offset = offsets.stop

    def passed(self, next_offset: int) -> None:
        """Note that the reader wants nothing of what lies before this offset."""
        if next_offset > self._next_offset:
            self._next_offset = next_offset
            self._look()

    def settled(self, offsets: range) -> bool:
        """Note acks, of any delivered offsets; return whether ``offset`` has grown."""
        ranges = self._ranges
        if ranges and offsets.start == ranges[0].start and offsets.step == 1:
            # In order, as nearly all clients do.
            first = ranges[0]
            if offsets.stop < first.stop:
                ranges[0] = range(offsets.stop, first.stop)
            elif offsets.stop == first.stop:
                ranges.popleft()
            else:
                self._take_out(offsets)
        else:
            self._take_out(offsets)
        before = self.offset
        self._look()
        return self.offset > before

    def _take_out(self, offsets: range) -> None:
        left: deque[range] = deque()
        first, last = offsets.start, offsets[-1]
        for each in self._ranges:
            if each.stop <= first or each.start > last:
                left.append(each)
                continue
            at = each.start
            for offset in offsets:
                if each.start <= offset < each.stop:
                    if at < offset:
                        left.append(range(at, offset))
                    at = offset + 1
            if at < each.stop:
                left.append(range(at, each.stop))
        self._ranges = left

    def _look(self) -> None:
        self.offset = self._ranges[0].start if self._ranges else self._next_offset
