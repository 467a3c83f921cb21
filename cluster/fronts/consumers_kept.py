"""The consumers of a front half, in the order in which they came; they stay as leaders change."""

from collections import deque
from typing import Final

from queues.consumer_port import ConsumerHandle, Lane

CANCEL_ON_FAILOVER: Final = "x-cancel-on-ha-failover"
"""The argument of a consumer that wants to hear of a new leader: it is cancelled then."""


class KeptConsumers:
    """The consumers, and which of them are not added on the present way yet.

    Invariant: a consumer that waits stands in ``_waiting``; who is there, or gone, may too.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._is_there: dict[ConsumerHandle, bool] = {}
        self._lane_counts: dict[Lane, int] = {}
        self._waiting: deque[ConsumerHandle] = deque()

    def __len__(self) -> int:
        return len(self._is_there)

    @property
    def has_waiting(self) -> bool:
        """Whether some may have to be added."""
        return bool(self._waiting)

    def serves(self, lane: Lane) -> bool:
        """Whether any of them is on this lane."""
        return lane in self._lane_counts

    def add(self, handle: ConsumerHandle, *, is_there: bool) -> None:
        """Add a consumer; it waits unless it is there on the present way."""
        self._is_there[handle] = is_there
        self._lane_counts[handle.lane] = self._lane_counts.get(handle.lane, 0) + 1
        if not is_there:
            self._waiting.append(handle)

    def remove(self, handle: ConsumerHandle) -> bool:
        """Remove a consumer; return False if it is unknown."""
        if self._is_there.pop(handle, None) is None:
            return False
        count = self._lane_counts[handle.lane] - 1
        if count:
            self._lane_counts[handle.lane] = count
        else:
            del self._lane_counts[handle.lane]
        if len(self._waiting) > 2 * len(self._is_there) + 64:
            self._waiting = deque(each for each in self._waiting if self._waits(each))
        return True

    def next_waiting(self) -> ConsumerHandle | None:
        """Return the next that waits, which counts as there from now on; None is nobody."""
        while self._waiting:
            handle = self._waiting.popleft()
            if self._waits(handle):
                self._is_there[handle] = True
                return handle
        return None

    def way_ended(self) -> list[ConsumerHandle]:
        """Let all of them wait; return those that are removed, because they asked for that."""
        gone = [
            handle
            for handle, is_there in self._is_there.items()
            if is_there and handle.arguments.get(CANCEL_ON_FAILOVER) is True
        ]
        for handle in gone:
            self.remove(handle)
        self._is_there = dict.fromkeys(self._is_there, False)
        self._waiting = deque(self._is_there)
        for handle in self._is_there:
            handle.is_blocked = False
        return gone

    def clear(self) -> None:
        """Forget all of them."""
        self._is_there.clear()
        self._lane_counts.clear()
        self._waiting.clear()

    def _waits(self, handle: ConsumerHandle) -> bool:
        return self._is_there.get(handle) is False
