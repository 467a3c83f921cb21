"""A stretch of a lane whose messages the log has; after a restart some of them are in memory."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from persistence.record import Run
from queues.log_port import QueueLog, QueueSlice


class Stored:
    """A stretch of positions; the log has its messages, except for some in memory.

    Attributes:
        from_position: the first that has not gone to the head.
        stop_position: the first behind the stretch.
        unstored: messages that the log does not have, in order; no stored one lies inside a slice.
    """

    __slots__ = ("from_position", "stop_position", "unstored")

    def __init__(
        self, from_position: int, stop_position: int, unstored: Sequence[QueueSlice] = ()
    ) -> None:
        self.from_position = from_position
        self.stop_position = stop_position
        self.unstored = deque(unstored)

    @property
    def is_over(self) -> bool:
        """Whether all its messages have gone to the head."""
        return self.from_position >= self.stop_position and not self.unstored

    def remove(self, positions: Sequence[int]) -> None:
        """Forget those of the messages that are in memory; the log forgets what is settled there.

        Args:
            positions: ascending.
        """
        kept = [part for each in self.unstored for part in _without(each, positions)]
        self.unstored = deque(kept)

    def slices(
        self, log: QueueLog, lane: int, from_position: int, enough: int | None = None
    ) -> Iterator[QueueSlice]:
        """Return the messages from a position on, chunk by chunk, without taking them.

        Args:
            log: has them.
            lane: theirs.
            from_position: the first.
            enough: no slice need be longer; None wants all of a chunk.

        Raises:
            OSError: the disk could not be read.
        """
        at = max(self.from_position, from_position)
        for unstored in (*self.unstored, None):
            stop = self.stop_position if unstored is None else unstored.positions[0]
            while at < stop and (found := _read(log, lane, at, stop, enough)):
                yield found
                at = found.positions[-1] + 1
            if unstored is not None:
                yield unstored
                at = max(at, unstored.positions[-1] + 1)


def _read(log: QueueLog, lane: int, at: int, stop: int, enough: int | None) -> QueueSlice | None:
    """Return messages of one chunk: those nearby if there are any, which costs less."""
    if enough is not None and at + enough < stop:
        found = log.read_back(lane, at, at + enough).messages
        if found is not None:
            return found
    return log.read_back(lane, at, stop).messages


class _Slice(NamedTuple):
    """Some messages in order: implements ``queues.log_port.QueueSlice``."""

    records: Run
    positions: Sequence[int]
    expires_at_ms: int | Sequence[int]


def _without(each: QueueSlice, gone: Sequence[int]) -> list[QueueSlice]:
    """Return what is left of a slice without some positions."""
    positions, expires = each.positions, each.expires_at_ms
    parts: list[QueueSlice] = []
    start = 0
    first, stop = bisect_left(gone, positions[0]), bisect_right(gone, positions[-1])
    if first == stop:
        return [each]
    for position in (*gone[first:stop], positions[-1] + 1):
        at = bisect_left(positions, position)
        if start < at:
            instants = expires if isinstance(expires, int) else expires[start:at]
            parts.append(_Slice(each.records[start:at], positions[start:at], instants))
        start = at + (at < len(positions) and positions[at] == position)
    return parts
