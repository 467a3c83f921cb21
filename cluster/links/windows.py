"""How much may be on its way to a node that has not worked it off: one window a lane.

Live runs have a window of their own, so a catch-up never takes their room. Tails and snapshots
share one, and each queue's catch-up has a smaller one inside it.
"""

from typing import Final, TypeAlias

from cluster.links.errors import LinkError
from cluster.links.settings import Windows

LIVE: Final = 0
"""In place of a queue: the live runs of all queues."""

Lane: TypeAlias = int | str
"""``LIVE``, or a queue's catch-up: by its name where it is sent, by its number where it comes."""

_SHARE: Final = 4
"""A quarter of a window is given back at a time, and a quarter is the most that leaves at once."""

BEGUN_MAX: Final = 8
"""Tails and snapshots of which a part has left; the other node puts them together in memory."""


def piece_max(limits: Windows) -> int:
    """Return how many octets may leave at once, so that each window always has room for more."""
    return min(limits.of_lanes()) // _SHARE


def kept_max(limits: Windows, lane: Lane) -> int:
    """Return for how many octets of a frame that is not whole no credit is given yet.

    They are the window's hold on what is whole and not worked off; a larger frame counts as so
    much. All that is held or due leaves room in each window, so frames that are not whole never
    wait for each other.
    """
    if lane == LIVE:
        return limits.live_bytes // _SHARE
    return min(limits.stream_bytes // _SHARE, limits.catch_up_bytes // (2 * BEGUN_MAX))


class OutgoingWindow:
    """What the leader's node may still send."""

    __slots__ = ("_catch_up_bytes", "_limits", "_live_bytes", "_stream_bytes")

    def __init__(self, limits: Windows) -> None:
        """Nothing is on its way; ``limits`` are the other node's."""
        self._limits = limits
        self._live_bytes = 0
        self._catch_up_bytes = 0
        self._stream_bytes: dict[Lane, int] = {}

    def has_room(self, lane: Lane, octets: int) -> bool:
        """Return whether so many octets may leave, of a queue's catch-up or of ``LIVE``."""
        if lane == LIVE:
            return self._live_bytes + octets <= self._limits.live_bytes
        in_stream = self._stream_bytes.get(lane, 0)
        return (
            self._catch_up_bytes + octets <= self._limits.catch_up_bytes
            and in_stream + octets <= self._limits.stream_bytes
        )

    def has_stream_room(self, lane: Lane, octets: int) -> bool:
        """Return whether the window of this one queue has room, whatever the others take."""
        return self._stream_bytes.get(lane, 0) + octets <= self._limits.stream_bytes

    def has_shared_room(self, octets: int) -> bool:
        """Return whether the window that all queues share has room."""
        return self._catch_up_bytes + octets <= self._limits.catch_up_bytes

    def has_catch_up_room(self) -> bool:
        """Return whether there is room for any catch-up."""
        return self._catch_up_bytes < self._limits.catch_up_bytes

    def sent(self, lane: Lane, octets: int) -> None:
        """So many octets have left."""
        if lane == LIVE:
            self._live_bytes += octets
        elif octets:
            self._catch_up_bytes += octets
            self._stream_bytes[lane] = self._stream_bytes.get(lane, 0) + octets

    def credit(self, lane: Lane, octets: int) -> None:
        """The other node has worked so many off.

        Raises:
            LinkError: more than were sent.
        """
        sent = self._live_bytes if lane == LIVE else self._stream_bytes.get(lane, 0)
        if not 0 < octets <= sent:
            raise LinkError(f"credit for {octets} octets, {sent} were sent")
        if lane == LIVE:
            self._live_bytes -= octets
            return
        self._catch_up_bytes -= octets
        if octets == sent:
            del self._stream_bytes[lane]
        else:
            self._stream_bytes[lane] = sent - octets


class IncomingWindow:
    """What the mirror's node has taken and not worked off."""

    __slots__ = ("_catch_up_bytes", "_due", "_limits", "_live_bytes", "_stream_bytes")

    def __init__(self, limits: Windows) -> None:
        """Nothing was taken; ``limits`` are its own."""
        self._limits = limits
        self._live_bytes = 0
        self._catch_up_bytes = 0
        self._stream_bytes: dict[Lane, int] = {}
        self._due: dict[Lane, int] = {}

    def took(self, lane: Lane, octets: int) -> None:
        """Octets have come.

        Raises:
            LinkError: more than the window allows.
        """
        limits = self._limits
        if lane == LIVE:
            self._live_bytes += octets
            is_flood = self._live_bytes > limits.live_bytes
        else:
            self._catch_up_bytes += octets
            in_stream = self._stream_bytes.get(lane, 0) + octets
            self._stream_bytes[lane] = in_stream
            is_flood = in_stream > limits.stream_bytes
            is_flood |= self._catch_up_bytes > limits.catch_up_bytes
        if is_flood:
            raise LinkError("more octets than the window allows")

    def worked_off(self, lane: Lane, octets: int) -> int:
        """Octets were worked off; return the credit that is to be given now, 0 for none yet."""
        due = self._due.get(lane, 0) + octets
        if lane == LIVE:
            self._live_bytes -= octets
            if due < kept_max(self._limits, lane):
                self._due[lane] = due
                return 0
        else:
            self._catch_up_bytes -= octets
            left = self._stream_bytes[lane] - octets
            if left:
                self._stream_bytes[lane] = left
                if due < kept_max(self._limits, lane) // _SHARE:
                    self._due[lane] = due
                    return 0
            else:
                del self._stream_bytes[lane]
        self._due.pop(lane, None)
        return due
